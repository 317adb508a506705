"""Stream tickets for browsers, and the export of everything that happened."""

from __future__ import annotations

import json

import pytest

from support import shapes
from support.scenario import share
from support.streams import Refused, Stream


def ticket(api, shared, who):
    reply = api.post(f"{shared.path}/stream-tickets", None, who).expect(201)
    assert set(reply) == {"ticket", "expiresAt"} and shapes.time(reply["expiresAt"])
    return reply["ticket"]


def open_with(api, shared, value, **query):
    return Stream(api.next_base(), f"{shared.path}/stream", query={"ticket": value} | query)


def test_a_ticket_opens_one_stream(api):
    shared = share(api)
    guest = shared.join()
    value = ticket(api, shared, guest)
    with open_with(api, shared, value) as stream:
        assert stream.expect("connected").payload["participantId"] == guest.id
        sent = shared.comment("seen")
        assert stream.expect("message_created").payload["message"] == sent
    with pytest.raises(Refused) as refused:
        open_with(api, shared, value)
    assert (refused.value.status, refused.value.code) == (403, "INVALID_TICKET")


@pytest.mark.parametrize("value", ["A" * 43, "short", "x{y}"])
def test_an_unknown_ticket_is_refused(api, value):
    with pytest.raises(Refused) as refused:
        open_with(api, share(api), value)
    assert (refused.value.status, refused.value.code) == (403, "INVALID_TICKET")


def test_a_ticket_is_good_for_its_own_session_only(api):
    one, two = share(api), share(api)
    value = ticket(api, one, one.host)
    with pytest.raises(Refused) as refused:
        open_with(api, two, value)
    assert refused.value.status in (403, 404)


def test_a_ticket_stream_resumes_by_query(api):
    shared = share(api)
    sent = [shared.comment(f"{n}") for n in range(3)]
    with open_with(api, shared, ticket(api, shared, shared.host), lastEventId="earliest") as stream:
        stream.expect("connected", "shared_session_created", "participant_joined")
        assert [stream.expect("message_created").payload["message"] for _ in sent] == sent


def export(api, shared, who):
    reply = api.get(f"{shared.path}/export", who)
    assert reply.status == 200, reply.content
    assert reply.headers["content-type"].split(";")[0] == "application/x-ndjson"
    assert reply.content.endswith(b"\n")
    return [shapes.event(json.loads(line)) for line in reply.content.splitlines()]


def test_the_export_holds_every_event_in_order_also_after_the_close(api):
    shared = share(api)
    guest, early = shared.join(), shared.join()
    shared.comment("line\nbreak")
    shared.resolve(shared.prompt("do", guest)["id"], "reject")
    api.post(f"{shared.path}/leave", None, early).expect(200)
    with shared.stream(since="earliest") as stream:
        seen = stream.until("participant_left")
        assert export(api, shared, guest) == [f.event for f in seen]
        shared.close()
        closed = stream.until("session_closed")
    everything = [f.event for f in seen + closed]
    assert export(api, shared, guest) == everything
    assert export(api, shared, shared.host) == everything
