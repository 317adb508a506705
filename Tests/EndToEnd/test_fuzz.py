"""Requests that are nearly right: valid ones with bytes, fields and values changed at random, from a fixed seed."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter
from typing import Any

import aiohttp

from support import load
from support.client import check_error_body
from support.scenario import ROOT, share

REQUESTS = int(os.environ.get("TANDEM_E2E_FUZZ", "3000"))
SEED = 4711
VALUES: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, "", " ", "x", "x" * 300, "{}", "\u0000", "\ud7ff", "é" * 200,
    [], {}, [None], {"a": {}},
    "approve", "host", "viewer", "prompt_direct", "started", "1-0", "earliest", "*", "a\nb", "99999999999999999999",
]  # fmt: skip


def mutated(chance: random.Random, body: dict[str, Any]) -> bytes:
    """The body, somehow changed."""
    body = dict(body)
    for _ in range(chance.randrange(1, 3)):
        match chance.randrange(4):
            case 0 if body:
                body[chance.choice(list(body))] = chance.choice(VALUES)
            case 1 if body:
                del body[chance.choice(list(body))]
            case 2:
                body[chance.choice(["participantId", "participantToken", "mode", "role", "userId"])] = chance.choice(
                    VALUES
                )
            case _:
                body[f"x{chance.randrange(9)}"] = chance.choice(VALUES)
    raw = bytearray(json.dumps(body, ensure_ascii=chance.random() < 0.5).encode())
    if chance.random() < 0.4:
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(raw))
            match chance.randrange(3):
                case 0:
                    raw[at] = chance.randrange(256)
                case 1:
                    del raw[at]
                case _:
                    raw[at:at] = bytes([chance.randrange(256)])
            if not raw:
                break
    return bytes(raw)


def test_nothing_that_is_nearly_right_breaks_a_node(cluster):
    chance = random.Random(SEED)
    shared = share(cluster.api)
    guest = shared.join()
    nowhere = "00000000-0000-4000-8000-000000000000"
    hosts = f"/api/host-sessions/{shared.agent.id}"
    routes: list[tuple[str, str, dict[str, Any], Any]] = [
        ("POST", ROOT, {"hostSessionId": shared.agent.id, "hostUserId": "h", "mode": "view_only"}, None),
        ("PATCH", shared.path, {"mode": "prompt_with_approval", "expiresInMinutes": 60}, shared.host),
        ("POST", f"{shared.path}/join", {"inviteToken": shared.invite, "userId": "u", "role": "viewer"}, None),
        ("POST", f"{shared.path}/messages", {"text": "hello"}, guest),
        ("POST", f"{shared.path}/prompts", {"prompt": "do it"}, guest),
        ("POST", f"{shared.path}/approvals/{nowhere}", {"action": "approve", "reason": "r"}, shared.host),
        ("POST", f"{shared.path}/approvals/{nowhere}/withdraw", {}, guest),
        ("POST", f"{shared.path}/cancel", {}, shared.host),
        ("POST", f"{shared.path}/stream-tickets", {}, guest),
        ("PATCH", f"{shared.path}/participants/{guest.id}", {"role": "collaborator"}, shared.host),
        ("POST", "/api/host-sessions", {"userId": "o", "workspaceId": "w", "agent": {"name": "a"}}, None),
        ("POST", f"{hosts}/dispatches/{nowhere}", {"state": "started", "attempt": 1}, shared.agent),
        ("POST", f"{hosts}/notifications", {"notifications": [{"jsonrpc": "2.0"}]}, shared.agent),
        ("POST", f"{shared.path}/leave", {}, None),
        ("DELETE", shared.path, {}, None),
    ]
    jobs = []
    for number in range(REQUESTS):
        method, path, body, who = chance.choice(routes)
        headers = {"Content-Type": "application/json"}
        if who is not None and chance.random() < 0.9:
            headers |= who.header
        if chance.random() < 0.1:
            headers["Idempotency-Key"] = f"fuzz-{number}".ljust(22, "-")
        jobs.append((method, cluster.bases[number % 2] + path, mutated(chance, body), headers))
    statuses: Counter[int] = Counter()

    async def send(http: aiohttp.ClientSession, gate: asyncio.Semaphore, job) -> None:
        method, url, content, headers = job
        async with gate, http.request(method, url, data=content, headers=headers) as reply:
            statuses[reply.status] += 1
            received = await reply.read()
            assert reply.status < 500, (job, received)
            if reply.status >= 400:
                lowered = {name.lower(): value for name, value in reply.headers.items()}
                check_error_body(reply.status, lowered, received, repr(job))
            else:
                json.loads(received)

    async def whole() -> None:
        gate = asyncio.Semaphore(32)
        async with load.session() as http:
            await asyncio.gather(*(send(http, gate, job) for job in jobs))

    asyncio.run(whole())
    assert statuses[400] > REQUESTS / 5 and sum(n for s, n in statuses.items() if s < 300) > REQUESTS / 20, statuses
    stored = cluster.redis.stored_events(shared.id)
    assert [e["seq"] for e in stored] == [str(n + 1) for n in range(len(stored))]
    share(cluster.api).comment("still well")
