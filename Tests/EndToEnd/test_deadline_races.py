"""Decisions at the very moment at which their time is over: decided or expired, never both, never neither."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime

from support import load
from support.kept_events import set_rule
from support.scenario import share
from support.story import events
from support.waiting import eventually

#: How far from the deadline the calls arrive, in milliseconds: the first are in time, the last are too late.
AROUND = [-400, *range(-24, 26, 2), 400]


def moment(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()


async def approve_at(http, cluster, shared, approval: str, when: float, node: int):
    """One approval that is sent at a given time."""
    await asyncio.sleep(max(0.0, when - datetime.now(UTC).timestamp()))
    path = f"{shared.path}/approvals/{approval}"
    return await load.post(http, cluster.bases[node % 2], path, {"action": "approve"}, shared.host)


def decide_around(cluster, jobs) -> list[tuple[int, dict]]:
    """`jobs`: session, approval id and deadline; one for each distance."""

    async def whole():
        async with load.session() as http:
            calls = [
                approve_at(http, cluster, shared, approval, deadline + distance / 1000, at)
                for at, ((shared, approval, deadline), distance) in enumerate(zip(jobs, AROUND, strict=True))
            ]
            return await asyncio.gather(*calls)

    return asyncio.run(whole())


def test_approve_against_the_time_of_the_approval(cluster):
    shared = share(cluster.api)
    cluster.api.patch(shared.path, {"approvalTimeoutSeconds": 2}, shared.host).expect(200)
    author = shared.join()
    pending = [shared.prompt("x", author) for _ in AROUND]
    answers = decide_around(cluster, [(shared, a["id"], moment(a["expiresAt"])) for a in pending])
    approved = {a["id"] for a, (status, _) in zip(pending, answers, strict=True) if status == 200}
    for status, body in answers:
        assert status == 200 or (status, body["code"]) == (409, "APPROVAL_ALREADY_RESOLVED")
        assert status == 200 or "expired" in body["error"]
    assert pending[-1]["id"] not in approved

    def told():
        return [(type, p["approval"]["id"]) for type, p in events(cluster, shared) if "approval" in p]

    eventually(lambda: Counter(t for t, _ in told())["prompt_expired"] == len(AROUND) - len(approved), "all to be told")
    outcomes = Counter(id for type, id in told() if type in ("prompt_approved", "prompt_expired"))
    assert outcomes == Counter(a["id"] for a in pending), "each has one outcome"
    assert {id for type, id in told() if type == "prompt_approved"} == approved
    states = {a["id"]: a["status"] for a in shared.snapshot()["approvals"]}
    assert states == {a["id"]: "approved" if a["id"] in approved else "expired" for a in pending}


def test_approve_against_the_end_of_the_session(cluster):
    sessions = [share(cluster.api, expiresInMinutes=1) for _ in AROUND]
    pending = [shared.prompt("x", shared.join()) for shared in sessions]
    # The shortest life is a minute; these have two seconds left, as if most of it were over.
    ends = round(datetime.now(UTC).timestamp() * 1000) + 2000
    redis = cluster.redis.client
    for shared in sessions:
        redis.hset(f"tandem:{{{shared.id}}}", "expiresAt", ends)
        set_rule(redis, shared.id, 2, ends)
        for bucket in range(16):
            redis.zadd(f"tandem:index:deadlines:{bucket}", {shared.id: ends}, xx=True)
    jobs = [(shared, a["id"], ends / 1000) for shared, a in zip(sessions, pending, strict=True)]
    answers = decide_around(cluster, jobs)
    outcomes = set()
    for shared, (status, body) in zip(sessions, answers, strict=True):
        eventually(lambda s=shared: events(cluster, s)[-1][0] == "session_closed", "the end to be told")
        seen = Counter(type for type, _ in events(cluster, shared))
        assert seen["session_closed"] == 1 and events(cluster, shared)[-1][1] == {"status": "expired"}
        decided = (seen["prompt_approved"], seen["prompt_dispatch_failed"], seen["prompt_expired"])
        if status == 200:
            assert decided == (1, 1, 0)
        else:
            assert (status, body["code"], decided) == (409, "SESSION_INACTIVE", (0, 0, 1))
        outcomes.add(status)
    assert 409 in outcomes
