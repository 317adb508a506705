"""Many requests and streams at once, on asyncio: for races and chaos, where a thread each would be the bottleneck."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from .client import Credentials
from .sse import ChunkedDecoder, EventParser, Frame
from .waiting import PATIENCE, PAUSE

#: What a client sees of a node that dies. Everything else is a failure of the test.
NODE_GONE = (ConnectionError, aiohttp.ClientConnectionError, asyncio.IncompleteReadError, TimeoutError)


@asynccontextmanager
async def session(connections: int = 64):
    """A pool of kept connections."""
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as http:
        yield http


async def post(
    http: aiohttp.ClientSession, base: str, path: str, body: Any, who: Any = None, key: str | None = None
) -> tuple[int, Any]:
    """Status and parsed body."""
    headers = dict(who.header) if who else {}
    if key:
        headers["Idempotency-Key"] = key
    async with http.post(base + path, json=body, headers=headers) as reply:
        return reply.status, await reply.json()


async def frames(
    base: str, path: str, headers: dict[str, str], patience: float = PATIENCE, silence: float | None = None
) -> AsyncIterator[Frame | None]:
    """What a stream says, until it ends. `ConnectionError` for a 503 or 504; `TimeoutError` after that much `silence`.

    The first thing is `None`, once the stream is open.
    """
    address = urlsplit(base)
    # Not `wait_for`: what is cancelled just as something arrives goes on there, in Python 3.11.
    async with asyncio.timeout(patience):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        named = {"Host": address.netloc, "Accept": "text/event-stream"} | headers
        head = "".join([f"GET {path} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in named.items())])
        writer.write(head.encode() + b"\r\n")
        async with asyncio.timeout(patience):
            answer = await reader.readuntil(b"\r\n\r\n")
        status = int(answer.split(b" ")[1])
        if status in (503, 504):
            raise ConnectionError("the node has no Redis yet")
        assert status == 200, answer
        yield None
        decoder, parser = ChunkedDecoder(), EventParser()
        while not decoder.finished:
            async with asyncio.timeout(silence):
                received = await reader.read(65536)
            if not received:
                return
            for frame in parser.feed(decoder.feed(received)):
                yield frame
    finally:
        writer.close()


class Follower:
    """A client as the contract expects it: whenever its stream ends it connects to another node with its last id.

    Keeps the id and sequence of everything it saw; how often it connected is there to show that it really had to.
    """

    #: Seconds it waits for an answer; and seconds of silence after which it connects anew, if at all.
    patience = PATIENCE
    silence: float | None = None

    def __init__(self, bases: list[str], path: str, who: Credentials, start: int) -> None:
        self.bases = bases
        self.path = path
        self.who = who
        self.frames: list[Frame] = []
        self.connects = 0
        self.resets = 0
        self._turn = start

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._follow_one()
            except NODE_GONE:
                await asyncio.sleep(PAUSE)  # before this client tries the next node

    async def _follow_one(self) -> None:
        base = self.bases[self._turn % len(self.bases)]
        self._turn += 1
        headers = self.who.header | {"Last-Event-ID": self.cursor}
        async with aclosing(frames(base, self.path, headers, self.patience, self.silence)) as told:
            async for frame in told:
                if frame is None:
                    self.connects += 1
                else:
                    self.take(frame)

    @property
    def cursor(self) -> str:
        """Where to go on."""
        return next((f.id for f in reversed(self.frames) if f.id), "earliest")

    def take(self, frame: Frame) -> None:
        """Keeps what the stream says."""
        if frame.type == "stream_reset":
            self.resets += 1
        if frame.id:
            self.frames.append(frame)

    @property
    def ids(self) -> list[str]:
        return [frame.id for frame in self.frames if frame.id]
