"""Redis connections that break, go deaf or stall: streams repair themselves, requests say what is known."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections import Counter

import pytest

from support import load
from support.client import API
from support.nodes import start_nodes
from support.redis_server import RedisServer
from support.scenario import share
from support.waiting import PAUSE, eventually, eventually_async


class Writer(threading.Thread):
    """Comments one after the other, each repeated with its Idempotency-Key until it is acknowledged."""

    def __init__(self, shared, key: str) -> None:
        super().__init__(daemon=True)
        self.shared = shared
        self.key = key
        self.stopping = threading.Event()
        self.acknowledged: list[str] = []
        self.answers: Counter[int] = Counter()
        self.problem: BaseException | None = None

    def run(self) -> None:
        try:
            number = 0
            while not self.stopping.is_set():
                self._acknowledge(number)
                number += 1
        except BaseException as problem:  # noqa: BLE001 - shown by `finish`
            self.problem = problem

    def _acknowledge(self, number: int) -> None:
        text = f"{self.key} {number}"
        for _ in range(500):
            reply = self.shared.api.post(
                f"{self.shared.path}/messages",
                {"text": text},
                self.shared.host,
                headers={"Idempotency-Key": f"{self.key}-{number}"},
                server_error=True,
            )
            self.answers[reply.status] += 1
            if reply.status == 200:
                self.acknowledged.append(text)
                return
            assert reply.status in (503, 504), reply.content
            self.stopping.wait(0.02)
        raise AssertionError("never acknowledged")

    def wait_for_more(self, count: int = 40) -> None:
        enough = len(self.acknowledged) + count
        eventually(lambda: self.problem or len(self.acknowledged) >= enough, "further comments", 40)
        assert self.problem is None, self.problem

    def finish(self) -> list[str]:
        self.stopping.set()
        self.join(60)
        assert self.problem is None, self.problem
        return self.acknowledged


def comments(stream, count: int) -> list[str]:
    return [stream.expect("message_created").payload["message"]["text"] for _ in range(count)]


def kill(cluster, type: str) -> int:
    """Kills the connections of that type; how many there were."""
    return cluster.redis.client.execute_command("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes")


@pytest.mark.parametrize("kind", ["pubsub", "normal", "both", "scripts"])
def test_killed_connections_lose_and_double_nothing(make_cluster, kind):
    """`CLIENT KILL` under load: of the subscriber, of the commands, of both; and `SCRIPT FLUSH` between them."""
    cluster = make_cluster(2)
    shared = share(cluster.api)
    streams = [shared.stream(base=base) for base in cluster.bases for _ in range(3)]
    writer = Writer(shared, kind)
    writer.start()
    for _ in range(8):
        writer.wait_for_more(15)
        if kind == "scripts":
            cluster.redis.client.execute_command("SCRIPT", "FLUSH", "SYNC")
            continue
        for type in ("pubsub", "normal") if kind == "both" else (kind,):
            eventually(lambda type=type: kill(cluster, type), f"a {type} connection to kill")
    writer.wait_for_more(15)
    acknowledged = writer.finish()
    for stream in streams:
        assert comments(stream, len(acknowledged)) == acknowledged
        assert stream.is_open, "a broken connection to Redis is not the client's business"
        stream.close()
    stored = cluster.redis.stored_events(shared.id)
    assert [e["seq"] for e in stored] == [str(n + 1) for n in range(len(stored))]


def test_a_silent_subscription_is_noticed_and_repaired(make_cluster):
    """Unsubscribed behind the node's back, with the connection healthy: what was missed must still come."""
    cluster = make_cluster(1)
    shared = share(cluster.api)
    redis = cluster.redis.client
    with shared.stream() as stream:
        shared.comment("heard")
        comments(stream, 1)
        # A restart of Redis without data loss is the same to the node as a failover: the subscription is gone.
        redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        for n in range(20):
            shared.comment(f"{n}")
        assert comments(stream, 20) == [f"{n}" for n in range(20)]


