"""Sending bytes in every way a client may, and a strict reading of what a node sends back."""

from __future__ import annotations

import random
import re
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from support.sse import EventParser, Frame
from support.waiting import PATIENCE

STATUS_LINE = re.compile(r"HTTP/1\.[01] ([1-5][0-9]{2}) [ -~]*")
HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t -~\x80-\xff]*)")
RESET = (ConnectionResetError, BrokenPipeError)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes
    is_stream: bool = False

    @property
    def ends_connection(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


class Wire:
    """One connection to a node."""

    def __init__(self, base: str) -> None:
        address = urlsplit(base)
        self.socket = socket.create_connection((address.hostname, address.port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        self.is_refused = False

    # Writing

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except RESET:
            self.is_refused = True  # the node has answered and closed: the answer is there to be read

    def send_somehow(self, chance: random.Random, data: bytes) -> None:
        """At once, in a few pieces, byte by byte, or with pauses in between."""
        style = chance.randrange(8)
        if style < 3 or not data:
            return self.send(data)
        if style < 6:
            cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(1, 6)))
        else:
            cuts = list(range(1, len(data) if style == 6 and len(data) < 3000 else min(len(data), 40)))
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            self.send(data[start:end])
            if style in (5, 7) and chance.random() < 0.2:
                time.sleep(0.002)  # a slow writer, which is what this style is about

    def finish_writing(self) -> None:
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.is_refused = True

    def reset(self) -> None:
        """Goes away without a goodbye."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    # Reading

    def receive(self) -> bytes:
        """What comes next; nothing when the node has closed. Nothing at all for a long time is a failure."""
        try:
            return self.socket.recv(65536)
        except RESET:
            return b""
        except TimeoutError:
            raise AssertionError(f"no answer within {PATIENCE:g} s; read so far: {self.rest[-200:]!r}") from None

    def read_head(self) -> Answer | None:
        """The head of the next answer, or None when the connection ended before it."""
        while b"\r\n\r\n" not in self.rest:
            received = self.receive()
            if not received:
                assert not self.rest, f"half a head: {self.rest!r}"
                return None
            self.rest += received
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        match = STATUS_LINE.fullmatch(status_line)
        assert match, f"no status line: {status_line!r}"
        headers: dict[str, str] = {}
        for line in lines:
            field = HEADER.fullmatch(line)
            assert field, f"no header: {line!r}"
            name = field[1].lower()
            assert name not in headers or name in ("vary", "set-cookie"), f"{name} twice: {lines}"
            headers[name] = field[2].strip()
        return Answer(int(match[1]), headers, b"")

    def read(self, is_head: bool = False) -> Answer | None:
        """The next answer, whole unless it is an event stream, of which only the head is read."""
        answer = self.read_head()
        if answer is None or answer.status == 100:
            return answer
        kind = answer.headers.get("content-type", "")
        answer.is_stream = answer.status == 200 and kind.startswith("text/event-stream")
        if is_head and answer.ends_connection:
            # The node may not have got as far as the method.
            while received := self.receive():
                self.rest += received
            assert len(self.rest) in (0, int(answer.headers.get("content-length", "0"))), self.rest
            self.rest = b""
        if is_head or answer.status in (204, 304) or answer.is_stream:
            return answer
        coding = answer.headers.get("transfer-encoding")
        if coding is not None:
            assert coding == "chunked" and "content-length" not in answer.headers, answer.headers
            answer.content = self._read_chunks()
        elif "content-length" in answer.headers:
            length = answer.headers["content-length"]
            assert length.isascii() and length.isdigit(), length
            while len(self.rest) < int(length):
                received = self.receive()
                assert received, f"the body ended early: {len(self.rest)} of {length} bytes"
                self.rest += received
            answer.content, self.rest = self.rest[: int(length)], self.rest[int(length) :]
        else:
            assert answer.ends_connection, f"a body without an end: {answer.headers}"
            while received := self.receive():
                self.rest += received
            answer.content, self.rest = self.rest, b""
        return answer

    def _read_chunks(self) -> bytes:
        content = b""
        while chunk := self.read_chunk():
            content += chunk
        return content

    def read_chunk(self) -> bytes:
        """The next chunk of a body; nothing at the body's end."""
        size = int(self._line(), 16)
        while len(self.rest) < size + 2:
            received = self.receive()
            assert received, f"a chunk ended early: {self.rest[:80]!r}"
            self.rest += received
        assert self.rest[size : size + 2] == b"\r\n", f"no chunk end: {self.rest[size : size + 20]!r}"
        content, self.rest = self.rest[:size], self.rest[size + 2 :]
        return content

    def _line(self) -> bytes:
        while b"\r\n" not in self.rest:
            received = self.receive()
            assert received, f"the connection ended within a chunk's line: {self.rest[:80]!r}"
            self.rest += received
        line, _, self.rest = self.rest.partition(b"\r\n")
        return line


class StreamReader:
    """The events of a stream whose head was read."""

    def __init__(self, wire: Wire, answer: Answer, tells_positions: bool) -> None:
        self._wire = wire
        self._is_chunked = answer.headers.get("transfer-encoding") == "chunked"
        self._parser = EventParser(tells_positions)
        self.frames: list[Frame] = []
        self.has_ended = False

    def read_until(self, look: Callable[[list[Frame]], bool]) -> None:
        """Until `look` is true of the frames, or the node has ended the stream."""
        while not self.has_ended and not look(self.frames):
            content = self._next()
            self.has_ended = not content
            self.frames += self._parser.feed(content)

    def _next(self) -> bytes:
        """Nothing when the stream has ended, or was cut off between two chunks because its reader half-closed."""
        received, self._wire.rest = self._wire.rest or self._wire.receive(), b""
        if not self._is_chunked or not received:
            return received
        self._wire.rest = received
        return self._wire.read_chunk()
