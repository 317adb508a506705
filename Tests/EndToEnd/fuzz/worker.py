"""One worker: case after case against the nodes, each checked; a finding says how to see it again."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from support.client import API, check_no_null
from support.scenario import unique
from support.waiting import Deadline

from . import values
from .codes import check_error
from .framing import chunked
from .requests import Maker, Request
from .routes import read_routes
from .wire import Answer, StreamReader, Wire
from .world import World

#: A session is replaced after this many cases, so that its bounds are met but not all that is seen.
CASES_PER_SESSION = 150

#: Or when this many answers said that it has ended.
MOST_ENDED_ANSWERS = 6


def without_agent_json(body: object) -> object:
    """The answer without what an agent wrote, which is passed on as it is."""
    if isinstance(body, dict):
        return {name: without_agent_json(v) for name, v in body.items() if name not in ("toolCall", "options")}
    return [without_agent_json(value) for value in body] if isinstance(body, list) else body


class Finding(AssertionError):
    """What went wrong, and what was sent before it did."""


@dataclass
class Worker:
    """Cases of one seed. `statuses` counts answers by status, `codes` by error code, `kinds` cases by kind."""

    bases: list[str]
    seed: int
    number: int
    statuses: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    events: int = 0
    ended_answers: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.seed}/{self.number}")
        self.base = self.bases[self.number % len(self.bases)]
        self.world = World(API(self.bases), self.chance)
        self.maker = Maker(self.world, read_routes(), urlsplit(self.base).netloc)
        self.sent: list[bytes] = []

    def run(self, deadline: Deadline, stop: threading.Event) -> None:
        """Until the time is over or somebody has found something."""
        case = 0
        weights = {self._exchange: 60, self._stream: 16, self._live_stream: 4, self._lines: 12, self._vanish: 8}
        while not deadline.passed and not stop.is_set():
            case += 1
            if case % CASES_PER_SESSION == 0 or self.ended_answers > MOST_ENDED_ANSWERS:
                self.world.renew()
                self.ended_answers = 0
            kind = self.chance.choices(list(weights), list(weights.values()))[0]
            self.kinds[kind.__name__.strip("_")] += 1
            self.sent = []
            try:
                kind()
            except Exception as problem:
                sent = "\n".join(repr(data[:6000]) for data in self.sent)
                raise Finding(
                    f"seed {self.seed}, worker {self.number}, case {case}, {kind.__name__}: {problem!r}\nsent:\n{sent}"
                ) from problem

    # Kinds of cases

    def _exchange(self) -> None:
        """One to five requests on a connection, written in any way; each whole one is answered, in order."""
        chance = self.chance
        wire = Wire(self.base)
        try:
            requests = self._pipeline(chance.choice([1, 1, 1, 2, 3, 5]))
            self._send(wire, b"".join(r.data for r in requests))
            # Without the end, a request that announced more than it sent would be waited for.
            has_finished = not all(r.is_whole for r in requests) or chance.random() < 0.1
            if has_finished:
                wire.finish_writing()
            self._read_answers(wire, requests, has_finished)
        finally:
            wire.close()

    def _stream(self) -> None:
        """A stream asked for in any way: it is refused properly, or begins with what the contract says."""
        wire = Wire(self.base)
        try:
            request = self.maker.request(self.chance.choice(self.maker.streams))
            self._send(wire, request.data)
            if not request.is_whole:
                wire.finish_writing()
            self._read_answers(wire, [request], not request.is_whole)
        finally:
            wire.close()

    def _live_stream(self) -> None:
        """Whatever cursor it was asked with, an open stream of a session goes on with what happens next."""
        world, chance = self.world, self.chance
        shared = world.steady
        is_combined = chance.random() < 0.5
        headers = [] if chance.random() < 0.1 else [("Last-Event-ID", self.maker.cursor(is_combined))]
        headers = [(n, v) for n, v in headers if "\r" not in v and "\n" not in v and v.isascii()]
        if is_combined:
            asks = [f"{shared.id},{shared.host.id}.{shared.host.token}", self.maker.ask()][: chance.randrange(1, 3)]
            asks = [ask for ask in asks if ask.isascii() and ask.isprintable() and " " not in ask]
            if len({ask.split(",")[0] for ask in asks}) < len(asks):
                asks = asks[:1]
            headers.append(("Tandem-Sessions", " ".join(asks)))
            target = "/api/streams"
        else:
            headers += list(shared.host.header.items())
            target = f"{shared.path}/stream"
        lines = [f"GET {target} HTTP/1.1", f"Host: {self.maker.authority}", *(f"{n}: {v}" for n, v in headers)]
        wire = Wire(self.base)
        try:
            self._send(wire, "\r\n".join([*lines, "", ""]).encode())
            answer = wire.read()
            assert answer is not None, "no answer"
            self.statuses[answer.status] += 1
            if is_combined and answer.status in (400, 431) and len(asks) > 1:
                self._check(answer, None)  # the second session was no proper one
                return
            assert answer.is_stream, f"{answer.status}: {answer.content!r}"
            reader = StreamReader(wire, answer, is_combined)
            reader.read_until(lambda frames: any(f.type == "connected" for f in frames))
            text = unique("still there")
            shared.comment(text)
            reader.read_until(
                lambda frames: any(f.type == "message_created" and f.payload["message"]["text"] == text for f in frames)
            )
            assert not reader.has_ended, f"the stream ended before the comment; it had {reader.frames[-5:]}"
            self._check_frames(reader, is_combined, shared.id)
        finally:
            wire.close()

    def _lines(self) -> None:
        """NDJSON, cut anywhere: all lines are taken, or the first that is wrong ends it with an error."""
        chance, agent = self.chance, self.world.steady.agent
        lines, is_right = [], True
        for number in range(chance.choice([0, 1, 2, 5, 30, 120])):
            update = {"n": number, "x": "y" * chance.randrange(60)}
            data = json.dumps({"jsonrpc": "2.0", "method": "session/update", "params": update}).encode()
            if chance.random() < 0.04:
                is_right = False
                long = b'{"x":"' + b"x" * 5000 + b'"}'
                data = chance.choice([*values.RAW, b"[]", b"1", b'"x"', b"{}" * 2, long, data[:-1], b"\xff"])
            lines.append(data)
            if chance.random() < 0.05:
                lines.append(chance.choice([b"", b" ", b"\t "]))
        expected = sum(1 for line in lines if line.strip())
        body = chance.choice([b"\n", b"\r\n"]).join(lines) + chance.choice([b"", b"\n", b"\r\n", b"\n\n"])
        headers = [("Content-Type", "application/x-ndjson"), *agent.header.items()]
        if chance.random() < 0.2:
            headers.append(("Idempotency-Key", f"lines-{chance.randrange(5):022}"))
            is_right = False  # the same key with other lines is refused
        target = f"/api/host-sessions/{agent.id}/notifications"
        framing = ("Content-Length", str(len(body))) if chance.random() < 0.5 else ("Transfer-Encoding", "chunked")
        sent = body if framing[0] == "Content-Length" else chunked(chance, body)
        headers.append(framing)
        head = [f"POST {target} HTTP/1.1", f"Host: {self.maker.authority}", *(f"{n}: {v}" for n, v in headers)]
        wire = Wire(self.base)
        try:
            data = "\r\n".join([*head, "", ""]).encode() + sent
            if chance.random() < 0.15:
                self._send(wire, data[: chance.randrange(len(data))])
                wire.finish_writing() if chance.random() < 0.5 else wire.reset()
                if wire.socket.fileno() >= 0:
                    self._read_answers(wire, [Request("POST", b"", False)], True)
                return
            self._send(wire, data)
            answer = wire.read()
            assert answer is not None, "no answer to lines"
            body_read = self._check(answer, None)
            if is_right:
                assert answer.status == 202 and body_read == {"accepted": expected}, f"{expected} lines: {answer}"
        finally:
            wire.close()

    def _vanish(self) -> None:
        """Requests whose client goes away in the middle of writing or reading."""
        chance = self.chance
        wire = Wire(self.base)
        requests = self._pipeline(chance.randrange(1, 4))
        data = b"".join(r.data for r in requests)
        self._send(wire, data[: chance.randrange(len(data) + 1)])
        if chance.random() < 0.3 and requests[0].is_whole and len(data) < len(requests[0].data):
            wire.read(requests[0].method == "HEAD")
        wire.reset() if chance.random() < 0.7 else wire.close()

    # Sending and checking

    def _pipeline(self, count: int) -> list[Request]:
        """Requests behind each other; what is behind one that is no HTTP would be anybody's guess."""
        requests: list[Request] = []
        while len(requests) < count and all(request.is_whole for request in requests):
            requests.append(self.maker.request())
        return requests

    def _send(self, wire: Wire, data: bytes) -> None:
        self.sent.append(data)
        wire.send_somehow(self.chance, data)

    def _read_answers(self, wire: Wire, requests: list[Request], has_finished: bool) -> None:
        """As many answers as there are requests, unless the node has refused one and closed.

        `has_finished`: nothing more will be written, which for a node is the end of whoever reads a stream.
        """
        waiting = list(requests)
        refused = False
        while waiting:
            request = waiting[0]
            answer = wire.read(request.method == "HEAD")
            if answer is None:
                # After a request that is no HTTP, or one that announced more than came, nothing further is owed.
                is_owed = all(r.is_whole for r in requests) and not (has_finished and request.is_stream)
                assert refused or not is_owed, f"no answer to {request.data[:300]!r}"
                return
            if answer.status == 100:
                continue
            waiting.pop(0)
            self._check(answer, request)
            if answer.is_stream:
                reader = StreamReader(wire, answer, request.tells_positions or b"types=" in request.data)
                first = {"connected", "stream_refused", "attached", "stream_reset"}
                reader.read_until(lambda frames: any(f.type in first for f in frames))
                self._check_frames(reader, request.tells_positions)
                return
            refused = refused or answer.ends_connection
            if answer.ends_connection:
                assert wire.read() is None, "an answer behind `Connection: close`"
                return

    def _check(self, answer: Answer, request: Request | None) -> object:
        """What holds for every answer."""
        self.statuses[answer.status] += 1
        assert answer.status < 500, f"{answer.status}: {answer.content[:400]!r}"
        assert "x-evil" not in answer.headers, answer.headers
        is_head = request is not None and request.method == "HEAD"
        if answer.status >= 400:
            if not is_head or answer.content:
                code = check_error(answer.status, answer.headers, answer.content)
                self.codes[code] += 1
                self.ended_answers += code in ("SESSION_INACTIVE", "HOST_SESSION_NOT_FOUND")
            return None
        assert answer.status in (200, 201, 202, 204, 304), answer.status
        if is_head or answer.headers.get("content-type", "").split(";")[0] != "application/json":
            return None
        body = json.loads(answer.content)
        if "openapi" not in body:
            check_no_null(without_agent_json(body), "an answer")
        self.world.learn(body)
        return body

    def _check_frames(self, reader: StreamReader, is_combined: bool, session: str | None = None) -> None:
        """Events of a session come in its order, each once."""
        self.events += len(reader.frames)
        if is_combined:
            return
        ids = [frame.id for frame in reader.frames if frame.id]
        order = [tuple(int(part) for part in i.split("-")) for i in ids]
        assert order == sorted(set(order)), f"events out of order: {ids}"
        for frame in reader.frames:
            self.world.learn({"cursor": frame.id} if frame.id else {})
            self.world.learn(frame.payload)
            if session and "sharedSessionId" in frame.event:
                assert frame.event["sharedSessionId"] == session, frame
