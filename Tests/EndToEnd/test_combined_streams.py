"""Several sessions on one connection: each as on a stream of its own, and one id for all of them."""

from __future__ import annotations

import random
from urllib.parse import quote

import pytest

from support.combined import PATH, Combined, ask
from support.scenario import share
from support.streams import Refused
from support.waiting import eventually


def comments(stream: Combined, session: str) -> list[str]:
    return [f.payload["message"]["text"] for f in stream.of(session) if f.type == "message_created"]


def refusal(api, asks, **more) -> Refused:
    with pytest.raises(Refused) as refused:
        Combined(api.next_base(), asks, **more)
    return refused.value


@pytest.mark.parametrize("in_header", [False, True], ids=["query", "header"])
def test_eight_sessions_over_two_nodes(cluster, in_header):
    sessions = [share(cluster.api) for _ in range(8)]
    guests = [s.join() for s in sessions]
    asks = [ask(s, g) for s, g in zip(sessions, guests, strict=True)]
    with Combined(cluster.bases[0], asks, in_header=in_header) as stream:
        connected = stream.opened()["connected"]
        assert [f.event["sharedSessionId"] for f in connected] == [s.id for s in sessions]
        assert [f.payload["participantId"] for f in connected] == [g.id for g in guests]
        assert stream.cursor == ",".join(f.payload["cursor"] for f in connected), "known before the first event"
        for n in range(20):
            for shared in sessions:
                shared.comment(f"{n}")
        for shared in sessions:
            stream.wait_for(lambda shared=shared: len(comments(stream, shared.id)) >= 20, "all comments")
            assert comments(stream, shared.id) == [f"{n}" for n in range(20)]
            entries = [e["entry"] for e in cluster.redis.stored_events(shared.id)]
            assert stream.own_ids(shared.id) == entries[-20:]
        stream.check_ids()
    # The rest of the sessions' lives, from another node and from in between.
    for shared in sessions:
        shared.comment("while away")
    at = next(f for f in stream.frames if f.id and f.payload["message"]["text"] == "10").id
    with Combined(cluster.bases[1], asks, at, in_header=in_header) as again:
        again.opened()
        parts = dict(zip(stream.sessions, at.split(","), strict=True))
        for shared in sessions:
            entries = [e["entry"] for e in cluster.redis.stored_events(shared.id)]
            missed = entries[entries.index(parts[shared.id]) + 1 :]
            again.wait_for(lambda shared=shared: comments(again, shared.id)[-1:] == ["while away"], "what was missed")
            assert again.own_ids(shared.id) == missed
        again.check_ids()


def test_each_session_starts_from_its_own_cursor(api):
    sessions = [share(api) for _ in range(3)]
    for shared in sessions:
        shared.comment("first")
    cursor = sessions[1].snapshot()["cursor"]
    for shared in sessions:
        shared.comment("second")
    asks = [ask(sessions[0]), ask(sessions[1], cursor=cursor), ask(sessions[2], cursor="earliest")]
    with Combined(api.next_base(), asks) as stream:
        for shared in sessions:
            shared.comment("live")
        for shared, expected in zip(sessions, (["live"], ["second", "live"], ["first", "second", "live"]), strict=True):
            stream.wait_for(lambda shared=shared: "live" in comments(stream, shared.id), "the live comment")
            assert comments(stream, shared.id) == expected


