"""Requests that mean harm or make no sense: always a JSON error with a code, never a 5xx, the node unharmed.

The client used here checks the error's form on every answer; each test ends with proof that the node still works.
"""

from __future__ import annotations

from urllib.parse import quote

import pytest

from support.scenario import ROOT, register_host, share

BAD_JSON = [
    b"",
    b" ",
    b"{",
    b"}",
    b"{]",
    b'{"text"}',
    b'{"text":}',
    b'{"text":"x",}',
    b'{"text":"x"}}',
    b'{"text":"x"} x',
    b"nul",
    b'{"text":"\n"}',
    b"{'text':'x'}",
    b'{"text":"\\x"}',
    b'{"text":"\\u12"}',
    b'{"text":"\\ud800"}',
    b'{"text":"\\udc00\\ud800"}',
    b'{"text":"\xff\xfe"}',
    b'{"text":"\xc3\x28"}',
    b'{"text":"\xed\xa0\x80"}',
    b'{"text":"\xf5\x80\x80\x80"}',
    b'{"text":"\xc0\xaf"}',
    b'\xef\xbb\xbf{"text":"x"}',
    b'{"text":"x"}\x00',
    b"\x00\x01\x02\x03",
    b'{"a":01,"text":"x"}',
    b'{"a":+1,"text":"x"}',
    b'{"a":.5,"text":"x"}',
    b'{"a":1.,"text":"x"}',
    b'{"a":NaN,"text":"x"}',
    b'{"a":Infinity,"text":"x"}',
    b'{"a":1e,"text":"x"}',
    b'{"a":0x1,"text":"x"}',
    b'{"text":"x" /* no */}',
    b'{"text":"x"',
    b'{"text":"x',
    b'{text:"x"}',
    b"{}{}",
    b'{"text":tru}',
    b"\xff" * 100,
    '{"text":"x"}'.encode("utf-16"),
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"text":"x","a":' + b"[" * 33 + b"]" * 33 + b"}",
]
WRONG_SHAPES = [b"[]", b"null", b"true", b"1", b'"text"', b"[{}]", b"{}"]
WRONG_TYPES = [b"null", b"1", b"true", b"[]", b"{}", b'["x"]', b'{"text":"x"}', b"1e999", b"-0"]
HOSTILE_IDS = [
    "{x}",
    "a{b",
    "a}b",
    "*",
    "?",
    "[a-z]",
    "a\nb",
    "a\r\nX-Evil: 1",
    "a b",
    "\x00",
    "..",
    "../..",
    "%00",
    "%",
    "é",
    "\u202e",
    "x" * 129,
    "x" * 3000,
    "a/b",
    "tandem:{x}",
    "'; DROP",
    "$(reboot)",
    "\\",
    '"',
    "<script>",
    "a\tb",
    "-1-",
    "💥",
]


@pytest.fixture
def shared(api):
    made = share(api)
    yield made
    made.comment("still well")
    assert api.get("/health/ready").status == 200


@pytest.mark.parametrize("raw", BAD_JSON, ids=lambda b: repr(b[:24]))
def test_what_is_no_json_is_refused(shared, api, raw):
    api.post(f"{shared.path}/messages", None, shared.host, raw=raw).expect(400, "INVALID_BODY")


@pytest.mark.parametrize("raw", WRONG_SHAPES, ids=repr)
def test_what_is_no_object_or_lacks_the_field_is_refused(shared, api, raw):
    api.post(f"{shared.path}/messages", None, shared.host, raw=raw).expect(400, "INVALID_BODY")


@pytest.mark.parametrize("value", WRONG_TYPES, ids=repr)
def test_a_field_of_the_wrong_type_is_refused_on_every_route(shared, api, value):
    for method, path, field in (
        ("POST", f"{shared.path}/messages", "text"),
        ("POST", f"{shared.path}/prompts", "prompt"),
        ("POST", f"{shared.path}/join", "userId"),
        ("POST", f"{shared.path}/approvals/x", "action"),
        ("POST", ROOT, "hostSessionId"),
        ("POST", "/api/host-sessions", "userId"),
        ("POST", f"{shared.path}/leave", "participantId"),
        ("POST", f"{shared.path}/messages", "participantToken"),
    ):
        reply = api.request(method, path, raw=b'{"%s":%s}' % (field.encode(), value))
        assert reply.status == 400, f"{method} {path} {field}={value!r}: {reply.status} {reply.content!r}"
        assert reply.json["code"] in ("INVALID_BODY", "MISSING_CREDENTIALS", "INVALID_FIELD"), reply.content


def test_duplicate_keys_do_not_confuse_check_and_use(shared, api):
    reply = api.post(f"{shared.path}/messages", None, shared.host, raw=b'{"text":"first","text":"second"}')
    assert reply.expect(200)["message"]["text"] == "second"


