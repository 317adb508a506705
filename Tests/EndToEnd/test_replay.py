"""Replay: everything after a cursor, in order, then live, without gap or double, on any node."""

from __future__ import annotations

import threading

import pytest

from support.scenario import share
from support.streams import Refused, Stream


def replayed(stream, count):
    return [stream.expect("message_created").payload["message"]["text"] for _ in range(count)]


@pytest.mark.parametrize("way", ["header", "query"])
def test_from_an_id(api, way):
    shared = share(api)
    with shared.stream() as stream:
        shared.comment("seen")
        cursor = stream.expect("message_created").id
    for n in range(5):
        shared.comment(f"missed {n}")
    more = {"since": cursor} if way == "header" else {"query": {"lastEventId": cursor}}
    with shared.stream(**more) as again:
        assert replayed(again, 5) == [f"missed {n}" for n in range(5)]
        shared.comment("live")
        assert replayed(again, 1) == ["live"]


def test_from_the_cursor_of_the_snapshot(api):
    shared = share(api)
    shared.comment("in the snapshot")
    cursor = shared.snapshot()["cursor"]
    shared.comment("after it")
    with shared.stream(since=cursor) as stream:
        assert replayed(stream, 1) == ["after it"]


def test_from_the_cursor_of_connected(api):
    shared = share(api)
    with shared.stream() as stream:
        cursor = stream.frames[0].payload["cursor"]
    shared.comment("while away")
    with shared.stream(since=cursor) as again:
        assert replayed(again, 1) == ["while away"]


def test_earliest_is_everything(api):
    shared = share(api)
    for n in range(3):
        shared.comment(f"{n}")
    for more in ({"since": "earliest"}, {"query": {"lastEventId": "earliest"}}):
        with shared.stream(**more) as stream:
            stream.expect("shared_session_created", "participant_joined")
            assert replayed(stream, 3) == ["0", "1", "2"]


def test_the_header_wins_over_the_query(api):
    shared = share(api)
    shared.comment("first")
    cursor = shared.snapshot()["cursor"]
    shared.comment("second")
    with shared.stream(since=cursor, query={"lastEventId": "earliest"}) as stream:
        assert replayed(stream, 1) == ["second"]


@pytest.mark.parametrize(
    "cursor",
    [
        "1-0",
        "99999999999999-0",
        "nonsense",
        "0-0",
        "-",
        "+",
        "$",
        "1-0 2-0",
        "99999999999999999999999-1",
        "1-0{x}",
        "*",
    ],
)
def test_an_unknown_or_malformed_cursor_is_answered_by_a_reset(api, cursor):
    shared = share(api)
    shared.comment("before")
    with shared.stream(since=cursor) as stream:
        reset = stream.expect("stream_reset")
        assert reset.id is None and set(reset.payload) == {"reason", "cursor"}
        assert reset.payload["cursor"] == shared.snapshot()["cursor"] and len(reset.payload["reason"]) > 3
        sent = shared.comment("after the reset")
        assert stream.expect("message_created").payload["message"] == sent


def test_a_cursor_of_another_session_is_unknown(api):
    other = share(api)
    other.comment("x")
    shared = share(api)
    with shared.stream(since=other.snapshot()["cursor"]) as stream:
        stream.expect("stream_reset")


def test_a_trimmed_cursor_is_answered_by_a_reset(make_cluster):
    api = make_cluster(2, TANDEM_EVENTS_RETAINED=100).api
    shared = share(api)
    with shared.stream() as stream:
        shared.comment("soon forgotten")
        cursor = stream.expect("message_created").id
    for n in range(400):
        shared.comment(f"{n}")
    with shared.stream(since=cursor) as stream:
        assert stream.expect("stream_reset").payload["cursor"] == shared.snapshot()["cursor"]
    kept = api.get(f"{shared.path}/export", shared.host).content.splitlines()
    assert 100 <= len(kept) <= 300, "trimmed to about a hundred, in blocks"


def test_an_ended_session_still_replays_up_to_its_end(api):
    shared = share(api)
    guest = shared.join()
    shared.comment("last words", guest)
    cursor = shared.snapshot()["cursor"]
    shared.close()
    for since, expected in (
        (
            "earliest",
            ["shared_session_created", "participant_joined", "participant_joined", "message_created", "session_closed"],
        ),
        (cursor, ["session_closed"]),
    ):
        with shared.stream(guest, since=since) as stream:
            assert [f.type for f in stream.wait_end()] == expected
    with pytest.raises(Refused) as refused:
        Stream(api.next_base(), f"{shared.path}/stream", guest)
    assert refused.value.code == "SESSION_INACTIVE"


def test_a_long_replay_is_whole(cluster):
    shared = share(cluster.api)
    text = "x" * 4000
    for n in range(600):
        shared.comment(f"{n} {text}")
    for base in cluster.bases:
        with shared.stream(since="earliest", base=base) as stream:
            stream.expect("shared_session_created", "participant_joined")
            assert [t.split()[0] for t in replayed(stream, 600)] == [f"{n}" for n in range(600)]


def test_joining_while_events_come_never_misses_or_repeats_one(cluster):
    """Streams are opened all the time, with a cursor, while a writer runs: the seam between replay and live."""
    shared = share(cluster.api)
    start = shared.snapshot()["cursor"]
    total, streams = 300, []
    writer = threading.Thread(target=lambda: [shared.comment(f"{n}") for n in range(total)])
    writer.start()
    while writer.is_alive() and len(streams) < 60:
        streams.append(shared.stream(since=start))
    writer.join()
    assert len(streams) >= 5
    for stream in streams:
        assert replayed(stream, total) == [f"{n}" for n in range(total)]
        assert len(set(stream.ids)) == len(stream.ids) == total
        stream.close()