def test_the_combined_cursor_wins_and_a_dash_leaves_it_to_the_own_one(api):
    one, two, three = share(api), share(api), share(api)
    for shared in (one, two, three):
        shared.comment("first")
    now = one.snapshot()["cursor"]
    for shared in (one, two, three):
        shared.comment("second")
    asks = [ask(one, cursor="earliest"), ask(two, cursor="earliest"), ask(three)]
    with Combined(api.next_base(), asks, f"{now},-,-", query={"lastEventId": "earliest"}) as stream:
        three.comment("live")
        stream.wait_for(lambda: comments(stream, three.id) and comments(stream, two.id)[1:], "all of them")
        stream.wait_for(lambda: comments(stream, one.id) != [], "the first session's")
        assert comments(stream, one.id) == ["second"]
        assert comments(stream, two.id) == ["first", "second"]
        assert comments(stream, three.id) == ["live"]
    with Combined(api.next_base(), asks, query={"lastEventId": "earliest"}) as stream:
        stream.wait_for(lambda: "live" in comments(stream, three.id), "everything")
        assert comments(stream, three.id) == ["first", "second", "live"]


@pytest.mark.parametrize("cursor", ["nonsense", "1-0", "1-0,2-0", "1-0,2-0,3-0,4-0", ",,", "x,y,z"])
def test_a_malformed_cursor_resets_every_session(api, cursor):
    sessions = [share(api) for _ in range(3)]
    with Combined(api.next_base(), [ask(s) for s in sessions], cursor) as stream:
        stream.opened()
        resets = [stream.expect("stream_reset") for _ in sessions]
        assert [r.event["sharedSessionId"] for r in resets] == [s.id for s in sessions]
        assert all(r.id is None and r.payload["reason"] == "cursor_malformed" for r in resets)
        assert stream.cursor.split(",") == [r.payload["cursor"] for r in resets]
        for shared in sessions:
            sent = shared.comment("after the reset")
            assert stream.expect("message_created").payload["message"] == sent


def test_an_unknown_cursor_resets_its_session_only(api):
    one, two = share(api), share(api)
    two.comment("missed")
    with Combined(api.next_base(), [ask(one), ask(two)], "1-0,earliest") as stream:
        stream.opened()
        reset = stream.expect("stream_reset")
        assert (reset.event["sharedSessionId"], reset.payload["reason"]) == (one.id, "cursor_unknown")
        stream.wait_for(lambda: comments(stream, two.id) == ["missed"], "the other session's past")


def test_one_that_is_refused_keeps_nobody_and_its_place(api):
    one, two, gone = share(api), share(api), share(api)
    gone.close()
    wrong = two.host.__class__(two.host.id, "A" * 43)
    nobody = ask(one).replace(one.id, "00000000-0000-4000-8000-000000000000")
    asks = [ask(gone), ask(one), ask(two, wrong, "5-1"), nobody]
    with Combined(api.next_base(), asks) as stream:
        found = stream.opened()
        assert [f.event["sharedSessionId"] for f in found["connected"]] == [one.id]
        refused = [(f.event["sharedSessionId"], f.payload["code"]) for f in found["stream_refused"]]
        assert refused[:2] == [(gone.id, "SESSION_INACTIVE"), (two.id, "INVALID_PARTICIPANT_TOKEN")]
        assert refused[2][1] == "SESSION_NOT_FOUND"
        for frame in found["stream_refused"]:
            assert set(frame.payload) == {"code", "error"} and len(frame.payload["error"]) > 5
        sent = one.comment("goes on")
        frame = stream.expect("message_created")
        assert frame.payload["message"] == sent
        parts = frame.id.split(",")
        assert (parts[0], parts[2], parts[3]) == ("-", "5-1", "-"), "a refused session keeps the place it was asked for"


def test_when_none_can_be_opened_the_first_error_is_the_answer(api):
    one, two = share(api), share(api)
    one.close()
    refused = refusal(api, [ask(one), ask(two, two.host.__class__(two.host.id, "A" * 43))])
    assert (refused.status, refused.code) == (409, "SESSION_INACTIVE")
    refused = refusal(api, [ask(two, "A" * 43), ask(one)])
    assert (refused.status, refused.code) == (403, "INVALID_TICKET")


