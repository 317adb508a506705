"""Combined streams over the loss of nodes: nothing lost, doubled or out of order in any session, in a browser too."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading

import pytest

from support.browser import browser
from support.client import API
from support.combined import Combined, ask
from support.nodes import Node
from support.redis_server import RedisServer, free_port
from support.scenario import Shared, share
from support.streams import Refused
from support.waiting import eventually

KILLS = 4


def entries(redis: RedisServer, shared: Shared) -> list[str]:
    return [e["entry"] for e in redis.stored_events(shared.id)]


class Follower:
    """A client as the contract expects it: whenever its stream ends it goes to the other node with its last id."""

    def __init__(self, bases: list[str], asks: list[str]) -> None:
        self._bases = itertools.cycle(bases)
        self._asks = asks
        self.streams: list[Combined] = []
        self._cursor: str | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                stream = Combined(next(self._bases), self._asks, self._cursor)
            except (OSError, AssertionError) as problem:
                if isinstance(problem, Refused):
                    assert problem.status == 503, problem
                continue
            self.streams.append(stream)
            stream.wait_cut(300)
            self._cursor = stream.parser.last_id or self._cursor

    def ids(self, session: str) -> list[str]:
        return [i for stream in list(self.streams) for i in stream.own_ids(session)]

    def stop(self) -> None:
        self._stopped.set()
        for stream in self.streams:
            stream.close()
        self._thread.join(20)


@pytest.mark.timeout(240)
def test_killed_nodes_lose_nothing_of_any_session(processes):
    redis = RedisServer(processes)
    ports = [free_port(), free_port()]
    nodes = [Node(processes, redis.url, port=port).wait_ready() for port in ports]
    bases = [node.base for node in nodes]
    sessions = [share(nodes[0].api) for _ in range(8)]
    asks = [ask(s, s.join(), "earliest") for s in sessions]
    followers = [Follower(bases[n % 2 :] + bases[: n % 2], asks) for n in range(4)]
    eventually(lambda: all(f.streams for f in followers), "every follower to be connected")
    stop = threading.Event()
    posted = [0] * 8

    def write(at: int) -> None:
        """Comments without pause; one that was not acknowledged is sent again under the same key."""
        for number, turn in zip(itertools.count(), itertools.cycle((0, 1))):
            if stop.is_set():
                return
            for attempt in itertools.count(turn):
                assert attempt < 4_000
                try:
                    reply = API([bases[attempt % 2]]).post(
                        f"{sessions[at].path}/messages",
                        {"text": f"{number}"},
                        sessions[at].host,
                        headers={"Idempotency-Key": f"{at}-{number}"},
                        server_error=True,
                    )
                    if reply.status == 200:
                        break
                    assert reply.status in (503, 504), reply
                except OSError:
                    stop.wait(0.01)
            posted[at] = number + 1

    writers = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for writer in writers:
        writer.start()
    for kill in range(KILLS):
        goal = [n + 15 for n in posted]
        eventually(lambda goal=goal: all(p >= g for p, g in zip(posted, goal, strict=True)), "some comments", 60)
        nodes[kill % 2].process.kill()
        nodes[kill % 2] = Node(processes, redis.url, port=ports[kill % 2]).wait_ready()
    stop.set()
    for writer in writers:
        writer.join()
    for shared in sessions:
        expected = entries(redis, shared)
        for follower in followers:
            eventually(lambda f=follower, s=shared, n=len(expected): len(f.ids(s.id)) >= n, "all events", 60)
            assert follower.ids(shared.id) == expected, "lost, doubled or out of order"
    for follower in followers:
        follower.stop()
        for stream in follower.streams:
            stream.check_ids()
            assert not any(f.type == "stream_reset" for f in stream.frames)
    assert sum(len(f.streams) for f in followers) >= 4 + KILLS, "the kills were felt"
    redis.remove()


def test_a_drained_node_sends_its_clients_on_with_their_place(processes):
    redis = RedisServer(processes)
    one, two = (Node(processes, redis.url).wait_ready() for _ in range(2))
    sessions = [share(two.api) for _ in range(3)]
    asks = [ask(s) for s in sessions]
    stream = Combined(one.base, asks, query={"types": "message_created"})
    stream.opened()
    sessions[0].comment("seen")
    stream.expect("message_created")
    sessions[1].join()
    sessions[2].join()
    newest = ",".join(s.snapshot()["cursor"] for s in sessions)
    before = Combined(two.base, asks)
    eventually(lambda: entries(redis, sessions[2]), "the events")
    one.process.terminate()
    assert stream.wait_end() == []
    assert len(stream.parser.retries) == 2
    sessions[1].comment("missed")
    with Combined(two.base, asks, stream.cursor, query={"types": "message_created"}) as again:
        again.opened()
        assert again.expect("message_created").payload["message"]["text"] == "missed"
    assert stream.cursor == newest, "what was left out has been passed, and told at the end"
    before.close()
    redis.remove()


LISTEN = """((addresses) => {
  window.got = []; window.opened = 0
  window.source = new EventSource("/api/streams?" + addresses)
  source.onopen = () => { opened += 1 }
  source.onmessage = (message) => { got.push([message.lastEventId, JSON.parse(message.data)]) }
})(%s)"""


@pytest.mark.timeout(180)
def test_an_eventsource_of_a_browser_resumes_every_session_by_itself(processes, tmp_path):
    redis = RedisServer(processes)
    port = free_port()
    node = Node(processes, redis.url, port=port).wait_ready()
    other = Node(processes, redis.url).wait_ready()
    sessions = [share(other.api) for _ in range(8)]
    refused = share(other.api)
    wrong = refused.host.__class__(refused.host.id, "A" * 43)
    asks = [ask(s, s.join()) for s in sessions] + [ask(refused, wrong)]
    addresses = "&".join(f"session={a}" for a in asks)

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(node.base)
            await page.wait_for("document.readyState === 'complete'")
            await page.evaluate(LISTEN % json.dumps(addresses))
            await page.wait_for("got.filter(([, e]) => e.type === 'connected').length === 8")

            def comment(text: str) -> None:
                for at, shared in enumerate(sessions):
                    if at != 3 or not text.startswith("after"):
                        shared.comment(text)

            async def shown(text: str, count: int = 8) -> None:
                found = f"got.filter(([, e]) => e.payload.message?.text === '{text}')"
                await page.wait_for(f"{found}.length === {count}", 60)

            # Lost before the first event: the place is known all the same.
            node.process.kill()
            await asyncio.to_thread(comment, "before any event")
            again = await asyncio.to_thread(lambda: Node(processes, redis.url, port=port).wait_ready())
            await shown("before any event")
            await asyncio.to_thread(comment, "seen")
            await shown("seen")
            again.process.kill()
            await asyncio.to_thread(comment, "while it was away")
            await asyncio.to_thread(sessions[3].close)
            await asyncio.to_thread(lambda: Node(processes, redis.url, port=port).wait_ready())
            await shown("while it was away")
            await asyncio.to_thread(comment, "after")
            await shown("after", 7)

            assert await page.evaluate("opened") == 3
            assert await page.evaluate("source.readyState") == 1
            got = await page.evaluate("got")
            refusals = [e for _, e in got if e["type"] == "stream_refused"]
            assert [(e["sharedSessionId"], e["payload"]["code"]) for e in refusals] == [
                (refused.id, "INVALID_PARTICIPANT_TOKEN")
            ] * 3
            assert not any(e["type"] == "stream_reset" for _, e in got)
            for at, shared in enumerate(sessions):
                own = [(i, e) for i, e in got if e["sharedSessionId"] == shared.id and e["type"] != "connected"]
                kept = [(i, e) for i, e in own if not e["type"].startswith("participant_o")]
                assert [i.split(",")[at] for i, _ in kept] == entries(redis, shared)[-len(kept) :]
                expected = ["before any event", "seen", "while it was away"]
                expected += ["session_closed"] if at == 3 else ["after"]
                texts = [e["payload"]["message"]["text"] if "message" in e["payload"] else e["type"] for _, e in kept]
                assert texts == expected

    asyncio.run(whole())
    redis.remove()
