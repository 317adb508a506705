"""An open event stream, read byte by byte on a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from .client import check_error_body
from .sse import ChunkedDecoder, EventParser, Frame
from .waiting import PATIENCE, Deadline

#: Events that depend on who has a stream open at that moment and so may stand anywhere between the others.
PRESENCE = {"participant_online", "participant_offline"}


class Refused(AssertionError):
    """The server answered something else than 200."""

    def __init__(self, status: int, code: str, body: dict[str, str]) -> None:
        super().__init__(f"stream refused: {status} {code}: {body}")
        self.status = status
        self.code = code


class Stream:
    """A stream of one session (or of a host session's dispatches). Raw bytes, comments and frames are all kept."""

    def __init__(
        self,
        base: str,
        path: str,
        who: object = None,
        *,
        headers: dict[str, str] | None = None,
        query: dict[str, Any] | None = None,
        receive_buffer: int | None = None,
        reading: bool = True,
        tells_positions: bool = False,
    ) -> None:
        address = urlsplit(base)
        self.path = path + ("?" + urlencode(query, doseq=True) if query else "")
        self.raw = bytearray()
        self.frames: list[Frame] = []
        self.parser = EventParser(tells_positions)
        self.clean_end = False
        self.problem: BaseException | None = None
        self._decoder = ChunkedDecoder()
        self._taken = 0
        self._ended = False
        self._changed = threading.Condition()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect((address.hostname, address.port))
        sent = {"Host": address.netloc, "Accept": "text/event-stream"}
        sent |= getattr(who, "header", {})
        sent |= headers or {}
        head = "".join([f"GET {self.path} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in sent.items())])
        self.socket.sendall(head.encode() + b"\r\n")
        self.status, self.headers, rest = self._read_head()
        if self.status != 200:
            self._refuse(rest)
        self._reader = threading.Thread(target=self._read, args=(rest,), daemon=True, name=f"stream {self.path}")
        if reading:
            self.start_reading()

    def start_reading(self) -> None:
        self._reader.start()

    # Reading

    def _read_head(self) -> tuple[int, dict[str, str], bytes]:
        received = b""
        while b"\r\n\r\n" not in received:
            more = self.socket.recv(65536)
            if not more:
                raise AssertionError(f"the connection ended within the head: {received!r}")
            received += more
        head, _, rest = received.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return int(status_line.split(" ")[1]), headers, rest

    def _refuse(self, content: bytes) -> None:
        length = int(self.headers["content-length"])
        while len(content) < length:
            content += self.socket.recv(65536)
        self.socket.close()
        body = check_error_body(self.status, self.headers, content[:length], f"GET {self.path}")
        raise Refused(self.status, body["code"], body)

    def _read(self, rest: bytes) -> None:
        try:
            self.socket.settimeout(None)
            received = rest or self.socket.recv(65536)
            while received:
                self._take(received)
                if self._decoder.finished:
                    self.parser.finish()
                    self.clean_end = True
                    break
                received = self.socket.recv(65536)
        except OSError:
            pass
        except BaseException as problem:  # noqa: BLE001 - shown by whoever waits on this stream
            self.problem = problem
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _take(self, received: bytes) -> None:
        content = self._decoder.feed(received)
        frames = self.parser.feed(content)
        with self._changed:
            self.raw += content
            self.frames += frames
            self._changed.notify_all()

    # Waiting

    def wait_for(self, look: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        with self._changed:
            self._changed.wait_for(lambda: look() or self._ended or self.problem is not None, seconds)
            if self.problem:
                raise AssertionError(f"{self.path}: {self.problem}") from self.problem
            assert look(), f"{self.path}: no {what}; ended: {self._ended}; got {self.frames[-8:]}"

    def next(self, seconds: float = PATIENCE) -> Frame:
        """The next frame, presence left out."""
        deadline = Deadline(seconds)
        while True:
            at = self._taken
            self.wait_for(lambda: len(self.frames) > at, "further frame", deadline.left)
            self._taken += 1
            if self.frames[at].type not in PRESENCE:
                return self.frames[at]

    def expect(self, *types: str) -> Frame:
        """The next frames are of exactly these types, in this order; answers the last."""
        frame = None
        for at, type in enumerate(types):
            frame = self.next()
            assert frame.type == type, f"{self.path}: frame {at + 1} is {frame}, not {type}"
        assert frame
        return frame

    def until(self, type: str, seconds: float = PATIENCE) -> list[Frame]:
        """The frames up to and with the first one of this type, presence left out."""
        deadline = Deadline(seconds)
        passed = [self.next(deadline.left)]
        while passed[-1].type != type:
            passed.append(self.next(deadline.left))
        return passed

    def wait_end(self, seconds: float = PATIENCE) -> list[Frame]:
        """The frames that were not taken yet, once the server has ended the stream properly."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended, seconds)
        if self.problem:
            raise AssertionError(f"{self.path}: {self.problem}") from self.problem
        assert self._ended, f"{self.path} is still open; got {self.frames[-8:]}"
        assert self.clean_end, f"{self.path} was cut off; got {self.frames[-8:]}"
        rest = self.unread
        self._taken = len(self.frames)
        return rest

    def wait_cut(self, seconds: float = PATIENCE) -> None:
        """Returns once the connection is gone, properly ended or not."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended, seconds)
        assert self._ended, f"{self.path} is still open"

    @property
    def unread(self) -> list[Frame]:
        """The frames so far that were not taken yet, presence left out."""
        return [frame for frame in self.frames[self._taken :] if frame.type not in PRESENCE]

    @property
    def is_open(self) -> bool:
        return not self._ended

    @property
    def ids(self) -> list[str]:
        return [frame.id for frame in self.frames if frame.id]

    @property
    def last_id(self) -> str:
        return self.ids[-1]

    # Ending

    def half_close(self) -> None:
        """Sends FIN and keeps listening: what a client that has no more to say does."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
