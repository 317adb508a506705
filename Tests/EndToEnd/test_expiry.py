"""Expiry: true for every call at once, and told exactly once over all nodes, also when nothing else happens.

The shortest life a session can be given is a minute, so all situations are set up at once and share one wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from support.bridge import Bridge
from support.scenario import Shared, register_host, share
from support.streams import Stream
from support.waiting import eventually

#: Seconds after the deadline within which the sweeper must have told. The contract says a second or two; a busy machine
#: may run this beside other tests, and many sessions end in that moment.
TOLD_WITHIN = 20.0

#: Sessions that end in the same moment.
MANY = 150


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@dataclass
class Expired:
    """A minute-long session, its watchers on both nodes, and what was open in it when its time came."""

    shared: Shared
    guest: object
    pending: dict
    queued: dict
    watchers: list[Stream]
    quiet: Shared
    many: list[Shared]
    extended: Shared
    shortened: Shared
    at_once: tuple[int, str]


@pytest.fixture(scope="module")
def expired(cluster) -> Expired:
    api = cluster.api
    quiet = share(api, expiresInMinutes=1)  # nobody watches this one, and nobody calls
    agent = register_host(api)
    many = [share(api, agent, expiresInMinutes=1) for _ in range(MANY)]
    extended, shortened = share(api, expiresInMinutes=1), share(api, expiresInMinutes=60)
    for changed, minutes in ((extended, 60), (shortened, 1)):
        api.patch(changed.path, {"expiresInMinutes": minutes}, changed.host).expect(200)
    shared = share(api, expiresInMinutes=1)
    guest = shared.join()
    watchers = [shared.stream(base=base) for base in cluster.bases] + [shared.stream(guest)]
    pending = shared.prompt("never decided", guest)
    queued = shared.resolve(shared.prompt("never taken", guest)["id"])
    deadline = moment(shared.session["expiresAt"])
    assert 55 <= (deadline - moment(shared.session["createdAt"])).total_seconds() <= 60

    def first_refusal():
        """Asks without pause around the deadline: the first answer that is not 200."""
        reply = api.get(shared.path)
        return reply if reply.status != 200 else None

    eventually(lambda: datetime.now(UTC) >= deadline.replace(microsecond=0), "the last second", 70)
    refusal = eventually(first_refusal, "the session to expire", 10)
    late = (datetime.now(UTC) - deadline).total_seconds()
    assert late < 1.5, f"still served {late:.1f} s after its end"
    for watcher in watchers:
        watcher.wait_cut(TOLD_WITHIN)
    return Expired(
        shared,
        guest,
        pending,
        queued,
        watchers,
        quiet,
        many,
        extended,
        shortened,
        (refusal.status, refusal.json["code"]),
    )


def test_every_call_is_refused_at_once(expired, cluster):
    assert expired.at_once == (409, "SESSION_INACTIVE")
    shared, guest = expired.shared, expired.guest
    for base in cluster.bases:
        for method, path, body in (
            ("GET", "", None),
            ("POST", "/messages", {"text": "x"}),
            ("POST", "/prompts", {"prompt": "x"}),
            ("POST", "/leave", {}),
            ("DELETE", "", None),
            ("PATCH", "", {"expiresInMinutes": 60}),
            ("POST", f"/approvals/{expired.pending['id']}", {"action": "approve"}),
            ("POST", "/stream-tickets", {}),
            ("GET", "/stream", None),
        ):
            shared.api.request(method, shared.path + path, body, shared.host, base=base).expect(409, "SESSION_INACTIVE")
        join = {"inviteToken": shared.invite, "userId": "late"}
        shared.api.post(f"{shared.path}/join", join, base=base).expect(409, "SESSION_INACTIVE")
    assert guest


def test_everybody_is_told_once_and_the_streams_end(expired):
    for watcher in expired.watchers:
        frames = watcher.wait_end()
        closed = [f for f in watcher.frames if f.type == "session_closed"]
        assert len(closed) == 1 and frames[-1].type == "session_closed"
        assert closed[0].payload == {"status": "expired"}
        ended = [f for f in watcher.frames if f.type == "prompt_expired"]
        assert [f.payload["approval"]["id"] for f in ended] == [expired.pending["id"]]
        failed = [f for f in watcher.frames if f.type == "prompt_dispatch_failed"]
        assert [f.payload["approvalId"] for f in failed] == [expired.queued["id"]]


def test_it_is_stored_exactly_once_also_for_a_session_nobody_watched(expired, cluster):
    for shared in (expired.shared, expired.quiet):

        def closings(shared=shared):
            return [e for e in cluster.redis.stored_events(shared.id) if e["type"] == "session_closed"]

        eventually(closings, "session_closed in the stream", TOLD_WITHIN)
        assert len(closings()) == 1
        stored = cluster.redis.stored_events(shared.id)
        assert [e["seq"] for e in stored] == [str(n + 1) for n in range(len(stored))]
        assert stored[-1]["type"] == "session_closed"
        told = int(stored[-1]["entry"].split("-")[0]) / 1000
        assert told - moment(shared.session["expiresAt"]).timestamp() < TOLD_WITHIN


def test_many_at_once_are_each_told_once(expired, cluster):
    def closings(shared) -> int:
        return sum(e["type"] == "session_closed" for e in cluster.redis.stored_events(shared.id))

    eventually(lambda: all(closings(shared) for shared in expired.many), "all of them to be closed")
    assert [closings(shared) for shared in expired.many] == [1] * MANY


def test_a_changed_expiry_is_the_one_that_counts(expired, cluster):
    expired.extended.comment("lives on")
    assert expired.extended.snapshot()["session"]["status"] == "active"
    cluster.api.get(expired.shortened.path).expect(409, "SESSION_INACTIVE")
    with expired.shortened.stream(since="earliest") as stream:
        assert stream.until("session_closed")[-1].payload == {"status": "expired"}


def test_it_is_listed_as_expired(expired, cluster):
    query = {"hostSessionId": expired.shared.agent.id}
    for status, expected in (("expired", [expired.shared.id]), ("active", []), ("closed", [])):
        found = cluster.api.get("/api/shared-sessions", query=query | {"status": status}).expect(200)["sessions"]
        assert [s["id"] for s in found] == expected


def test_what_happened_stays_readable(expired):
    with expired.shared.stream(expired.guest, since="earliest") as stream:
        types = [f.type for f in stream.wait_end()]
    assert types[0] == "shared_session_created" and types[-1] == "session_closed"
    lines = expired.shared.api.get(f"{expired.shared.path}/export", expired.guest).content.splitlines()
    assert len(lines) == len(types)


def test_its_queued_prompt_is_never_delivered(expired):
    other = share(expired.shared.api, expired.shared.agent)
    with Bridge(other.api, expired.shared.agent) as bridge:
        runs = other.resolve(other.prompt("x", other.join())["id"])
        assert bridge.take()["approvalId"] == runs["id"]


def test_every_key_of_a_session_has_a_time_to_live(expired, cluster):
    redis = cluster.redis.client
    live = share(cluster.api)
    live.comment("x", live.join())
    live.prompt("y", live.join())
    for shared in (expired.shared, live):
        names = list(redis.scan_iter(match=f"tandem:{{{shared.id}}}*", count=1000))
        assert len(names) > 5
        assert all(redis.pttl(name) > 0 for name in names), [n for n in names if redis.pttl(n) <= 0]
