"""Many requests and streams at once, on asyncio: for races and chaos, where a thread each would be the bottleneck."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
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


class Follower:
    """A client as the contract expects it: whenever its stream ends it connects to another node with its last id.

    Keeps the id and sequence of everything it saw; how often it connected is there to show that it really had to.
    """

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
        base = urlsplit(self.bases[self._turn % len(self.bases)])
        self._turn += 1
        reader, writer = await asyncio.wait_for(asyncio.open_connection(base.hostname, base.port), PATIENCE)
        try:
            cursor = next((f.id for f in reversed(self.frames) if f.id), "earliest")
            head = "".join(
                [
                    f"GET {self.path} HTTP/1.1\r\nHost: {base.netloc}\r\nAccept: text/event-stream\r\n",
                    *(f"{name}: {value}\r\n" for name, value in self.who.header.items()),
                    f"Last-Event-ID: {cursor}\r\n\r\n",
                ]
            )
            writer.write(head.encode())
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
            status = int(answer.split(b" ")[1])
            if status == 503:
                raise ConnectionError("the node has no Redis yet")
            assert status == 200, answer
            self.connects += 1
            decoder, parser = ChunkedDecoder(), EventParser()
            while received := await reader.read(65536):
                for frame in parser.feed(decoder.feed(received)):
                    if frame.type == "stream_reset":
                        self.resets += 1
                    if frame.id:
                        self.frames.append(frame)
                if decoder.finished:
                    break
        finally:
            writer.close()

    @property
    def ids(self) -> list[str]:
        return [frame.id for frame in self.frames if frame.id]
