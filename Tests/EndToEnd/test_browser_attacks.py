"""What pages in a browser can make of a node: one whose name was made to lead here, and one of another site."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import pytest

from support.client import APIKey, check_error_body
from support.raw_http import exchange
from support.scenario import ROOT, share
from support.streams import Refused, Stream

EVIL = "https://evil.example"


def as_browser(base: str, method: str, path: str, headers: dict[str, str], body: str = "") -> tuple[int, str]:
    """One request, whose headers are exactly these. Answers the status and the error's code."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    reply = exchange(base, "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode())
    if reply.status < 400:
        return reply.status, ""
    return reply.status, check_error_body(reply.status, reply.headers, reply.content, path)["code"]


def test_a_page_that_rebinds_its_name_neither_finds_nor_shares_an_agent(api):
    """The attack as it was seen: list, read a hostSessionId, share it anew, run a prompt that nobody approved."""
    shared = share(api)
    base = api.next_base()
    port = urlsplit(base).port
    for name in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "2130706433", "localhost."):
        own = {"Host": f"{name}:{port}", "Origin": f"http://{name}:{port}", "Sec-Fetch-Site": "same-origin"}
        json = own | {"Content-Type": "application/json"}
        create = f'{{"hostSessionId":"{shared.agent.id}","hostUserId":"eve"}}'
        for method, path, headers, body in [
            ("GET", "/", {"Host": own["Host"]}, ""),
            ("GET", ROOT, own, ""),
            ("GET", shared.path, own, ""),
            ("GET", f"{shared.path}/export", own, ""),
            ("GET", f"{shared.path}/stream", own | shared.host.header, ""),
            ("GET", f"/api/host-sessions/{shared.agent.id}", own, ""),
            ("GET", "/metrics", own, ""),
            ("POST", ROOT, json, create),
            ("POST", f"{shared.path}/prompts", json | shared.host.header, '{"prompt":"rm"}'),
            ("OPTIONS", ROOT, own | {"Access-Control-Request-Method": "POST"}, ""),
        ]:
            assert as_browser(base, method, path, headers, body) == (421, "HOST_NOT_ALLOWED"), (name, method, path)
    assert len(api.get(ROOT, query={"hostSessionId": shared.agent.id}).expect(200)["sessions"]) == 1
    assert shared.snapshot()["approvals"] == []


