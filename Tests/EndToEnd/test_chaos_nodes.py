"""200 streams over three nodes while a node is killed every two seconds: nothing lost, doubled or out of order."""

from __future__ import annotations

import asyncio
import os

import pytest

from support import load
from support.nodes import Node
from support.redis_server import RedisServer, free_port
from support.scenario import register_host, share
from support.waiting import eventually_async

STREAMS = int(os.environ.get("TANDEM_E2E_STREAMS", "200"))
KILLS = int(os.environ.get("TANDEM_E2E_KILLS", "10"))
#: Seconds between two kills.
EVERY = 2.0


@pytest.mark.timeout(300)
def test_killed_nodes_lose_nothing(processes):
    redis = RedisServer(processes)
    # Fixed ports, so that a node that comes back is where its clients look for it.
    ports = [free_port() for _ in range(3)]

    def start(port: int) -> Node:
        return Node(processes, redis.url, port=port)

    nodes = [start(port) for port in ports]
    for node in nodes:
        node.wait_ready()
    bases = [node.base for node in nodes]
    agent = register_host(nodes[0].api)
    sessions = [share(nodes[0].api, agent) for _ in range(4)]
    guests = [[s.join() for _ in range(5)] for s in sessions]
    followers = [
        load.Follower(bases, f"{sessions[n % 4].path}/stream", guests[n % 4][n // 4 % 5], start=n)
        for n in range(STREAMS)
    ]
    acknowledged: list[list[str]] = [[] for _ in sessions]

    async def write(http, at: int, stop: asyncio.Event) -> None:
        """Comments without pause; whatever a node answered with 200 must be in the stream exactly once."""
        number, base = 0, at
        while not stop.is_set():
            text, attempts = f"{at} {number}", 0
            while True:
                try:
                    status, body = await load.post(
                        http,
                        bases[base % 3],
                        f"{sessions[at].path}/messages",
                        {"text": text},
                        guests[at][0],
                        key=f"k-{at}-{number}",
                    )
                    if status == 200:
                        acknowledged[at].append(text)
                        break
                    assert status in (503, 504), body
                except load.NODE_GONE:
                    pass
                base, attempts = base + 1, attempts + 1
                assert attempts < 400, "no node answers"
                await asyncio.sleep(0.02)
            number += 1
            await asyncio.sleep(0.01)

    async def whole() -> None:
        following = [asyncio.create_task(f.run()) for f in followers]
        stop = asyncio.Event()
        async with load.session() as http:
            await eventually_async(lambda: all(f.connects for f in followers), "every stream to be open", 60)
            writers = [asyncio.create_task(write(http, at, stop)) for at in range(4)]
            for kill in range(KILLS):
                await asyncio.sleep(EVERY)
                victim = kill % 3
                nodes[victim].process.kill()
                nodes[victim] = await asyncio.to_thread(start, ports[victim])
            await asyncio.sleep(EVERY)
            stop.set()
            await asyncio.gather(*writers)
            expected = [len(redis.stored_events(s.id)) for s in sessions]

            def all_there() -> bool:
                for task in following:
                    if task.done():
                        task.result()
                return all(len(f.ids) >= expected[n % 4] for n, f in enumerate(followers))

            await eventually_async(all_there, "every stream to hold every event", 60)
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)

    asyncio.run(whole())
    for at, shared in enumerate(sessions):
        stored = redis.stored_events(shared.id)
        assert [e["seq"] for e in stored] == [str(n + 1) for n in range(len(stored))]
        entries = [e["entry"] for e in stored]
        for follower in followers[at::4]:
            assert follower.ids == entries, "lost, doubled or out of order"
            assert follower.resets == 0
        texts = [f.payload["message"]["text"] for f in followers[at].frames if f.type == "message_created"]
        assert texts == acknowledged[at], "an acknowledged comment is there once, in its order"
        assert len(texts) > 20
    assert sum(f.connects for f in followers) > STREAMS * 2, "the kills were felt"
    redis.remove()
