"""The embedded redis-server is killed under load: it comes back, and no acknowledged write is lost."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from support import load
from support.nodes import Node
from support.processes import redis_of
from support.scenario import share
from support.waiting import eventually, eventually_async

KILLS = int(os.environ.get("TANDEM_E2E_REDIS_KILLS", "3"))


def embedded(processes, directory) -> Node:
    return Node(processes, None, {"TANDEM_DATA_DIRECTORY": str(directory)})


def ready(node: Node) -> bool:
    return node.api.get("/health/ready", server_error=True).status == 200


@pytest.mark.timeout(240)
def test_a_killed_redis_is_restarted_and_loses_no_acknowledged_write(processes, tmp_path):
    node = embedded(processes, tmp_path / "data").wait_ready()
    shared = share(node.api)
    guest = shared.join()
    acknowledged: list[str] = []
    follower = load.Follower([node.base], f"{shared.path}/stream", guest, 0)

    async def write(http, at: int, stop: asyncio.Event) -> None:
        number = 0
        while not stop.is_set():
            text = f"{at} {number}"
            status, body = await load.post(http, node.base, f"{shared.path}/messages", {"text": text}, guest)
            if status == 200:
                acknowledged.append(text)
            else:
                assert status in (503, 504), (status, body)
                await asyncio.sleep(0.02)
            number += 1

    async def progress(what: str) -> None:
        enough = len(acknowledged) + 50
        await eventually_async(lambda: len(acknowledged) >= enough, what, 60)

    async def kill_redis() -> None:
        victim = await eventually_async(lambda: redis_of(node.process), "the embedded redis-server")
        os.kill(victim, signal.SIGKILL)
        await eventually_async(lambda: redis_of(node.process) not in (None, victim), "a new redis-server", 30)

    async def whole() -> None:
        following = asyncio.create_task(follower.run())
        async with load.session() as http:
            stop = asyncio.Event()
            writers = [asyncio.create_task(write(http, at, stop)) for at in range(6)]
            for _ in range(KILLS):
                await progress("writes between two kills")
                await kill_redis()
            await progress("writes after the last kill")
            stop.set()
            await asyncio.gather(*writers)

            def told() -> bool:
                if following.done():
                    following.result()
                return set(acknowledged) <= set(texts(follower))

            await eventually_async(told, "the stream to hold every acknowledged comment", 30)
            following.cancel()

    asyncio.run(whole())
    kept: list[str] = []
    cursor = None
    while True:
        page = node.api.get(f"{shared.path}/messages", query={"after": cursor} if cursor else {}).expect(200)
        kept += [m["text"] for m in page["messages"]]
        cursor = page.get("nextCursor")
        if not cursor:
            break
    assert set(acknowledged) <= set(kept), sorted(set(acknowledged) - set(kept))[:5]
    assert len(kept) == len(set(kept)), "a write that failed was not done twice"
    seen = texts(follower)
    assert seen == kept, "the stream and the list tell the same"


def texts(follower: load.Follower) -> list[str]:
    return [f.payload["message"]["text"] for f in follower.frames if f.type == "message_created"]


def test_the_data_directory_outlives_node_and_redis(processes, tmp_path):
    node = embedded(processes, tmp_path / "data").wait_ready()
    shared = share(node.api)
    sent = shared.comment("kept")
    assert node.process.terminate() == 0
    again = embedded(processes, tmp_path / "data").wait_ready()
    assert again.api.get(f"{shared.path}/messages").expect(200)["messages"] == [sent]
    again.api.post(f"{shared.path}/messages", {"text": "goes on"}, shared.host).expect(200)


def test_a_terminated_node_takes_its_redis_along(processes, tmp_path):
    node = embedded(processes, tmp_path / "data").wait_ready()
    pid = redis_of(node.process)
    assert pid
    node.process.terminate()
    eventually(lambda: not os.path.exists(f"/proc/{pid}"), "the embedded redis-server to end")


def test_a_second_node_on_the_same_data_directory_attaches(processes, tmp_path):
    first = embedded(processes, tmp_path / "data").wait_ready()
    shared = share(first.api)
    second = embedded(processes, tmp_path / "data").wait_ready()
    with shared.stream(base=second.base) as stream:
        sent = shared.comment("from the first node")
        assert stream.expect("message_created").payload["message"] == sent
    second.process.terminate()
    shared.comment("the first goes on")


def test_the_redis_of_a_killed_node_is_adopted_by_the_next(processes, tmp_path):
    first = embedded(processes, tmp_path / "data").wait_ready()
    shared = share(first.api)
    sent = shared.comment("before the kill")
    first.process.kill()
    second = embedded(processes, tmp_path / "data").wait_ready()
    assert second.api.get(f"{shared.path}/messages").expect(200)["messages"] == [sent]
    second.api.post(f"{shared.path}/messages", {"text": "goes on"}, shared.host).expect(200)
    assert second.process.terminate() == 0
    third = embedded(processes, tmp_path / "data").wait_ready()
    assert len(third.api.get(f"{shared.path}/messages").expect(200)["messages"]) == 2


def test_the_node_that_attached_goes_on_when_the_first_ends(processes, tmp_path):
    first = embedded(processes, tmp_path / "data").wait_ready()
    second = embedded(processes, tmp_path / "data").wait_ready()
    shared = share(second.api)
    sent = shared.comment("kept")
    assert first.process.terminate() == 0

    def answered() -> bool:
        return second.api.get(f"{shared.path}/messages", server_error=True).status == 200

    eventually(answered, "the second node to serve by itself", 40)
    assert second.api.get(f"{shared.path}/messages").expect(200)["messages"] == [sent]
    shared.comment("goes on")
