"""Broken or abusive HTTP, byte by byte: the parser's refusals are JSON errors too, and nobody else notices."""

from __future__ import annotations

import random
import socket
from urllib.parse import urlsplit

import pytest

from support.client import check_error_body
from support.processes import open_descriptors
from support.raw_http import RawConnection, exchange
from support.scenario import share
from support.sse import EventParser
from support.waiting import eventually


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([line, "Host: localhost", *headers, "", ""]).encode("latin-1") + body


BROKEN = {
    "no http at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a bare word": b"HELLO\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "a bad version": b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "a space in a header name": request("GET /version HTTP/1.1", "Bad Name: x"),
    "no colon in a header": request("GET /version HTTP/1.1", "nocolon"),
    "a negative length": request("POST /api/host-sessions HTTP/1.1", "Content-Length: -1"),
    "a length that is no number": request("POST /api/host-sessions HTTP/1.1", "Content-Length: ten"),
    "two different lengths": request(
        "POST /api/host-sessions HTTP/1.1", "Content-Length: 2", "Content-Length: 3", body=b"{}x"
    ),
    "a broken chunk size": request(
        "POST /api/host-sessions HTTP/1.1",
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        body=b"zz\r\n{}\r\n0\r\n\r\n",
    ),
    "a NUL in a header": b"GET /version HTTP/1.1\r\nHost: localhost\r\nX-A: a\x00b\r\n\r\n",
    "a method nobody knows": request("FROBNICATE /version HTTP/1.1"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_http_is_answered_by_a_json_error(api, name):
    base = api.next_base()
    reply = exchange(base, BROKEN[name])
    assert 400 <= reply.status < 500 or reply.status in (501, 505), reply
    check_error_body(reply.status, reply.headers, reply.content, name)
    assert api.get("/version", base=base).status == 200


@pytest.mark.parametrize(
    ("name", "bytes_sent", "status"),
    [
        ("a long address", request("GET /" + "a" * 5000 + " HTTP/1.1"), 414),
        ("a long query", request("GET /api/shared-sessions?workspaceId=" + "a" * 5000 + " HTTP/1.1"), 414),
        ("one huge header", request("GET /version HTTP/1.1", "X-A: " + "a" * 17000), 431),
        ("many headers", request("GET /version HTTP/1.1", *[f"X-{n}: {'a' * 100}" for n in range(200)]), 431),
        (
            "a huge announced body",
            request(
                "POST /api/host-sessions HTTP/1.1", "Content-Type: application/json", "Content-Length: 99999999999"
            ),
            413,
        ),
    ],
)
def test_what_is_too_large_is_refused_with_its_own_status(api, name, bytes_sent, status):
    reply = exchange(api.next_base(), bytes_sent)
    assert reply.status == status, reply
    check_error_body(status, reply.headers, reply.content, name)


def test_a_chunked_body_has_the_same_limit(api):
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    reply = exchange(
        api.next_base(),
        request(
            "POST /api/host-sessions HTTP/1.1",
            "Content-Type: application/json",
            "Transfer-Encoding: chunked",
            body=chunk * 8 + b"0\r\n\r\n",
        ),
    )
    assert reply.status == 413
    assert check_error_body(413, reply.headers, reply.content, "chunks")["code"] == "BODY_TOO_LARGE"


def test_a_refused_body_leaves_the_connection_in_step(api):
    """What follows a refused body is either answered as a request of its own or the connection is closed."""
    body = b'{"text":"' + b"x" * 300_000 + b'"}'
    refused = request(
        "POST /api/shared-sessions/x/messages HTTP/1.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        body=body,
    )
    with RawConnection(api.next_base()) as connection:
        connection.send(refused + request("GET /version HTTP/1.1"))
        assert connection.read().status == 413
        assert connection.read().status in (0, 200)


def test_pipelined_requests_are_answered_in_order(api):
    paths = ["/version", "/nothing", "/health/live", "/api/shared-sessions?status=wrong"]
    with RawConnection(api.next_base()) as connection:
        connection.send(b"".join(request(f"GET {path} HTTP/1.1") for path in paths))
        assert [connection.read().status for _ in paths] == [200, 404, 200, 400]


def test_expect_continue_is_honoured(api):
    headers = ["Content-Type: application/json", "Expect: 100-continue", "Content-Length: 14"]
    with RawConnection(api.next_base()) as connection:
        connection.send(request("POST /api/host-sessions HTTP/1.1", *headers))
        assert connection.read().status == 100
        connection.send(b'{"userId":"o"}')
        assert connection.read().status == 201


def test_head_is_answered_without_a_body(api):
    with RawConnection(api.next_base()) as connection:
        connection.send(request("HEAD /version HTTP/1.1") + request("GET /version HTTP/1.1"))
        first = b""
        while first.count(b"\r\n\r\n") < 2 or not first.rstrip().endswith(b"}"):
            received = connection.socket.recv(65536)
            assert received, first
            first += received
    heads = first.split(b"HTTP/1.1 ")
    assert len(heads) == 3 and heads[1].partition(b"\r\n\r\n")[2] == b"", "nothing behind the head of a HEAD"
    assert heads[2].startswith(b"200")


def test_a_head_without_a_length_leaves_nothing_behind_it(api):
    """An empty chunk there would be read as the start of the next answer."""
    shared = share(api)
    with RawConnection(api.next_base()) as connection:
        connection.send(
            request(f"HEAD {shared.path}/export HTTP/1.1", f"Authorization: {shared.host.header['Authorization']}")
        )
        received = b""
        while more := connection.socket.recv(65536):
            received += more
    head, _, behind = received.partition(b"\r\n\r\n")
    assert b" 200 " in head and b"application/x-ndjson" in head and b"chunked" not in head and behind == b"", received


def test_a_stream_to_an_http_1_0_client_is_not_chunked(api):
    shared = share(api)
    path = f"{shared.path}/stream?lastEventId=earliest&participantId={shared.host.id}"
    with RawConnection(api.next_base()) as connection:
        line = f"GET {path}&participantToken={shared.host.token} HTTP/1.0"
        connection.send(request(line))
        received = b""
        while received.count(b"\n\n") < 3:
            more = connection.socket.recv(65536)
            assert more, received
            received += more
        head, _, body = received.partition(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0] and b"chunked" not in head.lower()
        frames = EventParser().feed(body)
        assert frames[0].type == "connected" and "shared_session_created" in [f.type for f in frames]
        shared.close()
        while more := connection.socket.recv(65536):
            body += more
    assert EventParser().feed(body)[-1].type == "session_closed"


def test_half_requests_do_not_pile_up(cluster):
    """Connections that never finish their request hold nothing once they are gone, and harm nobody meanwhile."""
    node = cluster.nodes[0]
    address = urlsplit(node.base)
    before = open_descriptors(node.process.pid)
    starts = [
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nHost",
        b"POST /api/host-sessions HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    ]
    half = []
    for at in range(80):
        connection = socket.create_connection((address.hostname, address.port), 20)
        connection.sendall(starts[at % len(starts)])
        half.append(connection)
    share(node.api).comment("meanwhile")
    for connection in half:
        connection.close()
    eventually(lambda: open_descriptors(node.process.pid) <= before + 2, "the descriptors of the half requests")


def test_random_bytes_harm_nobody(cluster):
    chance = random.Random(7)
    for _ in range(150):
        junk = bytes(chance.choice(b"GETPOST /:{}\r\n\0\xff\x80HTTP1.%=&?;x") for _ in range(chance.randrange(1, 400)))
        reply = exchange(cluster.bases[0], junk, finish=True)
        assert reply.status == 0 or 200 <= reply.status < 500 or reply.status in (501, 505), (junk, reply)
        if reply.status >= 400:
            check_error_body(reply.status, reply.headers, reply.content, repr(junk))
    share(cluster.api).comment("still well")
