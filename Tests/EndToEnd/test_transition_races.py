"""Every transition as a race over two nodes: whoever comes first, there is one outcome, and the events tell it.

A round is either one call after the other, in both orders, so that both outcomes are sure to be seen; or both at once.
"""

from __future__ import annotations

import asyncio

import pytest

from support.bridge import Bridge
from support.racers import make, refused, types
from support.scenario import unique
from support.story import events


def test_approve_against_withdraw(cluster, rounds):
    async def one(racers):
        shared, author = await make(cluster)
        pending = await asyncio.to_thread(shared.prompt, "x", author)
        path = f"{shared.path}/approvals/{pending['id']}"
        approve, withdraw = await racers.race(
            racers.send(0, "POST", path, {"action": "approve"}, shared.host),
            racers.send(1, "POST", f"{path}/withdraw", {}, author),
        )
        lost = [refused(answer, 409, "APPROVAL_ALREADY_RESOLVED") for answer in (approve, withdraw)]
        assert sorted(lost) == [False, True]
        seen = types(cluster, shared)
        assert seen.count("prompt_approved") == (not lost[0]) and seen.count("prompt_withdrawn") == (not lost[1])
        return "withdrawn" if lost[0] else "approved"

    assert rounds(one) == {"approved", "withdrawn"}


def test_two_delegates_who_disagree(cluster, rounds):
    async def one(racers):
        shared, author = await make(cluster)
        ann, bea = [await asyncio.to_thread(shared.join, user) for user in ("ann", "bea")]
        for who in (ann, bea):
            path = f"{shared.path}/participants/{who.id}"
            changed, _ = await racers.send(0, "PATCH", path, {"canApprove": True}, shared.host)()
            assert changed == 200
        pending = await asyncio.to_thread(shared.prompt, "x", author)
        path = f"{shared.path}/approvals/{pending['id']}"
        approve, reject = await racers.race(
            racers.send(0, "POST", path, {"action": "approve"}, ann),
            racers.send(1, "POST", path, {"action": "reject"}, bea),
        )
        lost = [refused(answer, 409, "APPROVAL_ALREADY_RESOLVED") for answer in (approve, reject)]
        assert sorted(lost) == [False, True]
        late = (approve if lost[0] else reject)[1]["error"]
        assert ("rejected by bea" if lost[0] else "approved by ann") in late
        decided = [
            (type, payload) for type, payload in events(cluster, shared) if type.endswith(("approved", "rejected"))
        ]
        assert len(decided) == 1 and decided[0][1]["participant"]["id"] == (bea if lost[0] else ann).id
        return decided[0][0]

    assert rounds(one) == {"prompt_approved", "prompt_rejected"}


@pytest.mark.parametrize("change", ["role", "mode"])
def test_a_prompt_against_losing_the_right_to_it(cluster, rounds, change):
    async def one(racers):
        shared, author = await make(cluster)
        body, path = {"role": "viewer"}, f"{shared.path}/participants/{author.id}"
        event = "participant_updated"
        if change == "mode":
            body, path, event = {"mode": "comment_only"}, shared.path, "session_updated"
        prompted, changed = await racers.race(
            racers.send(0, "POST", f"{shared.path}/prompts", {"prompt": "x"}, author),
            racers.send(1, "PATCH", path, body, shared.host),
        )
        assert changed[0] == 200, changed
        seen = types(cluster, shared)
        if refused(prompted, 403, "PROMPT_NOT_ALLOWED"):
            assert "prompt_pending_approval" not in seen
            return "refused"
        assert seen.index("prompt_pending_approval") < seen.index(event)
        return "pending"

    assert rounds(one) == {"pending", "refused"}


def test_a_message_against_the_removal_of_its_author(cluster, rounds):
    async def one(racers):
        shared, author = await make(cluster)
        said, removed = await racers.race(
            racers.send(0, "POST", f"{shared.path}/messages", {"text": "x"}, author),
            racers.send(1, "DELETE", f"{shared.path}/participants/{author.id}", None, shared.host),
        )
        assert removed[0] == 200, removed
        seen = types(cluster, shared)
        if refused(said, 409, "PARTICIPANT_INACTIVE"):
            assert "message_created" not in seen
            return "refused"
        assert seen.index("message_created") < seen.index("participant_left")
        return "said"

    assert rounds(one) == {"said", "refused"}


