"""A strict parser of server-sent events as the contract promises them, and of the chunked coding around them.

Stricter than a browser: anything the contract does not name (an `event:` field, a second `data:` line, a carriage
return, a stray field) is a failure and not something to be skipped over. Both are pure: bytes in, values out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


class StreamFormatError(AssertionError):
    """The server broke the format."""


@dataclass(frozen=True)
class Frame:
    """One event: its id when it has one, the data line as it came, and that line parsed."""

    id: str | None
    data: str
    event: dict[str, Any]

    @property
    def type(self) -> str:
        return self.event["type"]

    @property
    def payload(self) -> dict[str, Any]:
        return self.event["payload"]

    def __repr__(self) -> str:
        return f"<{self.id or '-'} {self.type} {json.dumps(self.payload)[:160]}>"


class EventParser:
    """Bytes of a `text/event-stream` body -> frames. Comments and `retry:` values are collected beside.

    `tells_positions`: on a stream that leaves events out, or that carries several sessions, an id may stand alone. As
    in a browser it moves `last_id` and is no event.
    """

    def __init__(self, tells_positions: bool = False) -> None:
        self._tells_positions = tells_positions
        self.last_id: str | None = None
        self.positions: list[str] = []
        self._rest = b""
        self._id: str | None = None
        self._data: str | None = None
        self._fields = 0
        self.comments: list[str] = []
        self.retries: list[int] = []

    def feed(self, chunk: bytes) -> list[Frame]:
        self._rest += chunk
        frames: list[Frame] = []
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            if frame := self._line(line):
                frames.append(frame)
        return frames

    def finish(self) -> None:
        """To be called at the end of the body: nothing may be left half sent."""
        if self._rest or self._fields:
            raise StreamFormatError(f"the stream ended within a frame: {self._rest!r}")

    def _line(self, raw: bytes) -> Frame | None:
        if b"\r" in raw or b"\0" in raw:
            raise StreamFormatError(f"a control byte in a line: {raw!r}")
        line = raw.decode("utf-8", "strict")
        if not line:
            return self._dispatch()
        if line.startswith(":"):
            self.comments.append(line[1:].strip())
            return None
        name, colon, value = line.partition(":")
        if not colon:
            raise StreamFormatError(f"a field without a colon: {line!r}")
        value = value.removeprefix(" ")
        self._fields += 1
        if name == "id":
            if self._id is not None or not value:
                raise StreamFormatError(f"a second or an empty id: {line!r}")
            self._id = value
        elif name == "data":
            if self._data is not None:
                raise StreamFormatError("a second data line in one event")
            self._data = value
        elif name == "retry":
            if not value.isascii() or not value.isdigit():
                raise StreamFormatError(f"retry is not a number of milliseconds: {line!r}")
            self.retries.append(int(value))
        else:
            raise StreamFormatError(f"a field the contract does not know: {line!r}")
        return None

    def _dispatch(self) -> Frame | None:
        identifier, data = self._id, self._data
        self._id, self._data, self._fields = None, None, 0
        self.last_id = identifier or self.last_id
        if data is None:
            if identifier is not None and self._tells_positions:
                self.positions.append(identifier)
            elif identifier is not None:
                raise StreamFormatError(f"an id without data: {identifier!r}")
            return None
        event = json.loads(data)
        if not isinstance(event, dict):
            raise StreamFormatError(f"an event that is no object: {data[:200]!r}")
        return Frame(identifier, data, event)


class ChunkedDecoder:
    """The bytes of an HTTP/1.1 body with `Transfer-Encoding: chunked` -> its content; strict about every CRLF."""

    def __init__(self) -> None:
        self._rest = b""
        self._missing = 0
        self.finished = False

    def feed(self, received: bytes) -> bytes:
        if self.finished and received:
            raise StreamFormatError(f"bytes after the last chunk: {received[:80]!r}")
        self._rest += received
        content = bytearray()
        while not self.finished:
            if self._missing:
                if len(self._rest) < self._missing + 2:
                    break
                if self._rest[self._missing : self._missing + 2] != b"\r\n":
                    raise StreamFormatError("a chunk does not end with CRLF")
                content += self._rest[: self._missing]
                self._rest = self._rest[self._missing + 2 :]
                self._missing = 0
                continue
            line, found, after = self._rest.partition(b"\r\n")
            if not found:
                break
            size = int(line.split(b";")[0], 16)
            if size:
                self._rest, self._missing = after, size
                continue
            if len(after) < 2:
                break
            if after != b"\r\n":
                raise StreamFormatError(f"trailers or bytes after the last chunk: {after[:80]!r}")
            self._rest, self.finished = b"", True
        return bytes(content)
