"""Callers that race over two nodes: one winner, and a stream that tells one story."""

from __future__ import annotations

import asyncio
import os
from collections import Counter

import pytest

from support import load
from support.bridge import Bridge
from support.client import Credentials
from support.scenario import share, unique
from support.story import check_story

APPROVALS = int(os.environ.get("TANDEM_E2E_APPROVALS", "2000"))
APPROVERS = 8
#: Pending approvals are bounded per session and per participant, so the proposals come in rounds.
ROUND = 250


@pytest.mark.timeout(300)
def test_every_approval_has_one_winner_and_one_dispatch(cluster):
    """2,000 approvals, each raced by 8 approvers over two nodes: half of them approve, half reject."""
    api = cluster.api
    # Waiting dispatches count as pending; a bridge that runs what is approved keeps the rounds below the bound.
    shared = share(api)
    authors = [shared.join() for _ in range(4)]

    async def one_round(http, first: int) -> tuple[list[str], dict[str, dict]]:
        made = await asyncio.gather(
            *(
                load.post(
                    http, cluster.bases[n % 2], f"{shared.path}/prompts", {"prompt": f"{first + n}"}, authors[n % 4]
                )
                for n in range(ROUND)
            )
        )
        ids = [body["approval"]["id"] for status, body in made if status == 200]
        assert len(ids) == ROUND, Counter(status for status, _ in made)

        async def race(approval: str):
            replies = await asyncio.gather(
                *(
                    load.post(
                        http,
                        cluster.bases[(n // 2) % 2],
                        f"{shared.path}/approvals/{approval}",
                        {"action": "approve" if n % 2 else "reject"},
                        shared.host,
                    )
                    for n in range(APPROVERS)
                )
            )
            winners = [body["approval"] for status, body in replies if status == 200]
            losers = [(status, body["code"]) for status, body in replies if status != 200]
            assert len(winners) == 1 and losers == [(409, "APPROVAL_ALREADY_RESOLVED")] * (APPROVERS - 1), replies
            return approval, winners[0]

        gate = asyncio.Semaphore(8)

        async def gated(approval: str):
            async with gate:
                return await race(approval)

        return ids, dict(await asyncio.gather(*map(gated, ids)))

    delivered: list[str] = []

    async def whole() -> dict[str, dict]:
        won: dict[str, dict] = {}
        async with load.session() as http:
            with Bridge(api, shared.agent) as bridge:
                path = f"{bridge.path}/dispatches/"

                async def run_dispatches() -> None:
                    while True:
                        dispatch = await asyncio.to_thread(bridge.take, 120)
                        report = {"attempt": dispatch["attempt"]}
                        for state in ({"state": "started"}, {"state": "completed", "stopReason": "end_turn"}):
                            status, body = await load.post(
                                http, api.next_base(), path + dispatch["dispatchId"], report | state, shared.agent
                            )
                            assert status == 200, body
                        delivered.append(dispatch["approvalId"])

                runner = asyncio.create_task(run_dispatches())
                for first in range(0, APPROVALS, ROUND):
                    _, winners = await one_round(http, first)
                    won |= winners
                    approved = sum(w["status"] == "approved" for w in won.values())
                    while len(delivered) < approved:
                        if runner.done():
                            runner.result()
                        await asyncio.sleep(0.02)
                runner.cancel()
        return won

    won = asyncio.run(whole())
    assert len(won) == APPROVALS
    decided = Counter(w["status"] for w in won.values())
    assert set(decided) <= {"approved", "rejected"}
    approved = {a for a, w in won.items() if w["status"] == "approved"}
    assert len(delivered) == len(set(delivered)) and set(delivered) == approved
    stored = Counter(e["type"] for e in check_story(cluster, shared))
    assert stored["prompt_pending_approval"] == APPROVALS
    assert (stored["prompt_approved"], stored["prompt_rejected"]) == (decided["approved"], decided["rejected"])
    assert stored["prompt_dispatch_started"] == stored["prompt_dispatch_completed"] == len(approved)


def test_approve_against_close(cluster):
    """Either the approval is dispatched and then failed by the close, or it expires: never both, never neither."""

    async def one(http):
        shared = await asyncio.to_thread(share, cluster.api)
        guest = await asyncio.to_thread(shared.join)
        pending = await asyncio.to_thread(shared.prompt, "x", guest)
        (approve, answer), closed = await asyncio.gather(
            load.post(
                http, cluster.bases[0], f"{shared.path}/approvals/{pending['id']}", {"action": "approve"}, shared.host
            ),
            asyncio.to_thread(shared.close),
        )
        assert closed["status"] == "closed"
        stored = Counter(e["type"] for e in check_story(cluster, shared))
        assert stored["session_closed"] == 1
        if approve == 200:
            assert (stored["prompt_approved"], stored["prompt_dispatch_failed"], stored["prompt_expired"]) == (1, 1, 0)
        else:
            assert (approve, answer["code"]) == (409, "SESSION_INACTIVE")
            assert (stored["prompt_approved"], stored["prompt_dispatch_failed"], stored["prompt_expired"]) == (0, 0, 1)
        return approve

    async def whole():
        async with load.session() as http:
            for _ in range(40):
                await one(http)

    asyncio.run(whole())


def test_join_against_close(cluster):
    async def one(http):
        shared = await asyncio.to_thread(share, cluster.api)
        joins = [
            load.post(
                http, cluster.bases[n % 2], f"{shared.path}/join", {"inviteToken": shared.invite, "userId": unique("u")}
            )
            for n in range(6)
        ]
        *joined, _ = await asyncio.gather(*joins, asyncio.to_thread(shared.close))
        for status, body in joined:
            assert status == 200 or (status, body["code"]) == (409, "SESSION_INACTIVE")
        stored = check_story(cluster, shared)
        assert sum(e["type"] == "participant_joined" for e in stored) == 1 + sum(s == 200 for s, _ in joined)
        assert stored[-1]["type"] == "session_closed", "nobody joins behind the end"

    async def whole():
        async with load.session() as http:
            for _ in range(25):
                await one(http)

    asyncio.run(whole())


def test_the_same_user_joining_many_times_at_once_is_one_participant(cluster):
    shared = share(cluster.api)
    user = unique("same")

    async def whole():
        async with load.session() as http:
            return await asyncio.gather(
                *(
                    load.post(
                        http,
                        cluster.bases[n % 2],
                        f"{shared.path}/join",
                        {"inviteToken": shared.invite, "userId": user},
                    )
                    for n in range(8)
                )
            )

    replies = asyncio.run(whole())
    assert {status for status, _ in replies} == {200}
    assert len({body["participant"]["id"] for _, body in replies}) == 1
    assert sum(e["type"] == "participant_joined" for e in check_story(cluster, shared)) == 2
    for _, body in replies:
        shared.comment("every token works", Credentials(body["participant"]["id"], body["participant"]["accessToken"]))


def test_a_participant_leaves_once(cluster):
    shared = share(cluster.api)

    async def whole():
        async with load.session() as http:
            for _ in range(30):
                guest = await asyncio.to_thread(shared.join)
                replies = await asyncio.gather(
                    *(load.post(http, cluster.bases[n % 2], f"{shared.path}/leave", {}, guest) for n in range(4))
                )
                assert sorted(status for status, _ in replies) == [200, 409, 409, 409]

    asyncio.run(whole())
    stored = Counter(e["type"] for e in check_story(cluster, shared))
    assert (stored["participant_joined"], stored["participant_left"]) == (31, 30)


def test_a_session_is_closed_once(cluster):
    async def whole():
        async with load.session() as http:
            for _ in range(20):
                shared = await asyncio.to_thread(share, cluster.api)

                async def close(base, shared=shared):
                    async with http.delete(base + shared.path, headers=shared.host.header) as reply:
                        return reply.status

                statuses = await asyncio.gather(*(close(cluster.bases[n % 2]) for n in range(4)))
                assert sorted(statuses) == [200, 409, 409, 409]
                assert sum(e["type"] == "session_closed" for e in check_story(cluster, shared)) == 1

    asyncio.run(whole())


def test_writers_on_both_nodes_make_one_contiguous_stream(cluster):
    shared = share(cluster.api)
    guests = [shared.join() for _ in range(8)]
    watchers = [shared.stream(base=base) for base in cluster.bases]

    async def writer(http, at):
        for n in range(60):
            status, _ = await load.post(
                http, cluster.bases[(at + n) % 2], f"{shared.path}/messages", {"text": f"{at} {n}"}, guests[at]
            )
            assert status == 200

    async def whole():
        async with load.session() as http:
            await asyncio.gather(*(writer(http, at) for at in range(8)))

    asyncio.run(whole())
    stored = [e for e in check_story(cluster, shared) if e["type"] == "message_created"]
    assert len(stored) == 480
    for watcher in watchers:
        frames = [watcher.expect("message_created") for _ in range(480)]
        assert [f.id for f in frames] == [e["entry"] for e in stored]
        for at in range(8):
            own = [f.payload["message"]["text"] for f in frames if f.payload["message"]["text"].startswith(f"{at} ")]
            assert own == [f"{at} {n}" for n in range(60)], "each writer's own order is kept"
        watcher.close()
