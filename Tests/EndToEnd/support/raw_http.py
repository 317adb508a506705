"""Bytes over a socket, for requests no proper client can make, and a strict reading of the one answer."""

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


def exchange(base: str, request: bytes, *, finish: bool = False, seconds: float = PATIENCE) -> RawReply:
    """Sends the bytes and reads one answer. `finish` closes the sending half behind them."""
    address = urlsplit(base)
    with socket.create_connection((address.hostname, address.port), seconds) as connection:
        try:
            connection.sendall(request)
            if finish:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused while still sending: the answer is there to be read
        return read_reply(connection)


def read_reply(connection: socket.socket) -> RawReply:
    received = b""
    while b"\r\n\r\n" not in received:
        more = _receive(connection)
        if not more:
            assert not received, f"half an answer: {received!r}"
            return RawReply(0, {}, b"")
        received += more
    head, _, content = received.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers["content-length"])
    while len(content) < length:
        more = _receive(connection)
        assert more, f"the body ended early: {content!r} of {length}"
        content += more
    return RawReply(int(status_line.split(" ")[1]), headers, content[:length])


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""
