"""Every bound that has a configuration key: what happens at it, and that it is a bound and not a wall.

Each test lowers one or two keys on a cluster of its own kind; honest use below the bound keeps working.
"""

from __future__ import annotations

import asyncio

import pytest

from support import load
from support.client import API
from support.combined import Combined, ask
from support.scenario import register_host, share
from support.streams import Refused
from support.waiting import eventually


@pytest.fixture(scope="module")
def api(module_cluster) -> API:
    return module_cluster(
        2,
        TANDEM_LIMITS_PARTICIPANTS=4,
        TANDEM_LIMITS_MESSAGES=5,
        TANDEM_LIMITS_PENDING_APPROVALS=4,
        TANDEM_LIMITS_PENDING_APPROVALS_PER_PARTICIPANT=2,
        TANDEM_LIMITS_STREAMS_PER_PARTICIPANT=2,
        TANDEM_LIMITS_SESSIONS_PER_HOST=3,
        TANDEM_LIMITS_BODY=4096,
        TANDEM_LIMITS_JSON_DEPTH=8,
        TANDEM_LIMITS_MESSAGE_TEXT=100,
        TANDEM_LIMITS_PROMPT=200,
        TANDEM_LIMITS_USER_ID=10,
        TANDEM_LIMITS_DISPLAY_NAME=5,
        TANDEM_LIMITS_IDENTIFIER=40,
    ).api


def test_participants_present(api):
    shared = share(api, hostUserId="h")
    guests = [shared.join(f"g{n}") for n in range(3)]
    full = {"inviteToken": shared.invite, "userId": "g9"}
    api.post(f"{shared.path}/join", full).expect(409, "SESSION_FULL")
    assert shared.join("g1").id == guests[1].id, "who is inside is let in again"
    api.post(f"{shared.path}/leave", None, guests[0]).expect(200)
    api.post(f"{shared.path}/join", full).expect(200)


def test_messages(api):
    shared = share(api, hostUserId="h")
    for n in range(5):
        shared.comment(f"{n}")
    api.post(f"{shared.path}/messages", {"text": "x"}, shared.host).expect(409, "MESSAGE_LIMIT")
    assert len(api.get(f"{shared.path}/messages").expect(200)["messages"]) == 5


def test_pending_approvals_of_one_and_of_all(api):
    shared = share(api, hostUserId="h")
    one, two, three = (shared.join(f"g{n}") for n in range(3))
    first = shared.prompt("a", one)
    shared.prompt("b", one)
    api.post(f"{shared.path}/prompts", {"prompt": "c"}, one).expect(409, "APPROVAL_LIMIT")
    shared.prompt("a", two)
    shared.prompt("b", two)
    api.post(f"{shared.path}/prompts", {"prompt": "c"}, three).expect(409, "APPROVAL_LIMIT")
    shared.resolve(first["id"], "reject")
    shared.prompt("c", three)


def test_streams_of_one_participant(api):
    shared = share(api, hostUserId="h")
    guest = shared.join("g")
    base = api.bases[0]
    open_streams = [shared.stream(guest, base=base) for _ in range(2)]
    with pytest.raises(Refused) as refused:
        shared.stream(guest, base=base)
    assert (refused.value.status, refused.value.code) == (429, "STREAM_LIMIT")
    shared.stream(base=base).close()
    open_streams[0].close()

    eventually(lambda: opened_or_none(shared, guest, base), "room for another stream").close()
    open_streams[1].close()


def tried(open_stream):
    """Opens a stream and closes it again; the code that it was refused with, or nothing."""
    try:
        open_stream().close()
    except Refused as refused:
        return refused.code
    return None


def test_streams_of_one_participant_are_counted_over_all_nodes(api):
    shared, other = share(api, hostUserId="h"), share(api, hostUserId="h")
    guest = shared.join("g")
    one, two = api.bases
    held = [shared.stream(guest, base=base) for base in (one, two)]

    def single(base):
        return lambda: tried(lambda: shared.stream(guest, base=base))

    def combined(base):
        stream = Combined(base, [ask(shared, guest), ask(other)])
        with stream:
            return [frame.payload["code"] for frame in stream.opened()["stream_refused"]]

    for base in (one, two):
        eventually(lambda open_it=single(base): open_it() == "STREAM_LIMIT", f"the limit on {base}")
        assert combined(base) == ["STREAM_LIMIT"], "the same on a connection with others, which go on"
    assert tried(lambda: shared.stream(base=one)) is None, "the limit is each participant's own"
    # Room that is made on one node is room on the other.
    held.pop().close()
    eventually(lambda: single(one)() is None, "room on the other node")
    held.append(eventually(lambda: opened_or_none(shared, guest, one), "a stream in its place"))
    eventually(lambda: single(two)() == "STREAM_LIMIT", "two streams on one node count on the other")
    for stream in held:
        stream.close()
    eventually(lambda: combined(two) == [], "room when all are gone")


