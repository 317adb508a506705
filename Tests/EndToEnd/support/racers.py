"""Two callers who race over two nodes, round after round."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from support import load
from support.scenario import share
from support.story import events

ROUNDS = int(os.environ.get("TANDEM_E2E_RACES", "24"))
Answer = tuple[int, Any]
Send = Callable[[], Awaitable[Answer]]


class Racers:
    """Two callers, one at each node."""

    def __init__(self, cluster, http) -> None:
        self.cluster = cluster
        self.http = http
        self.turn = 0

    def send(self, node: int, method: str, path: str, body: Any = None, who: Any = None) -> Send:
        async def send() -> Answer:
            base = self.cluster.bases[(node + self.turn) % 2]
            headers = dict(who.header) if who else {}
            async with self.http.request(method, base + path, json=body or {}, headers=headers) as reply:
                return reply.status, await reply.json()

        return send

    async def race(self, one: Send, two: Send) -> tuple[Answer, Answer]:
        """Both answers, in the order of the arguments."""
        self.turn += 1
        match self.turn % 6:
            case 0:
                first = await one()
                return first, await two()
            case 3:
                second = await two()
                return await one(), second
            case even if even % 2:
                second, first = await asyncio.gather(two(), one())
                return first, second
            case _:
                first, second = await asyncio.gather(one(), two())
                return first, second


@pytest.fixture
def rounds(cluster):
    """Runs a round many times; answers what each said about who won."""

    def run(one_round: Callable[[Racers], Awaitable[str]], times: int = ROUNDS) -> set[str]:
        async def whole() -> set[str]:
            async with load.session() as http:
                racers = Racers(cluster, http)
                return {await one_round(racers) for _ in range(times)}

        return asyncio.run(whole())

    return run


async def make(cluster, **fields):
    """A session with somebody who proposes, without holding the other callers up."""
    shared = await asyncio.to_thread(lambda: share(cluster.api, **fields))
    return shared, await asyncio.to_thread(shared.join)


def types(cluster, shared) -> list[str]:
    return [type for type, _ in events(cluster, shared)]


def refused(answer: Answer, status: int, code: str) -> bool:
    assert answer[0] == 200 or (answer[0], answer[1]["code"]) == (status, code), answer
    return answer[0] != 200