def test_a_join_against_the_rotation_of_its_invite(cluster, rounds):
    async def one(racers):
        shared, _ = await make(cluster)
        body = {"inviteToken": shared.invite, "userId": unique("late")}
        joined, rotated = await racers.race(
            racers.send(0, "POST", f"{shared.path}/join", body),
            racers.send(1, "POST", f"{shared.path}/invite", {}, shared.host),
        )
        assert rotated[0] == 200, rotated
        out = refused(joined, 403, "INVALID_INVITE_TOKEN")
        assert types(cluster, shared).count("participant_joined") == (2 if out else 3)
        again = await racers.send(0, "POST", f"{shared.path}/join", body | {"userId": unique("later")})()
        assert refused(again, 403, "INVALID_INVITE_TOKEN")
        return "refused" if out else "joined"

    assert rounds(one) == {"joined", "refused"}


def test_a_decision_of_the_host_against_handing_the_role_over(cluster, rounds):
    async def one(racers):
        shared, author = await make(cluster)
        heir = await asyncio.to_thread(shared.join)
        pending = await asyncio.to_thread(shared.prompt, "x", author)
        path = f"{shared.path}/approvals/{pending['id']}"
        decided, handed = await racers.race(
            racers.send(0, "POST", path, {"action": "reject"}, shared.host),
            racers.send(1, "POST", f"{shared.path}/host", {"newHostParticipantId": heir.id}, shared.host),
        )
        assert handed[0] == 200, handed
        seen = types(cluster, shared)
        later = await racers.send(0, "POST", path, {"action": "approve"}, heir)()
        if refused(decided, 403, "HOST_REQUIRED"):
            assert "prompt_rejected" not in seen and later[0] == 200
            return "refused"
        assert seen.index("prompt_rejected") < seen.index("participant_updated")
        assert refused(later, 409, "APPROVAL_ALREADY_RESOLVED")
        return "rejected"

    assert rounds(one) == {"rejected", "refused"}


def test_the_host_role_goes_to_one_of_two(cluster, rounds):
    async def one(racers):
        shared, ann = await make(cluster)
        bea = await asyncio.to_thread(shared.join)
        path = f"{shared.path}/host"
        first, second = await racers.race(
            racers.send(0, "POST", path, {"newHostParticipantId": ann.id}, shared.host),
            racers.send(1, "POST", path, {"newHostParticipantId": bea.id}, shared.host),
        )
        lost = [refused(answer, 403, "HOST_REQUIRED") for answer in (first, second)]
        assert sorted(lost) == [False, True]
        people = (await asyncio.to_thread(shared.snapshot))["participants"]
        assert [p["id"] for p in people if p["role"] == "host"] == [(bea if lost[0] else ann).id]
        assert types(cluster, shared).count("session_updated") == 1
        return "bea" if lost[0] else "ann"

    assert rounds(one) == {"ann", "bea"}


def test_taking_a_prompt_back_against_its_start(cluster, rounds):
    async def one(racers):
        shared, author = await make(cluster, mode="prompt_direct")
        bridge = await asyncio.to_thread(Bridge, cluster.api, shared.agent)
        with bridge:
            queued = await asyncio.to_thread(shared.prompt, "x", author)
            dispatch = await asyncio.to_thread(bridge.take)
            report = {"state": "started", "attempt": dispatch["attempt"]}
            path = f"{bridge.path}/dispatches/{dispatch['dispatchId']}"
            taken, started = await racers.race(
                racers.send(0, "DELETE", f"{shared.path}/queue/{queued['id']}", None, author),
                racers.send(1, "POST", path, report, shared.agent),
            )
        lost = [refused(answer, 409, "DISPATCH_CONFLICT") for answer in (taken, started)]
        assert sorted(lost) == [False, True]
        seen = types(cluster, shared)
        assert seen.count("prompt_withdrawn") == (not lost[0])
        assert seen.count("prompt_dispatch_started") == (not lost[1])
        return "started" if lost[0] else "taken back"

    assert rounds(one) == {"started", "taken back"}
