"""Streams that are for some types of events only: what comes, what always comes, and where the cursor stands."""

from __future__ import annotations

import pytest

from support.combined import Combined, ask
from support.scenario import share
from support.streams import Refused
from support.waiting import eventually


@pytest.fixture(scope="module")
def api(module_cluster):
    """Two nodes whose heartbeats come often, since they tell where a client stands."""
    return module_cluster(2, TANDEM_STREAM_HEARTBEAT="200ms").api


def filtered(shared, types: str, since: str | None = None, **more):
    return shared.stream(since=since, query={"types": types}, tells_positions=True, **more)


def test_only_the_types_asked_for_come_live_and_replayed(api):
    shared = share(api)
    with filtered(shared, "message_created, participant_joined") as live:
        for n in range(3):
            guest = shared.join()
            shared.comment(f"{n}", guest)
            shared.prompt("no", guest)
            api.post(f"{shared.path}/leave", None, guest).expect(200)
        shared.close()
        got = [f.type for f in live.wait_end()]
        assert got == ["participant_joined", "message_created"] * 3 + ["session_closed"]
    with filtered(shared, "message_created", since="earliest") as replayed:
        assert [f.type for f in replayed.wait_end()] == ["message_created"] * 3 + ["session_closed"]


def test_an_empty_list_is_no_filter_and_an_unknown_type_is_named(api):
    shared = share(api)
    for types in ("", ",", " , "):
        with filtered(shared, types) as stream:
            shared.comment("x")
            stream.expect("message_created")
    with filtered(shared, "connected,stream_reset,session_closed", since="nonsense") as stream:
        stream.expect("stream_reset")
    for types in ("message", "message_created,Host_online", "*"):
        with pytest.raises(Refused) as refused:
            filtered(shared, types)
        assert (refused.value.status, refused.value.code) == (400, "INVALID_QUERY")
        assert types.split(",")[-1] in str(refused.value)


def test_the_cursor_goes_on_past_what_is_left_out(api):
    shared = share(api)
    with filtered(shared, "message_created") as stream:
        shared.comment("seen")
        stream.expect("message_created")
        for _ in range(5):
            shared.join()
        newest = shared.snapshot()["cursor"]
        eventually(lambda: stream.parser.last_id == newest, "the position with a heartbeat")
        assert stream.frames[-1].type == "message_created", "no event came with it"
    with filtered(shared, "message_created", since=newest) as again:
        sent = shared.comment("live")
        assert again.expect("message_created").payload["message"] == sent
        assert [f.type for f in again.frames] == ["connected", "message_created"]


def test_many_that_are_left_out_move_the_cursor_without_a_heartbeat(make_cluster):
    shared = share(make_cluster(1, TANDEM_STREAM_HEARTBEAT="20s").api)
    with filtered(shared, "message_created") as stream:
        for _ in range(100):
            shared.join()
        stream.wait_for(lambda: bool(stream.parser.positions), "a position without a heartbeat", seconds=15)
        assert not stream.parser.comments


def test_one_who_leaves_is_gone_from_a_stream_without_that_event(api):
    shared = share(api)
    guest = shared.join()
    with filtered(shared, "message_created", who=guest) as stream:
        shared.comment("x")
        api.post(f"{shared.path}/leave", None, guest).expect(200)
        assert [f.type for f in stream.wait_end()] == ["message_created"]


def test_the_filter_is_for_all_sessions_of_a_combined_stream(api):
    one, two = share(api), share(api)
    with Combined(api.next_base(), [ask(one), ask(two)], query={"types": "message_created"}) as stream:
        stream.opened()
        one.join()
        two.join()
        newest = f"{one.snapshot()['cursor']},{two.snapshot()['cursor']}"
        eventually(lambda: stream.cursor == newest, "both positions")
        sent = two.comment("x")
        frame = stream.expect("message_created")
        assert frame.payload["message"] == sent
        assert frame.id == f"{one.snapshot()['cursor']},{two.snapshot()['cursor']}"
        one.close()
        two.close()
        assert [f.type for f in stream.wait_end()] == ["session_closed"] * 2
