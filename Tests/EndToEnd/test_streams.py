"""Streams: head, first frame, envelope, live events, and how they end."""

from __future__ import annotations

import pytest

from support import shapes
from support.nodes import Node
from support.processes import open_descriptors
from support.scenario import share
from support.streams import Refused, Stream
from support.waiting import eventually, holds


def test_the_head_is_what_proxies_and_browsers_need(api):
    shared = share(api)
    with shared.stream() as stream:
        assert stream.headers["content-type"].split(";")[0] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-cache, no-store, no-transform"
        assert stream.headers["x-accel-buffering"] == "no"
        assert len(stream.parser.retries) == 1, "retry is sent once"
        assert 1000 <= stream.parser.retries[0] <= 3000, "about two seconds, not the same for all"


def test_the_first_frame_is_connected_with_the_cursor_of_the_session(api):
    shared = share(api)
    with shared.stream() as stream:
        first = stream.frames[0]
        assert set(first.payload) == {"participantId", "cursor"}
        assert shapes.event(first.event)["sharedSessionId"] == shared.id
        assert first.payload["cursor"] == shared.snapshot()["cursor"]


def test_without_a_cursor_only_what_comes_is_sent(api):
    shared = share(api)
    shared.comment("before")
    with shared.stream() as stream:
        sent = shared.comment("after")
        assert stream.expect("message_created").payload["message"] == sent


def test_every_event_has_the_id_of_its_entry_and_the_contracts_envelope(api, cluster):
    shared = share(api)
    guest = shared.join(displayName="G")
    with shared.stream(since="earliest") as stream:
        shared.comment("one", guest)
        shared.resolve(shared.prompt("two", guest)["id"])
        shared.resolve(shared.prompt("three", guest)["id"], "reject")
        frames = stream.until("prompt_rejected")
    stored = cluster.redis.stored_events(shared.id)
    assert [f.id for f in frames] == [e["entry"] for e in stored]
    assert [e["seq"] for e in stored] == [str(n + 1) for n in range(len(stored))]
    assert [f.type for f in frames] == [
        "shared_session_created",
        "participant_joined",
        "participant_joined",
        "message_created",
        "prompt_pending_approval",
        "prompt_approved",
        "prompt_pending_approval",
        "prompt_rejected",
    ]
    for frame in frames:
        assert shapes.event(frame.event)["sharedSessionId"] == shared.id
        if "participant" in frame.payload:
            shapes.participant(frame.payload["participant"])
        if "approval" in frame.payload:
            shapes.approval(frame.payload["approval"])
    assert frames[0].payload == {"session": shared.session}
    assert all(t not in bytes(stream.raw).decode() for t in (guest.token, shared.host.token, shared.invite))


def test_credentials_are_taken_from_the_query_too(api):
    shared = share(api)
    with Stream(api.next_base(), f"{shared.path}/stream", query=shared.host.body) as stream:
        stream.expect("connected")


@pytest.mark.parametrize("role", ["collaborator", "viewer"])
def test_everybody_inside_may_watch(api, role):
    shared = share(api, mode="view_only")
    with shared.stream(shared.join(role=role)) as stream:
        sent = shared.comment("seen by all")
        assert stream.expect("message_created").payload["message"] == sent


def test_all_streams_of_all_nodes_get_the_same_bytes_in_the_same_order(cluster):
    shared = share(cluster.api)
    guest = shared.join()
    streams = [shared.stream(guest if n % 2 else None) for n in range(10)]
    for n in range(100):
        shared.comment(f"{n}", guest if n % 3 else None)
    data = []
    for stream in streams:
        frames = [stream.expect("message_created") for _ in range(100)]
        assert [f.payload["message"]["text"] for f in frames] == [f"{n}" for n in range(100)]
        data.append([(f.id, f.data) for f in frames])
        stream.close()
    assert all(other == data[0] for other in data)


def test_an_ended_session_has_no_live_stream(api):
    shared = share(api)
    shared.close()
    with pytest.raises(Refused) as refused:
        shared.stream()
    assert (refused.value.status, refused.value.code) == (409, "SESSION_INACTIVE")


def test_presence_is_told_to_the_others(api):
    shared = share(api)
    guest = shared.join()

    def told(type: str) -> bool:
        return any(f.type == type and f.payload == {"participantId": guest.id} and f.id is None for f in watcher.frames)

    with shared.stream() as watcher:
        with shared.stream(guest):
            eventually(lambda: told("participant_online"), "participant_online")
        eventually(lambda: told("participant_offline"), "participant_offline")
    with shared.stream(since="earliest") as replay:
        replay.until("participant_joined")
        sent = shared.comment("end of replay")
        assert replay.until("message_created")[-1].payload["message"] == sent
        assert not [f for f in replay.frames if f.type.endswith("line") and f.payload["participantId"] == guest.id]


def test_heartbeats_come_as_comments(make_cluster):
    shared = share(make_cluster(1, TANDEM_STREAM_HEARTBEAT="200ms").api)
    with shared.stream() as stream:
        eventually(lambda: len(stream.parser.comments) >= 5, "five heartbeats")
        sent = shared.comment("between heartbeats")
        assert stream.expect("message_created").payload["message"] == sent


def test_clients_that_go_away_leave_nothing_behind(make_cluster):
    """Closed, reset and half-closed while idle: the heartbeat is far away, so only the close itself can tell."""
    cluster = make_cluster(1, TANDEM_STREAM_HEARTBEAT="20s")
    node: Node = cluster.nodes[0]
    shared = share(cluster.api)
    guest = shared.join()
    shared.stream(guest).close()
    before = eventually(lambda: _settled(node), "a settled number of descriptors")
    streams = [shared.stream(guest) for _ in range(30)]
    assert open_descriptors(node.process.pid) >= before + 30
    for at, stream in enumerate(streams):
        stream.half_close() if at % 2 else stream.close()
    eventually(lambda: open_descriptors(node.process.pid) <= before, "the descriptors of 30 gone clients", seconds=15)
    for stream in streams:
        stream.close()
    offline = cluster.api.get(f"{shared.path}/participants").expect(200)["participants"]
    eventually(
        lambda: (
            not any(p["online"] for p in cluster.api.get(f"{shared.path}/participants").expect(200)["participants"])
        ),
        f"nobody online, not {offline}",
    )
    gauges = [value for name, value in node.metrics().items() if "stream" in name and "open" in name]
    assert gauges and all(value == 0 for value in gauges), node.metrics()


def _settled(node: Node) -> int:
    """The number of descriptors, once it stays the same for a while."""
    count = open_descriptors(node.process.pid)
    try:
        holds(lambda: open_descriptors(node.process.pid) == count, "the same number", 0.5)
    except AssertionError:
        return 0
    return count
