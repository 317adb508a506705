"""How bytes are put around a body, and how a request is broken on purpose."""

from __future__ import annotations

import random


def chunked(chance: random.Random, body: bytes) -> bytes:
    """The body in chunks of any size, with what the coding allows around them."""
    coded, at = b"", 0
    while at < len(body):
        size = min(len(body) - at, chance.choice([1, 2, 7, 100, 5000]))
        extension = chance.choice([b"", b"", b"", b";a=b", b';q="x"', b";" + b"e" * 200])
        digits = f"{size:x}" if chance.random() < 0.8 else f"{size:08X}"
        coded += digits.encode() + extension + b"\r\n" + body[at : at + size] + b"\r\n"
        at += size
    return coded + chance.choice([b"0\r\n\r\n", b"0\r\n\r\n", b"000\r\n\r\n", b"0\r\nX-Trailer: 1\r\n\r\n"])


SPLINTERS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"\xff", b"\r\n ", b"Content-Length: 5\r\n",
    b"Content-Length: -1\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: identity\r\n",
    b"transfer-encoding : chunked\r\n", b"Host: a\r\nHost: b\r\n", b"Expect: 100-continue\r\n", b"Expect: x\r\n",
    b"Upgrade: h2c\r\nConnection: Upgrade\r\n", b" HTTP/1.0\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"0x5\r\n", b"-1\r\n", b"0\r\n\r\n", b"X" * 5000, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01",
    b"Connection: close\r\n",
]  # fmt: skip


def broken(chance: random.Random, data: bytes) -> bytes:
    """The bytes with something put in, taken out or cut off, mostly in the head."""
    for _ in range(chance.randrange(1, 4)):
        head = data.find(b"\r\n\r\n") + 4
        at = chance.randrange(max(head, 1) if chance.random() < 0.7 else len(data) + 1)
        match chance.randrange(6):
            case 0:
                data = data[:at]
            case 1:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
            case 2:
                data = data[:at] + data[at + chance.randrange(1, 9) :]
            case 3:
                start = data.find(b"\r\n", at) + 2
                data = data[:start] + chance.choice(SPLINTERS) + data[start:]
            case _:
                data = data[:at] + chance.choice(SPLINTERS) + data[at:]
    return data