def test_a_session_that_ends_ends_its_part_and_the_last_one_the_connection(api):
    closing, leaving, removing, last = (share(api) for _ in range(4))
    leaver, removed = leaving.join(), removing.join()
    asks = [ask(closing), ask(leaving, leaver), ask(removing, removed), ask(last)]
    with Combined(api.next_base(), asks) as stream:
        stream.opened()
        closing.close()
        stream.until("session_closed")
        api.post(f"{leaving.path}/leave", None, leaver).expect(200)
        assert stream.expect("participant_left").payload["participant"]["id"] == leaver.id
        api.delete(f"{removing.path}/participants/{removed.id}", removing.host).expect(200)
        assert stream.expect("participant_left").payload["participant"]["id"] == removed.id
        leaving.comment("not for who left")
        removing.comment("not for who was removed")
        sent = last.comment("still here")
        assert stream.expect("message_created").payload["message"] == sent
        last.close()
        rest = stream.wait_end()
        assert [(f.type, f.event["sharedSessionId"]) for f in rest] == [("session_closed", last.id)]
        stream.check_ids()
    # Resumed at the end: the closed ones have nothing more, the ones that were left are refused.
    with Combined(api.next_base(), asks, stream.cursor) as again:
        found = again.opened()
        assert [f.payload["code"] for f in found["stream_refused"]] == ["PARTICIPANT_INACTIVE"] * 2
        assert again.wait_end() == []


def test_an_ended_session_is_replayed_to_its_end_beside_a_live_one(api):
    ended, live = share(api), share(api)
    ended.comment("last words")
    ended.close()
    with Combined(api.next_base(), [ask(ended, cursor="earliest"), ask(live)]) as stream:
        stream.opened()
        types = [f.type for f in stream.until("session_closed")]
        assert types == ["shared_session_created", "participant_joined", "message_created", "session_closed"]
        sent = live.comment("still here")
        assert stream.expect("message_created").payload["message"] == sent


def test_tickets_stand_for_credentials_once(api):
    sessions = [share(api) for _ in range(3)]
    tickets = [api.post(f"{s.path}/stream-tickets", None, s.host).expect(201)["ticket"] for s in sessions]
    asks = [ask(s, t) for s, t in zip(sessions, tickets, strict=True)]
    with Combined(api.next_base(), asks) as stream:
        assert len(stream.opened()["connected"]) == 3
        sessions[2].comment("x")
        stream.expect("message_created")
    assert refusal(api, asks).code == "INVALID_TICKET"
    again = api.post(f"{sessions[0].path}/stream-tickets", None, sessions[0].host).expect(201)["ticket"]
    with Combined(api.next_base(), [ask(sessions[0], again), *asks[1:]]) as stream:
        assert [f.payload["code"] for f in stream.opened()["stream_refused"]] == ["INVALID_TICKET"] * 2


def test_the_request_has_a_form(api):
    one, two = share(api), share(api)
    many = [f"{n:08}-0000-4000-8000-000000000000,t" for n in range(33)]
    for asks in ([], ["x"], ["x,"], [",y.z"], [f"{one.id},."], ["{x},y.z"], [ask(one), ask(one)], many):
        for in_header in (False, True):
            refused = refusal(api, asks, in_header=in_header)
            assert (refused.status, refused.code) == (400, "INVALID_QUERY"), asks
            assert one.host.token not in str(refused)
    with pytest.raises(Refused) as both:
        Combined(api.next_base(), [ask(one)], headers={"Tandem-Sessions": ask(two)})
    assert both.value.code == "INVALID_QUERY"
    assert refusal(api, [ask(one)], query={"types": "message_created,nothing"}).code == "INVALID_QUERY"
    api.post(PATH, None).expect(405, "METHOD_NOT_ALLOWED")


