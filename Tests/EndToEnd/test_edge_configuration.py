"""Who else may reach a node: names of tunnels, pages of other sites, keys with scopes; and how long a line may take."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest

from support.client import APIKey, Credentials, HostToken
from support.raw_http import exchange
from support.scenario import ROOT, register_host, share
from support.streams import Stream

HOSTS = "/api/host-sessions"
TEAM, EVIL = "https://team.example", "https://evil.example"
TUNNEL = "tandem.tunnel.example"


@pytest.fixture(scope="module")
def api(module_cluster):
    return module_cluster(1, TANDEM_HOSTS=TUNNEL, TANDEM_CORS_ORIGINS=TEAM, TANDEM_TIMEOUTS_LINE="1s").api


def test_a_tunnel_is_answered_by_the_name_that_is_configured_and_no_other(api):
    base = api.next_base()
    for name, status in [(TUNNEL, 200), (f"{TUNNEL}:443", 200), (TUNNEL.upper(), 200), (f"x.{TUNNEL}", 421)]:
        reply = exchange(base, f"GET {ROOT} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        assert reply.status == status, name


def test_the_page_of_a_listed_site_may_use_the_service(api):
    agent = register_host(api)
    asked = {
        "Origin": TEAM,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }
    base = api.next_base()
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=20)
    connection.request("OPTIONS", ROOT, headers=asked)
    preflight = connection.getresponse()
    headers = {name.lower(): value for name, value in preflight.getheaders()}
    assert preflight.status == 204 and preflight.read() == b""
    assert headers["access-control-allow-origin"] == TEAM
    allowed = headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("authorization", "content-type", "idempotency-key", "last-event-id"))
    assert "access-control-allow-credentials" not in headers
    body = {"hostSessionId": agent.id, "hostUserId": "h"}
    reply = api.request("POST", ROOT, body, headers={"Origin": TEAM, "Sec-Fetch-Site": "cross-site"})
    made = reply.expect(201)
    answered = {name.lower(): value for name, value in reply.headers.items()}
    assert answered["access-control-allow-origin"] == TEAM and "origin" in answered["vary"].lower()
    assert "retry-after" in answered["access-control-expose-headers"].lower()
    host_credentials = Credentials(made["hostParticipant"]["id"], made["hostParticipant"]["accessToken"])
    path = f"{ROOT}/{made['session']['id']}"
    with Stream(base, f"{path}/stream", host_credentials, headers={"Origin": TEAM}) as stream:
        assert stream.next().type == "connected"
        assert stream.headers["access-control-allow-origin"] == TEAM
    refused = api.request("POST", ROOT, body, headers={"Origin": EVIL})
    refused.expect(403, "ORIGIN_NOT_ALLOWED")
    assert "access-control-allow-origin" not in {name.lower() for name in refused.headers}


def test_a_key_does_what_its_scopes_say_and_no_more(make_cluster):
    keys = {scope: f"the key that may {scope}" for scope in ("create", "read", "admin")}
    entries = ",".join(f"{s}:{hashlib.sha256(k.encode()).hexdigest()}:{s}" for s, k in keys.items())
    api = make_cluster(1, TANDEM_ACCESS="keyed", TANDEM_API_KEYS=entries).api
    create, read, admin = (APIKey(keys[scope]) for scope in ("create", "read", "admin"))
    refused = api.post(HOSTS, {"userId": "o"}, read)
    refused.expect(403, "INVALID_API_KEY")
    assert "create" in refused.json["error"]
    made = api.post(HOSTS, {"userId": "o"}, create).expect(201)
    agent = HostToken(made["hostSession"]["id"], made["hostToken"])
    body = {"hostSessionId": agent.id, "hostUserId": "h"}
    session = api.post(ROOT, body, create, headers=agent.header).expect(201)["session"]["id"]
    for path in (ROOT, f"{ROOT}/{session}", f"{ROOT}/{session}/messages", f"{ROOT}/{session}/export"):
        api.get(path, create).expect(403, "INVALID_API_KEY")
        for key in (read, admin):
            assert api.get(path, key).status == 200, path
    api.post(HOSTS, {"userId": "o"}, admin).expect(201)


def test_a_line_that_never_ends_is_given_up(api):
    agent = register_host(api)
    shared = share(api, agent)
    base = urlsplit(api.next_base())
    line = json.dumps({"jsonrpc": "2.0", "method": "session/update", "params": {}}).encode()
    with socket.create_connection((base.hostname, base.port), 20) as upload:
        upload.sendall(
            (
                f"POST {HOSTS}/{agent.id}/notifications HTTP/1.1\r\nHost: {base.netloc}\r\n"
                f"Authorization: Bearer {agent.token}\r\nContent-Type: application/x-ndjson\r\n"
                "Transfer-Encoding: chunked\r\n\r\n"
            ).encode()
        )
        whole = line + b"\n" + line[:10]
        upload.sendall(b"%x\r\n%s\r\n" % (len(whole), whole))
        answer = b""
        while b"REQUEST_TIMEOUT" not in answer:
            received = upload.recv(4096)
            assert received, answer
            answer += received
        assert answer.startswith(b"HTTP/1.1 408 ")
    with shared.stream(since="earliest") as stream:
        types = [stream.next().type for _ in range(3)]
    assert "host_session_update" in types, "the line before it was taken"


def test_wrong_credentials_are_refused_where_none_are_needed(api):
    shared = share(api)
    guest = shared.join()
    wrong = Credentials(guest.id, shared.host.token)
    for path in ("", "/participants", "/messages", "/queue", "/export"):
        api.get(shared.path + path, wrong).expect(403, "INVALID_PARTICIPANT_TOKEN")
        assert api.get(shared.path + path).status == 200, path
    api.post(f"{shared.path}/leave", None, guest).expect(200)
    api.get(shared.path, guest).expect(409, "PARTICIPANT_INACTIVE")
