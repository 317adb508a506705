"""What the agent says: forwarded to every active shared session of its host session, in order and untouched."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest

from support.scenario import register_host, share

HOSTS = "/api/host-sessions"
#: JSON that does not survive being decoded and encoded again by careless code.
VERBATIM = (
    '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"n":12345678901234567890,'
    '"f":1.0,"e":1e2,"empty":{},"none":[],"null":null,"u":"\\u00e9\\ud83d\\ude00","sl":"a\\/b","sp" :  [ 1 ,2 ]}}}'
)


def update(text: str) -> dict:
    return {
        "jsonrpc": "2.0",
        "method": "session/update",
        "params": {
            "sessionId": "s",
            "update": {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}},
        },
    }


def texts(frames) -> list[str]:
    return [f.payload["notification"]["params"]["update"]["content"]["text"] for f in frames]


def test_each_becomes_an_event_in_every_active_session_in_order(api):
    agent = register_host(api)
    one, two, closed = share(api, agent), share(api, agent), share(api, agent)
    closed.close()
    with one.stream() as a, two.stream() as b:
        reply = api.post(
            f"{HOSTS}/{agent.id}/notifications", {"notifications": [update(f"{n}") for n in range(20)]}, agent
        )
        assert reply.expect(202) == {"accepted": 20}
        api.post(f"{HOSTS}/{agent.id}/notifications", {"notifications": [update("last")]}, agent).expect(202)
        for stream in (a, b):
            frames = [stream.expect("host_session_update") for _ in range(21)]
            assert texts(frames) == [f"{n}" for n in range(20)] + ["last"]
            assert all(set(f.payload) == {"notification"} for f in frames)


@pytest.mark.parametrize("kind", ["json", "ndjson"])
def test_a_notification_is_forwarded_byte_for_byte(api, kind):
    agent = register_host(api)
    shared = share(api, agent)
    with shared.stream() as stream:
        if kind == "json":
            reply = api.post(
                f"{HOSTS}/{agent.id}/notifications", None, agent, raw=b'{"notifications": [' + VERBATIM.encode() + b"]}"
            )
        else:
            reply = api.post(
                f"{HOSTS}/{agent.id}/notifications",
                None,
                agent,
                raw=VERBATIM.encode() + b"\n",
                headers={"Content-Type": "application/x-ndjson"},
            )
        assert reply.expect(202) == {"accepted": 1}
        frame = stream.expect("host_session_update")
        assert VERBATIM in frame.data
    with shared.stream(since="earliest") as replayed:
        assert replayed.until("host_session_update")[-1].data == frame.data


def test_repeated_lines_are_published_once(api):
    agent = register_host(api)
    shared = share(api, agent)
    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "upload-1"}
    lines = [json.dumps(update(text)).encode() + b"\n" for text in ("one", "two")]
    with shared.stream() as stream:
        for raw in (lines[0], b"".join(lines), b"".join(lines)):
            api.post(f"{HOSTS}/{agent.id}/notifications", None, agent, raw=raw, headers=headers).expect(202)
        api.post(f"{HOSTS}/{agent.id}/notifications", {"notifications": [update("last")]}, agent).expect(202)
        assert texts([stream.expect("host_session_update") for _ in range(3)]) == ["one", "two", "last"]
        raw = json.dumps(update("other")).encode() + b"\n"
        reply = api.post(f"{HOSTS}/{agent.id}/notifications", None, agent, raw=raw, headers=headers)
        reply.expect(422, "IDEMPOTENCY_KEY_REUSED")


def test_a_long_lived_body_delivers_each_line_as_it_arrives(api):
    agent = register_host(api)
    shared = share(api, agent)
    base = urlsplit(api.next_base())
    with shared.stream() as stream, socket.create_connection((base.hostname, base.port), 20) as upload:
        upload.sendall(
            (
                f"POST {HOSTS}/{agent.id}/notifications HTTP/1.1\r\nHost: {base.netloc}\r\n"
                f"Authorization: Bearer {agent.token}\r\nContent-Type: application/x-ndjson\r\n"
                "Transfer-Encoding: chunked\r\n\r\n"
            ).encode()
        )
        for n in range(50):
            line = json.dumps(update(f"{n}")).encode() + b"\n"
            cut = n % len(line)  # a chunk rarely ends where a line does
            for part in (line[:cut], line[cut:]):
                if part:
                    upload.sendall(b"%x\r\n%s\r\n" % (len(part), part))
            assert texts([stream.expect("host_session_update")]) == [f"{n}"], "while the body is still open"
        upload.sendall(b"0\r\n\r\n")
        answer = b""
        while b"accepted" not in answer:
            received = upload.recv(4096)
            assert received, answer
            answer += received
        assert answer.startswith(b"HTTP/1.1 202 ") and b'"accepted":50' in answer.replace(b" ", b"")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"notifications": 7}',
        b"{}",
        b'{"notifications": ["text"]}',
        b'{"notifications": [{"a":1},]}',
        b"[]",
        b'{"notifications": [{"a":"\xff"}]}',
        b'{"notifications": [' + b"[" * 64 + b"]" * 64 + b"]}",
    ],
)
def test_what_is_no_list_of_objects_is_refused_and_publishes_nothing(api, raw):
    agent = register_host(api)
    shared = share(api, agent)
    with shared.stream() as stream:
        api.post(f"{HOSTS}/{agent.id}/notifications", None, agent, raw=raw).expect(400)
        shared.comment("next")
        stream.expect("message_created")


def test_an_empty_list_is_accepted(api):
    agent = register_host(api)
    assert api.post(f"{HOSTS}/{agent.id}/notifications", {"notifications": []}, agent).expect(202) == {"accepted": 0}


@pytest.mark.parametrize("kind", ["json", "ndjson"])
def test_what_was_said_before_is_marked(api, kind):
    agent = register_host(api)
    shared = share(api, agent)
    path = f"{HOSTS}/{agent.id}/notifications"
    with shared.stream() as stream:
        if kind == "json":
            raw = {"raw": b'{"notifications": [' + VERBATIM.encode() + b"]}"}
        else:
            raw = {"raw": VERBATIM.encode() + b"\n", "headers": {"Content-Type": "application/x-ndjson"}}
        api.post(f"{path}?replayed=true", None, agent, **raw).expect(202)
        api.post(f"{path}?replayed=false", {"notifications": [update("live")]}, agent).expect(202)
        replayed, live = stream.expect("host_session_update"), stream.expect("host_session_update")
        assert replayed.payload["replayed"] is True and VERBATIM in replayed.data
        assert set(live.payload) == {"notification"}
        viewer = shared.join(role="viewer")
        with shared.stream(viewer, "earliest") as other:
            seen = other.until("host_session_update")[-1]
        assert seen.payload["replayed"] is True
    api.post(f"{path}?replayed=yes", {"notifications": []}, agent).expect(400, "INVALID_QUERY")