def test_a_target_in_absolute_form_and_a_second_host_hide_nothing(api):
    base = api.next_base()
    rebound = exchange(base, b"GET http://evil.example/api/shared-sessions HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert rebound.status == 421
    twice = exchange(base, b"GET /api/shared-sessions HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
    assert twice.status == 400
    check_error_body(twice.status, twice.headers, twice.content, "two hosts")


def test_a_load_balancer_may_call_the_node_as_it_likes(api):
    for path in ("/health/live", "/health/ready"):
        assert as_browser(api.next_base(), "GET", path, {"Host": "lb.example"}) == (200, "")


@pytest.mark.parametrize("origin", [EVIL, "http://localhost:1", "null"])
def test_another_sites_page_changes_nothing_and_uses_nobodys_credentials(api, origin):
    shared = share(api)
    base = api.next_base()
    cross = {"Host": urlsplit(base).netloc, "Origin": origin, "Sec-Fetch-Site": "cross-site"}
    form = cross | {"Content-Type": "text/plain"}
    pair = f"participantId={shared.host.id}&participantToken={shared.host.token}"
    ticket = api.post(f"{shared.path}/stream-tickets", None, shared.host).expect(201)["ticket"]
    for method, path, headers, body in [
        ("POST", "/api/host-sessions", form, '{"userId":"eve"}'),
        ("POST", ROOT, cross | {"Content-Type": "application/json"}, "{}"),
        ("DELETE", shared.path, cross, ""),
        ("GET", shared.path, cross | shared.host.header, ""),
        ("GET", f"{shared.path}/stream?{pair}", cross, ""),
        ("GET", f"{shared.path}/stream?ticket={ticket}", cross, ""),
        ("GET", f"/api/streams?session={shared.id},{ticket}", cross, ""),
        ("OPTIONS", ROOT, cross | {"Access-Control-Request-Method": "POST"}, ""),
    ]:
        assert as_browser(base, method, path, headers, body) == (403, "ORIGIN_NOT_ALLOWED"), (method, path)
    reply = api.get(ROOT, headers={"Origin": origin}, base=base)
    assert reply.status == 200 and not any(name.startswith("access-control") for name in reply.headers)
    with Stream(base, f"{shared.path}/stream", query={"ticket": ticket}) as stream:
        assert stream.next().type == "connected", "the ticket was not used up by the page"
    assert shared.snapshot()["session"]["status"] == "active"


def test_an_old_browsers_form_has_no_origin_and_changes_nothing(api):
    base = api.next_base()
    headers = {"Host": urlsplit(base).netloc, "Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}
    refused = as_browser(base, "POST", "/api/host-sessions", headers, '{"userId":"eve"}')
    assert refused == (403, "ORIGIN_NOT_ALLOWED")


def test_the_nodes_own_page_and_programs_do_what_they_did(api):
    shared = share(api)
    base = api.next_base()
    own = {"Origin": base, "Sec-Fetch-Site": "same-origin"}
    api.post(f"{shared.path}/messages", {"text": "x"}, shared.host, headers=own, base=base).expect(200)
    ticket = api.post(f"{shared.path}/stream-tickets", None, shared.host, headers=own, base=base).expect(201)["ticket"]
    with Stream(base, f"{shared.path}/stream", query={"ticket": ticket}, headers=own) as stream:
        assert stream.next().type == "connected"


def test_pages_of_other_sites_are_refused_in_keyed_access_too(make_cluster):
    key = "k" * 30
    api = make_cluster(
        1, TANDEM_ACCESS="keyed", TANDEM_API_KEYS=f"k:{hashlib.sha256(key.encode()).hexdigest()}"
    ).api
    body = {"userId": "o"}
    api.post("/api/host-sessions", body, APIKey(key), headers={"Origin": EVIL}).expect(403, "ORIGIN_NOT_ALLOWED")
    api.get(ROOT, APIKey(key), headers={"Origin": EVIL}).expect(403, "ORIGIN_NOT_ALLOWED")
    api.post("/api/host-sessions", body, APIKey(key), headers={"Host": "any.example"}).expect(201)
    with pytest.raises(Refused) as refused:
        Stream(api.next_base(), f"{ROOT}/x/stream", query={"ticket": "x"}, headers={"Origin": EVIL})
    assert refused.value.code == "ORIGIN_NOT_ALLOWED"


def test_whoever_sends_a_key_that_is_not_known_is_told_so_in_open_access_too(api):
    shared = share(api)
    for path in (ROOT, shared.path, f"{shared.path}/export", f"/api/host-sessions/{shared.agent.id}", "/metrics"):
        api.get(path, APIKey("nobody's")).expect(403, "INVALID_API_KEY")


@pytest.mark.parametrize("header", ["Bearer", "Basic eDp5", "Bearer no-dot", "Bearer .", "Bearer a.", "Bearer .b"])
def test_credentials_that_cannot_be_read_are_not_taken_for_none(api, header):
    shared = share(api)
    for path in ("", "/participants", "/messages", "/queue", "/export"):
        api.get(f"{shared.path}{path}", headers={"Authorization": header}).expect(400, "MISSING_CREDENTIALS")


def test_metrics_are_not_passed_on_by_a_proxy_on_the_same_machine(api):
    for headers in ({"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=x"}):
        api.get("/metrics", headers=headers).expect(401, "API_KEY_REQUIRED")
    assert api.get("/metrics").status == 200