def test_presence_is_of_each_session(make_cluster):
    api = make_cluster(2, TANDEM_STREAM_HEARTBEAT="200ms").api
    one, two = share(api), share(api)
    guests = [one.join(), two.join()]
    with Combined(api.next_base(), [ask(one, guests[0]), ask(two, guests[1])]) as stream:
        stream.opened()
        for shared, guest in zip((one, two), guests, strict=True):
            eventually(lambda shared=shared, guest=guest: online(shared, guest), "the guest to be online")
        count = len(stream.parser.comments)
        stream.wait_for(lambda: len(stream.parser.comments) >= count + 3, "heartbeats")
        two.close()
        stream.until("session_closed")
        assert online(one, guests[0])
    eventually(lambda: not online(one, guests[0]), "the guest to be offline")


def online(shared, who) -> bool:
    return any(p["id"] == who.id and p["online"] for p in shared.snapshot()["participants"])


def test_limits_count_each_session(make_cluster):
    api = make_cluster(1, TANDEM_LIMITS_STREAMS_PER_PARTICIPANT=1, TANDEM_LIMITS_SESSIONS_PER_STREAM=2).api
    one, two, three = share(api), share(api), share(api)
    with one.stream():
        with Combined(api.next_base(), [ask(one), ask(two)]) as stream:
            found = stream.opened()
            assert [f.payload["code"] for f in found["stream_refused"]] == ["STREAM_LIMIT"]
            with pytest.raises(Refused) as refused:
                two.stream()
            assert refused.value.code == "STREAM_LIMIT"
        with pytest.raises(Refused) as refused:
            Combined(api.next_base(), [ask(one), ask(two), ask(three)])
        assert "1 to 2 sessions" in str(refused.value)


def test_nothing_that_is_nearly_right_breaks_a_node(cluster):
    """Requests with bytes changed at random, from a fixed seed: 200 with frames, or an error body, never a 5xx."""
    chance = random.Random(4711)
    sessions = [share(cluster.api) for _ in range(3)]
    alphabet = "abcf019.,-_:%& ={}\\\"\u00e9*$+"
    statuses = {}
    for n in range(400):
        asks = [ask(s, cursor=chance.choice([None, "earliest", "1-0", "x"])) for s in chance.sample(sessions, 2)]
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(asks))
            place = chance.randrange(len(asks[at]) + 1)
            keep = chance.randrange(2)
            asks[at] = asks[at][:place] + chance.choice(alphabet) + asks[at][place + keep :]
        cursor = "".join(chance.choice("019-,earliest ") for _ in range(chance.randrange(12)))
        base = cluster.bases[n % 2]
        try:
            if chance.random() < 0.5:
                printable = [a.encode("ascii", "ignore").decode() for a in asks]
                stream = Combined(base, printable, cursor.strip() or None, in_header=True)
            else:
                raw = "&".join("session=" + quote(a, safe=",.:%&=") for a in asks)
                stream = Combined.__new__(Combined)
                stream.sessions = []
                super(Combined, stream).__init__(
                    base, f"{PATH}?{raw}&lastEventId={quote(cursor)}", tells_positions=True
                )
            with stream:
                stream.next()
            statuses[200] = statuses.get(200, 0) + 1
        except Refused as refused:
            assert refused.status < 500, refused
            statuses[refused.status] = statuses.get(refused.status, 0) + 1
    assert statuses[400] > 40 and statuses[200] > 40, statuses
    for shared in sessions:
        shared.comment("still well")
    with Combined(cluster.bases[0], [ask(s, cursor="earliest") for s in sessions]) as stream:
        for shared in sessions:
            stream.wait_for(lambda shared=shared: comments(stream, shared.id) == ["still well"], "the comment")


def test_too_long_an_address_is_said_so_and_the_header_takes_as_many(cluster):
    sessions = [share(cluster.api) for _ in range(32)]
    asks = [ask(s) for s in sessions]
    refused = refusal(cluster.api, asks)
    assert (refused.status, refused.code) == (414, "URI_TOO_LONG")
    with Combined(cluster.bases[0], asks, in_header=True) as stream:
        assert len(stream.opened()["connected"]) == 32
        sessions[31].comment("x")
        assert stream.expect("message_created").event["sharedSessionId"] == sessions[31].id