def test_a_redis_that_stalls_is_answered_for_and_then_goes_on(make_cluster):
    cluster = make_cluster(1, TANDEM_REDIS_TIMEOUT="500ms")
    node = cluster.nodes[0]
    shared = share(cluster.api)
    with shared.stream() as stream:
        shared.comment("before")
        assert comments(stream, 1) == ["before"]
        cluster.redis.process.signal(signal.SIGSTOP)
        try:
            reply = node.api.post(f"{shared.path}/messages", {"text": "stalled"}, shared.host, server_error=True)
            assert reply.status in (503, 504), reply.content
            assert reply.json["code"] in ("UNAVAILABLE", "OUTCOME_UNKNOWN")
            eventually(lambda: node.api.get("/health/ready", server_error=True).status == 503, "the node to be unready")
            assert node.api.get("/health/live").status == 200
        finally:
            cluster.redis.process.signal(signal.SIGCONT)
        eventually(lambda: node.api.get("/health/ready", server_error=True).status == 200, "the node to be ready")
        sent = shared.comment("goes on")
        texts = []
        while not texts or texts[-1] != sent["text"]:
            texts += comments(stream, 1)
        assert texts in (["goes on"], ["stalled", "goes on"]), "a write of unknown outcome is there once or not at all"


def test_a_repeat_with_its_key_after_an_unknown_outcome_is_one_write(make_cluster):
    cluster = make_cluster(2, TANDEM_REDIS_TIMEOUT="300ms")
    shared = share(cluster.api)

    async def whole() -> None:
        async with load.session() as http:

            async def until_acknowledged(at: int) -> str:
                for attempt in range(1_000):
                    status, body = await load.post(
                        http,
                        cluster.bases[attempt % 2],
                        f"{shared.path}/messages",
                        {"text": f"{at}"},
                        shared.host,
                        key=f"stall-{at}",
                    )
                    if status == 200:
                        return body["message"]["id"]
                    assert status in (503, 504), body
                    await asyncio.sleep(PAUSE)  # before this client repeats itself
                raise AssertionError("never acknowledged")

            asking = [asyncio.create_task(until_acknowledged(at)) for at in range(40)]
            for _ in range(2):
                cluster.redis.process.signal(signal.SIGSTOP)
                await asyncio.sleep(0.7)
                cluster.redis.process.signal(signal.SIGCONT)
                await asyncio.sleep(0.2)
            await eventually_async(lambda: all(task.done() for task in asking), "every comment", 40)
            ids = [task.result() for task in asking]
        kept = cluster.api.get(f"{shared.path}/messages").expect(200)["messages"]
        assert sorted(m["id"] for m in kept) == sorted(ids)
        assert Counter(m["text"] for m in kept) == Counter(f"{at}" for at in range(40))

    asyncio.run(whole())


def test_a_full_redis_refuses_writes_whole_and_still_closes(processes):

    redis = RedisServer(processes)
    nodes = start_nodes(processes, 2, redis.url)
    api = API([node.base for node in nodes])
    shared = share(api)
    guest = shared.join()
    with shared.stream() as stream:
        redis.client.config_set("maxmemory", 1)
        for method, path, body in (
            ("POST", "/messages", {"text": "x"}),
            ("POST", "/prompts", {"prompt": "x"}),
            ("POST", "/join", {"inviteToken": shared.invite, "userId": "late"}),
        ):
            reply = api.request(method, shared.path + path, body, guest, server_error=True)
            assert (reply.status, reply.json["code"]) == (503, "UNAVAILABLE"), reply.content
            assert int(reply.headers["retry-after"]) >= 1
        assert api.get(shared.path).status == 200, "reads go on"
        api.post(f"{shared.path}/leave", None, guest).expect(200)
        stream.expect("participant_left")
        shared.close()
        assert [f.type for f in stream.wait_end()] == ["session_closed"]
        redis.client.config_set("maxmemory", 0)
    share(api).comment("room again")
    stored = redis.stored_events(shared.id)
    assert [e["seq"] for e in stored] == [str(n + 1) for n in range(len(stored))]
    redis.remove()
