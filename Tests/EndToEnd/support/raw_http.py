"""Bytes over a socket, for requests no proper client can make, and a strict reading of the answers."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from .waiting import PATIENCE


@dataclass
class RawReply:
    """Status 0 means that the connection was closed without an answer."""

    status: int
    headers: dict[str, str]
    content: bytes


class RawConnection:
    """One connection; what comes behind an answer is kept for the next one."""

    def __init__(self, base: str, seconds: float = PATIENCE) -> None:
        address = urlsplit(base)
        self.socket = socket.create_connection((address.hostname, address.port), seconds)
        self._rest = b""

    def send(self, request: bytes, *, finish: bool = False) -> None:
        """Sends the bytes; `finish` closes the sending half behind them."""
        try:
            self.socket.sendall(request)
            if finish:
                self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused while still sending: the answer is there to be read

    def read(self) -> RawReply:
        """The next answer, with a body of a declared length."""
        while b"\r\n\r\n" not in self._rest:
            if not self._receive():
                assert not self._rest, f"half an answer: {self._rest!r}"
                return RawReply(0, {}, b"")
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status, length = int(status_line.split(" ")[1]), int(headers.get("content-length", "0"))
        assert status == 100 or "content-length" in headers, head
        while len(self._rest) < length:
            assert self._receive(), f"the body ended early: {self._rest!r} of {length}"
        content, self._rest = self._rest[:length], self._rest[length:]
        return RawReply(status, headers, content)

    def _receive(self) -> bool:
        try:
            received = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self._rest += received
        return bool(received)

    def __enter__(self) -> RawConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def exchange(base: str, request: bytes, *, finish: bool = False) -> RawReply:
    """Sends the bytes on a connection of their own and reads one answer."""
    with RawConnection(base) as connection:
        connection.send(request, finish=finish)
        return connection.read()