def opened_or_none(shared, who, base):
    try:
        return shared.stream(who, base=base)
    except Refused:
        return None


def test_streams_of_a_killed_node_count_no_longer(make_cluster):
    cluster = make_cluster(2, TANDEM_LIMITS_STREAMS_PER_PARTICIPANT=2)
    survivor, victim = cluster.nodes
    shared = share(survivor.api)
    guest = shared.join()
    lost = [shared.stream(guest, base=victim.base) for _ in range(2)]

    def refused():
        return tried(lambda: shared.stream(guest, base=survivor.base)) == "STREAM_LIMIT"

    eventually(refused, "the limit on the other node")
    victim.process.kill()
    for stream in lost:
        stream.wait_cut()
    found = [eventually(lambda: opened_or_none(shared, guest, survivor.base), "room", 30) for _ in range(2)]
    eventually(refused, "the survivor's own to count")
    for stream in found:
        stream.close()


def test_shared_sessions_of_one_host_session(api):
    agent = register_host(api, userId="o")
    made = [share(api, agent, hostUserId="h") for _ in range(3)]
    body = {"hostSessionId": agent.id, "hostUserId": "h"}
    api.post("/api/shared-sessions", body).expect(409, "SESSION_LIMIT")
    made[0].close()
    api.post("/api/shared-sessions", body).expect(201)


@pytest.mark.parametrize(("length", "status", "code"), [(4000, 400, "INVALID_FIELD"), (5000, 413, "BODY_TOO_LARGE")])
def test_the_body(api, length, status, code):
    shared = share(api, hostUserId="h")
    api.post(f"{shared.path}/messages", {"text": "x" * length}, shared.host).expect(status, code)


def test_json_depth(api):
    shared = share(api, hostUserId="h")
    for depth, status in ((7, 200), (9, 400)):
        raw = b'{"text":"x","deep":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
        reply = api.post(f"{shared.path}/messages", None, shared.host, raw=raw)
        assert reply.status == status, reply.content


@pytest.mark.parametrize(("route", "field", "limit"), [("messages", "text", 100), ("prompts", "prompt", 200)])
def test_texts(api, route, field, limit):
    shared = share(api, hostUserId="h")
    api.post(f"{shared.path}/{route}", {field: "x" * limit}, shared.host).expect(200)
    answer = api.post(f"{shared.path}/{route}", {field: "x" * (limit + 1)}, shared.host).expect(400, "INVALID_FIELD")
    assert field in answer["error"]


@pytest.mark.parametrize(
    ("field", "fits", "beyond"), [("userId", "u" * 10, "u" * 11), ("displayName", "é" * 5, "é" * 6)]
)
def test_names(api, field, fits, beyond):
    shared = share(api, hostUserId="h")
    body = {"inviteToken": shared.invite, "userId": "u"}
    api.post(f"{shared.path}/join", body | {field: fits}).expect(200)
    answer = api.post(f"{shared.path}/join", body | {field: beyond}).expect(400, "INVALID_FIELD")
    assert field in answer["error"]


def test_rates(make_cluster):
    api = make_cluster(1, TANDEM_RATE_PARTICIPANT="5/m").api
    shared = share(api)
    guest = shared.join()
    replies = [api.post(f"{shared.path}/messages", {"text": "x"}, guest) for _ in range(12)]
    limited = [r for r in replies if r.status == 429]
    assert limited and replies[0].status == 200
    for reply in limited:
        reply.expect(429, "RATE_LIMITED")
        assert int(reply.headers["retry-after"]) >= 1
    shared.comment("the host is somebody else")


def test_a_snapshot_says_when_it_is_truncated(cluster):
    shared = share(cluster.api)
    authors = [shared.join() for _ in range(4)]
    oldest = shared.prompt("the oldest", authors[0])

    async def propose_and_reject(http, author) -> None:
        for _ in range(250):
            status, body = await load.post(http, cluster.bases[0], f"{shared.path}/prompts", {"prompt": "x"}, author)
            assert status == 200, body
            target = f"{shared.path}/approvals/{body['approval']['id']}"
            status, body = await load.post(http, cluster.bases[1], target, {"action": "reject"}, shared.host)
            assert status == 200, body

    async def whole() -> None:
        async with load.session() as http:
            await asyncio.gather(*(propose_and_reject(http, author) for author in authors))

    asyncio.run(whole())
    newest = shared.prompt("the newest", authors[0])
    snapshot = shared.snapshot()
    assert snapshot["truncated"] is True and len(snapshot["approvals"]) == 1000
    ids = [a["id"] for a in snapshot["approvals"]]
    assert ids[0] == newest["id"] and ids[-1] == oldest["id"], "what waits for a decision is kept first, then the newest"
