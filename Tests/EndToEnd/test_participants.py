"""Participants: join, leave, roles, removal, the invite and the host's reserved identity."""

from __future__ import annotations

import pytest

from support import shapes
from support.client import Credentials
from support.scenario import share, unique
from support.waiting import eventually


def test_join_answers_session_and_participant_with_a_token(api):
    shared = share(api)
    user = unique("grace")
    with shared.stream() as stream:
        reply = api.post(
            f"{shared.path}/join", {"inviteToken": shared.invite, "userId": f"  {user} ", "displayName": "Grace"}
        ).expect(200)
        assert set(reply) == {"session", "participant"}
        assert shapes.session(reply["session"]) == shared.session
        participant = shapes.participant(reply["participant"], "accessToken")
        assert (participant["userId"], participant["displayName"], participant["role"]) == (
            user,
            "Grace",
            "collaborator",
        )
        joined = stream.expect("participant_joined")
        del participant["accessToken"]
        assert joined.payload == {"participant": participant}


@pytest.mark.parametrize(
    ("asked", "given"),
    [("viewer", "viewer"), ("collaborator", "collaborator"), ("host", "collaborator"), (None, "collaborator")],
)
def test_the_asked_role_is_given_except_host(api, asked, given):
    shared = share(api)
    guest = shared.join(role=asked)
    found = next(p for p in shared.snapshot()["participants"] if p["id"] == guest.id)
    assert found["role"] == given


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"userId": ""}, 400, "MISSING_USER_ID"),
        ({"userId": "   "}, 400, "MISSING_USER_ID"),
        ({"inviteToken": "A" * 43}, 403, "INVALID_INVITE_TOKEN"),
        ({"inviteToken": ""}, None, None),
        ({"role": "owner"}, 400, "INVALID_FIELD"),
        ({"role": 3}, 400, "INVALID_BODY"),
        ({"userId": "x" * 129}, 400, "INVALID_FIELD"),
        ({"displayName": "x" * 65}, 400, "INVALID_FIELD"),
        ({"displayName": ["x"]}, 400, "INVALID_BODY"),
        ({"userId": {}}, 400, "INVALID_BODY"),
    ],
)
def test_join_refuses(api, change, status, code):
    shared = share(api)
    reply = api.post(f"{shared.path}/join", {"inviteToken": shared.invite, "userId": "somebody"} | change)
    assert 400 <= reply.status < 500
    if status:
        reply.expect(status, code)
    assert len(shared.snapshot()["participants"]) == 1


def test_joining_again_gives_the_same_participant_a_further_token_and_no_event(api):
    shared = share(api)
    user = unique("again")
    with shared.stream() as stream:
        tokens = [shared.join(user) for _ in range(3)]
        assert len({t.id for t in tokens}) == 1 and len({t.token for t in tokens}) == 3
        for at, credentials in enumerate(tokens):
            shared.comment(f"with token {at}", credentials)
        stream.expect("participant_joined", "message_created", "message_created", "message_created")


def test_the_first_token_and_the_newest_seven_stay_valid(api):
    shared = share(api)
    user = unique("many")
    tokens = [shared.join(user) for _ in range(10)]
    answers = [api.post(f"{shared.path}/messages", {"text": "hi"}, t).status for t in tokens]
    assert answers == [200, 403, 403] + [200] * 7, "nobody with an invite alone pushes the first one out"


def test_the_hosts_identity_cannot_be_joined(api):
    shared = share(api)
    for user in (shared.session["hostUserId"], f" {shared.session['hostUserId']}  "):
        for role in ("host", "collaborator", "viewer"):
            api.post(f"{shared.path}/join", {"inviteToken": shared.invite, "userId": user, "role": role}).expect(
                403, "HOST_IDENTITY_RESERVED"
            )
    assert len(shared.snapshot()["participants"]) == 1


def test_leaving_stamps_the_participant_and_ends_their_streams(api):
    shared = share(api)
    guest = shared.join()
    with shared.stream(guest) as own, shared.stream() as hosts:
        reply = api.post(f"{shared.path}/leave", None, guest).expect(200)
        assert set(reply) == {"participant"}
        left = shapes.participant(reply["participant"])
        assert left["id"] == guest.id and left["leftAt"] >= left["joinedAt"]
        assert own.expect("participant_left").payload["participant"]["id"] == guest.id
        assert own.wait_end() == []
        assert hosts.expect("participant_left").payload["participant"]["leftAt"] == left["leftAt"]
        assert hosts.is_open
    api.post(f"{shared.path}/leave", None, guest).expect(409, "PARTICIPANT_INACTIVE")
    api.post(f"{shared.path}/messages", {"text": "late"}, guest).expect(409, "PARTICIPANT_INACTIVE")
    listed = api.get(f"{shared.path}/participants").expect(200)["participants"]
    assert [p.get("leftAt") for p in listed] == [None, left["leftAt"]]


