"""Streams that are asked for while Redis is away: 200 and a pause to reconnect, then what was missed, or the end."""

from __future__ import annotations

import dataclasses
import signal

import pytest

from support.client import API, Credentials
from support.combined import Combined, ask
from support.nodes import Node, start_nodes
from support.processes import Processes
from support.redis_server import RedisServer, free_port
from support.scenario import share
from support.streams import Refused, Stream
from support.waiting import eventually

SETTINGS = {"TANDEM_REDIS_TIMEOUT": "1s", "TANDEM_STREAM_HEARTBEAT": "500ms", "TANDEM_STREAM_RETRY": "100ms"}


class Away:
    """A Redis that can be taken away and brought back with what it had, and a session in it."""

    def __init__(self, processes: Processes, nodes: int = 1, **settings: object) -> None:
        self.processes = processes
        self.redis = RedisServer(processes, "--appendonly", "yes", "--appendfsync", "always", port=free_port())
        self.nodes: list[Node] = start_nodes(processes, nodes, self.redis.url, SETTINGS | settings)
        self.shared = share(API([node.base for node in self.nodes]))

    def leave(self) -> None:
        self.redis.process.kill()

    def come_back(self) -> None:
        self.redis = RedisServer(
            self.processes, "--appendonly", "yes", "--appendfsync", "always", port=self.redis.port,
            directory=self.redis.directory,
        )  # fmt: skip

    def stream(self, who: Credentials, since: str | None = None, node: int = 0) -> Stream:
        headers = {"Last-Event-ID": since} if since else {}
        return Stream(self.nodes[node].base, f"{self.shared.path}/stream", who, headers=headers)


def waits(stream: Stream) -> None:
    """It is open, has told how long to wait, and says nothing but that it lives."""
    stream.wait_for(lambda: bool(stream.parser.retries), "pause to reconnect")
    stream.wait_for(lambda: len(stream.parser.comments) >= 3, "heartbeats")
    assert stream.frames == []


def wrong(who: Credentials) -> Credentials:
    return dataclasses.replace(who, token=who.token[::-1])


def test_a_stream_waits_for_redis_and_then_tells_what_was_missed(processes):
    away = Away(processes, nodes=2)
    guest = away.shared.join()
    with away.shared.stream(guest, "earliest") as before:
        before.until("participant_joined")
        cursor = eventually(lambda: before.ids and before.last_id, "an id")
    sent = away.shared.comment("before")
    away.leave()
    streams = [away.stream(guest, cursor, node) for node in (0, 1)]
    live = away.stream(guest)
    for stream in (*streams, live):
        waits(stream)
    away.come_back()
    for stream in streams:
        stream.until("connected")
        assert [f.payload["message"] for f in stream.until("message_created") if f.id][-1] == sent
    live.until("connected")

    def goes_on() -> bool:
        body = {"text": "after"}
        return away.shared.api.post(f"{away.shared.path}/messages", body, guest, server_error=True).status == 200

    eventually(goes_on, "writes")
    for stream in (*streams, live):
        assert stream.until("message_created")[-1].payload["message"]["text"] == "after"
        assert len(stream.parser.retries) == 1, "the pause is told once"
        stream.close()


def test_nobody_is_told_anything_on_a_wrong_token(processes):
    away = Away(processes)
    shared, guest = away.shared, away.shared.join()
    other = share(shared.api)
    shared.comment("secret")
    away.leave()
    strangers = [away.stream(who, "earliest") for who in (wrong(guest), other.host)]
    combined = Combined(away.nodes[0].base, [ask(shared, wrong(guest), "earliest")])
    for stream in (*strangers, combined):
        waits(stream)
    away.come_back()
    for stream in (*strangers, combined):
        assert stream.wait_end() == [], "it ends without a word"
    for who in (wrong(guest), other.host):
        with pytest.raises(Refused) as refused:
            away.stream(who, "earliest")
        assert refused.value.status in (403, 404)


def test_several_sessions_wait_together(processes):
    away = Away(processes)
    second, third = share(away.shared.api), share(away.shared.api)
    sent = [shared.comment("before") for shared in (away.shared, second)]
    asks = [ask(away.shared, cursor="earliest"), ask(second, cursor="earliest"), ask(third, wrong(third.host))]
    away.leave()
    with Combined(away.nodes[0].base, asks) as stream:
        waits(stream)
        away.come_back()
        opened = stream.opened()
        assert [len(opened[kind]) for kind in ("connected", "stream_refused")] == [2, 1]
        assert opened["stream_refused"][0].payload["code"] == "INVALID_PARTICIPANT_TOKEN"

        def told() -> bool:
            messages = [f.payload["message"] for f in stream.frames if f.type == "message_created"]
            return all(message in messages for message in sent)

        stream.wait_for(told, "what both had before")


def test_one_that_waits_for_too_long_ends_and_its_client_comes_again(processes):
    away = Away(processes, TANDEM_STREAM_PATIENCE="500ms")
    away.leave()
    stream = away.stream(away.shared.host)
    assert stream.wait_end() == []
    assert stream.parser.retries


def test_one_that_waits_ends_with_its_node(processes):
    away = Away(processes)
    away.leave()
    stream = away.stream(away.shared.host)
    waits(stream)
    assert away.nodes[0].metrics()["tandem_streams_waiting"] == 1
    away.nodes[0].process.signal(signal.SIGTERM)
    assert stream.wait_end() == []


def test_without_patience_it_is_refused_at_once_and_a_node_holds_no_more_than_it_may(processes):
    away = Away(processes, TANDEM_STREAM_PATIENCE="0s")
    away.leave()
    with pytest.raises(Refused) as refused:
        away.stream(away.shared.host)
    assert refused.value.code in ("UNAVAILABLE", "OUTCOME_UNKNOWN")
    full = Away(processes, TANDEM_LIMITS_STREAMS_PER_NODE="1")
    full.leave()
    first = full.stream(full.shared.host)
    with pytest.raises(Refused) as refused:
        full.stream(full.shared.host)
    assert (refused.value.status, refused.value.code) == (503, "UNAVAILABLE")
    first.close()