@pytest.mark.parametrize("identifier", HOSTILE_IDS, ids=lambda i: repr(i[:20]))
def test_hostile_ids_in_the_path(shared, api, identifier):
    at = quote(identifier, safe="")
    for method, path, body in (
        ("GET", f"{ROOT}/{at}", None),
        ("DELETE", f"{ROOT}/{at}", None),
        ("POST", f"{ROOT}/{at}/messages", {"text": "x"}),
        ("GET", f"{ROOT}/{at}/stream", None),
        ("POST", f"{ROOT}/{at}/join", {"inviteToken": "x", "userId": "u"}),
        ("POST", f"{shared.path}/approvals/{at}", {"action": "approve"}),
        ("GET", f"/api/host-sessions/{at}", None),
        ("PATCH", f"{shared.path}/participants/{at}", {"role": "viewer"}),
        ("POST", f"/api/host-sessions/{shared.agent.id}/dispatches/{at}", {"state": "started", "attempt": 1}),
    ):
        who = shared.agent if "host-sessions" in path else shared.host
        reply = api.request(method, path, body, who)
        assert reply.status in (400, 404, 405, 414), f"{method} {path}: {reply.status} {reply.content!r}"
        assert "x-evil" not in reply.headers


@pytest.mark.parametrize("identifier", HOSTILE_IDS, ids=lambda i: repr(i[:20]))
def test_hostile_ids_in_fields_and_queries(shared, api, identifier):
    if identifier not in ("..", "-1-"):  # these two are odd, but within the characters of an id
        api.post("/api/host-sessions", {"userId": "o", "hostSessionId": identifier}).expect(400, "INVALID_FIELD")
    reply = api.post(ROOT, {"hostSessionId": identifier, "hostUserId": "h"})
    assert reply.status in (400, 404), reply.content
    assert api.post(f"{shared.path}/leave", {"participantId": identifier, "participantToken": identifier}).status in (
        400,
        403,
        404,
    )
    for query in ({"workspaceId": identifier}, {"hostSessionId": identifier}, {"cursor": identifier}):
        reply = api.get(ROOT, query=query)
        assert reply.status in (200, 400, 414), reply.content
        if reply.status == 200:
            assert reply.json["sessions"] == [], "globs match nothing"


@pytest.mark.parametrize("token", ["x", "A" * 5000, "A.B.C", "é", "A" * 43 + "\t", "{}", "*", "%00"])
def test_hostile_tokens(shared, api, token):
    reply = api.post(
        f"{shared.path}/messages", {"text": "x"}, headers={"Authorization": f"Bearer {shared.host.id}.{token}".encode()}
    )
    assert reply.status in (400, 403, 404, 431), reply.content  # 404: an id may hold dots
    body = {"text": "x", "participantId": shared.host.id, "participantToken": token}
    assert api.post(f"{shared.path}/messages", body).status in (400, 403)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "*/*", "json", ""]
)
def test_another_content_type_is_refused(shared, api, kind):
    api.post(f"{shared.path}/messages", None, shared.host, raw=b'{"text":"x"}', headers={"Content-Type": kind}).expect(
        415, "UNSUPPORTED_MEDIA_TYPE"
    )


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"]
)
def test_json_by_any_spelling_is_taken(shared, api, kind):
    api.post(f"{shared.path}/messages", None, shared.host, raw=b'{"text":"x"}', headers={"Content-Type": kind}).expect(
        200
    )


def test_an_oversized_body_is_refused(shared, api):
    raw = b'{"text":"' + b"x" * (256 * 1024) + b'"}'
    api.post(f"{shared.path}/messages", None, shared.host, raw=raw).expect(413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/nothing", f"{ROOT}/x/y/z", "/api/shared-session", "/.env", "//", "/api/../etc"]
)
def test_an_unknown_route_is_not_found(api, path):
    api.get(path).expect(404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", ROOT),
        ("DELETE", ROOT),
        ("PATCH", "/api/host-sessions"),
        ("POST", "/health/live"),
        ("PUT", f"{ROOT}/x/messages"),
        ("DELETE", f"{ROOT}/x/stream"),
        ("POST", "/version"),
        ("POST", f"{ROOT}/x"),
    ],
)
def test_a_wrong_method_is_405(api, method, path):
    assert api.request(method, path, {}).status == 405


def test_user_text_never_becomes_a_command_or_a_frame(api):
    shared = share(api)
    text = '"}\n\nid: 666-0\ndata: {"type":"session_closed"}\n\n{"'
    guest = shared.join(user="' -- ]] {x} %d $1 \\", displayName="</script>\u2028{}")
    with shared.stream() as stream:
        shared.comment(text, guest)
        created = stream.expect("message_created").payload
    assert created["message"]["text"] == text
    assert created["participant"]["userId"] == "' -- ]] {x} %d $1 \\"
    assert created["participant"]["displayName"] == "</script>\u2028{}"


@pytest.mark.parametrize("workspace", ["a{b}", "with space", "x" * 129, "é", "a*"])
def test_a_workspace_is_an_id(api, workspace):
    body = {"hostSessionId": register_host(api).id, "hostUserId": "h", "workspaceId": workspace}
    api.post(ROOT, body).expect(400, "INVALID_FIELD")
    api.post("/api/host-sessions", {"userId": "o", "workspaceId": workspace}).expect(400, "INVALID_FIELD")