def test_who_left_may_join_again_as_somebody_new(api):
    shared = share(api)
    user = unique("returning")
    first = shared.join(user)
    api.post(f"{shared.path}/leave", None, first).expect(200)
    second = shared.join(user)
    assert second.id != first.id
    shared.comment("back", second)
    api.post(f"{shared.path}/messages", {"text": "x"}, first).expect(409, "PARTICIPANT_INACTIVE")


def test_a_host_that_leaves_closes_the_session(api):
    shared = share(api)
    guest = shared.join()
    with shared.stream(guest) as stream:
        api.post(f"{shared.path}/leave", None, shared.host).expect(200)
        assert stream.until("session_closed")[-1].payload == {"status": "closed"}
        assert stream.wait_end() == []
    api.get(shared.path).expect(409, "SESSION_INACTIVE")


def test_participants_are_listed_in_the_order_they_joined(api):
    shared = share(api)
    guests = [shared.join(displayName=f"Guest {n}") for n in range(6)]
    api.post(f"{shared.path}/leave", None, guests[2]).expect(200)
    reply = api.get(f"{shared.path}/participants").expect(200)
    assert set(reply) == {"participants"}
    assert [shapes.participant(p)["id"] for p in reply["participants"]] == [shared.host.id] + [g.id for g in guests]
    assert ["leftAt" in p for p in reply["participants"]] == [False, False, False, True, False, False, False]


def test_online_is_true_while_a_stream_is_open(api):
    shared = share(api)
    guest = shared.join()

    def online() -> bool:
        listed = api.get(f"{shared.path}/participants").expect(200)["participants"]
        return next(p["online"] for p in listed if p["id"] == guest.id)

    assert online() is False
    with shared.stream(guest):
        eventually(online, "the participant to be online")
    eventually(lambda: not online(), "the participant to be offline again")


def test_the_host_changes_a_role_at_once(api):
    shared = share(api)
    guest = shared.join()
    target = f"{shared.path}/participants/{guest.id}"
    with shared.stream() as stream:
        reply = api.patch(target, {"role": "viewer"}, shared.host).expect(200)
        changed = shapes.participant(reply["participant"])
        assert (changed["id"], changed["role"]) == (guest.id, "viewer")
        assert stream.expect("participant_updated").payload["participant"]["role"] == "viewer"
        api.post(f"{shared.path}/messages", {"text": "x"}, guest).expect(403, "COMMENT_NOT_ALLOWED")
        api.patch(target, {"role": "collaborator"}, shared.host).expect(200)
        shared.comment("allowed again", guest)
    api.patch(target, {"role": "viewer"}, guest).expect(403, "HOST_REQUIRED")


def test_no_role_changes_to_or_from_host(api):
    shared = share(api)
    guest = shared.join()
    for who, role in ((guest.id, "host"), (shared.host.id, "collaborator")):
        assert 400 <= api.patch(f"{shared.path}/participants/{who}", {"role": role}, shared.host).status < 500
    assert [p["role"] for p in shared.snapshot()["participants"]] == ["host", "collaborator"]


def test_removal_revokes_tokens_and_ends_streams(api):
    shared = share(api)
    guest, other = shared.join(), shared.join()
    target = f"{shared.path}/participants/{guest.id}"
    api.delete(target, other).expect(403, "HOST_REQUIRED")
    with shared.stream(guest) as theirs, shared.stream(other) as others:
        removed = shapes.participant(api.delete(target, shared.host).expect(200)["participant"])
        assert removed["id"] == guest.id and "leftAt" in removed
        event = others.expect("participant_left")
        assert event.payload["participant"]["id"] == guest.id
        assert event.payload["removedByParticipantId"] == shared.host.id
        assert [f.type for f in theirs.wait_end()] == ["participant_left"]
        assert others.is_open
    api.post(f"{shared.path}/messages", {"text": "late"}, guest).expect(409, "PARTICIPANT_INACTIVE")


def test_rotating_the_invite_stops_the_old_one_at_once(api):
    shared = share(api)
    guest = shared.join()
    api.post(f"{shared.path}/invite", None, guest).expect(403, "HOST_REQUIRED")
    reply = api.post(f"{shared.path}/invite", None, shared.host).expect(200)
    assert set(reply) == {"inviteToken"} and shapes.token(reply["inviteToken"])
    api.post(f"{shared.path}/join", {"inviteToken": shared.invite, "userId": "late"}).expect(
        403, "INVALID_INVITE_TOKEN"
    )
    shared.invite = reply["inviteToken"]
    shared.join()
    shared.comment("tokens of those inside still work", guest)


def test_an_access_token_opens_nothing_but_its_own_session(api):
    one, two = share(api), share(api)
    guest = one.join()
    api.post(f"{two.path}/messages", {"text": "x"}, guest).expect(404, "PARTICIPANT_NOT_FOUND")
    borrowed = Credentials(one.host.id, guest.token)
    api.post(f"{one.path}/messages", {"text": "x"}, borrowed).expect(403, "INVALID_PARTICIPANT_TOKEN")
