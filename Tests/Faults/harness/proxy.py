"""A TCP proxy that breaks what passes through it: between nodes and Redis, clients and nodes, bridges and nodes.

It runs on a thread of its own. Faults are switched at run time, for all connections or for those that a test picks, and
are in force for open and for new ones. Nothing is ever invented or left out of the middle of a direction, because TCP
does not do that either: what is held back comes later, or the connection ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

#: Bytes taken at once.
CHUNK = 65536


class Direction(Enum):
    """Which way bytes go: `UP` from who connected to the server, `DOWN` back."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class Fault:
    """What happens to bytes for as long as it is in force."""

    #: Seconds that every chunk is held back.
    delay: float = 0.0
    #: Nothing passes, not even an end; new connections are taken and then silent.
    holds: bool = False
    #: One byte at a time.
    trickles: bool = False
    #: Only this direction; both without.
    direction: Direction | None = None

    def concerns(self, direction: Direction) -> bool:
        return self.direction in (None, direction)


def delay(seconds: float, direction: Direction | None = None) -> Fault:
    return Fault(delay=seconds, direction=direction)


BLACK_HOLE = Fault(holds=True)
ONE_BYTE = Fault(trickles=True)


def mute(direction: Direction) -> Fault:
    """A black hole in one direction: one side is heard and hears nothing."""
    return Fault(holds=True, direction=direction)


@dataclass(eq=False)
class Connection:
    """One connection through the proxy."""

    number: int
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    #: What it is used for, as far as the bytes tell: see `Proxy.classify`.
    labels: set[str] = field(default_factory=set)
    #: Bytes that passed.
    passed: dict[Direction, int] = field(default_factory=lambda: dict.fromkeys(Direction, 0))
    #: The direction in which the next chunk is to be cut in its middle.
    cutting: Direction | None = None


Which = Callable[[Connection], bool]


def every(_: Connection) -> bool:
    return True


def labelled(label: str) -> Which:
    return lambda connection: label in connection.labels


def redis_labels(chunk: bytes) -> str | None:
    """`pubsub` for a connection that subscribes."""
    return "pubsub" if b"SUBSCRIBE" in chunk.upper() else None


class Proxy:
    """Listens on a free port of the loopback interface and passes on to a server, which may be there later."""

    def __init__(self, target: tuple[str, int], classify: Callable[[bytes], str | None] = redis_labels) -> None:
        self.target = target
        self.classify = classify
        self.port = 0
        #: How many connections were ever taken.
        self.taken = 0
        self.refuses = False
        self.connections: list[Connection] = []
        self._rules: list[tuple[Which, Fault]] = []
        self._changed = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxy", daemon=True)
        self._thread.start()
        self._call(self._listen())

    # What a test says

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def put(self, fault: Fault, which: Which = every) -> None:
        """In force from now on, beside what is already."""
        self._call(self._set([*self._rules, (which, fault)]))

    def clear(self) -> None:
        """Everything passes again, what was held back first, and connections are taken."""
        self.refuses = False
        self._call(self._set([]))

    def refuse(self) -> None:
        """New connections are reset at once."""
        self.refuses = True

    def reset(self, which: Which = every) -> int:
        """Resets connections on both sides; how many there were."""
        return self._call(self._reset(which))

    def half_close(self, direction: Direction, which: Which = every) -> int:
        """Ends one direction properly while the other goes on; how many there were."""
        return self._call(self._half_close(direction, which))

    def cut(self, direction: Direction, which: Which = every) -> int:
        """The next chunk of that direction is passed on up to its middle, and then the connection is reset."""
        return self._call(self._cut(direction, which))

    def open(self, which: Which = every) -> list[Connection]:
        """The connections that are open now."""
        return [connection for connection in list(self.connections) if which(connection)]

    def stop(self) -> None:
        """Ends all connections and the thread."""
        if self._loop.is_closed():
            return
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    # On the proxy's own thread

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _set(self, rules: list[tuple[Which, Fault]]) -> None:
        self._rules = rules
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _reset(self, which: Which) -> int:
        found = self.open(which)
        for connection in found:
            self._abort(connection)
        return len(found)

    async def _half_close(self, direction: Direction, which: Which) -> int:
        found = self.open(which)
        for connection in found:
            writer = connection.server if direction == Direction.UP else connection.client
            with contextlib.suppress(OSError, RuntimeError):
                if writer and writer.can_write_eof():
                    writer.write_eof()
        return len(found)

    async def _cut(self, direction: Direction, which: Which) -> int:
        found = self.open(which)
        for connection in found:
            connection.cutting = direction
        return len(found)

    async def _end(self) -> None:
        self._server.close()
        for connection in list(self.connections):
            self._abort(connection)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _abort(self, connection: Connection) -> None:
        for writer in (connection.client, connection.server):
            if writer is None:
                continue
            made: socket.socket | None = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                if made is not None:
                    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        self._tell()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self.taken += 1
        connection = Connection(self.taken, writer)
        self.connections.append(connection)
        try:
            if self.refuses:
                raise ConnectionRefusedError
            await self._pass_through(connection, reader)
            for ended in (connection.client, connection.server):
                if ended is not None:
                    ended.close()
        except (OSError, asyncio.CancelledError):
            self._abort(connection)
        finally:
            self.connections.remove(connection)
            self._tasks.discard(task)

    async def _pass_through(self, connection: Connection, reader: asyncio.StreamReader) -> None:
        if not await self._let(connection, Direction.UP, None):
            raise ConnectionResetError
        from_server, connection.server = await asyncio.open_connection(*self.target)
        for writer in (connection.client, connection.server):
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.gather(
            self._pump(connection, Direction.UP, reader, connection.server),
            self._pump(connection, Direction.DOWN, from_server, connection.client),
        )

    async def _pump(
        self, connection: Connection, direction: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            chunk = await reader.read(CHUNK)
            if direction == Direction.UP and (label := self.classify(chunk)):
                connection.labels.add(label)
            if not await self._let(connection, direction, chunk):
                raise ConnectionResetError
            if not chunk:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            if connection.cutting == direction:
                writer.write(chunk[: max(1, len(chunk) // 2)])
                await writer.drain()
                raise ConnectionAbortedError("cut")
            if any(fault.trickles for fault in self._faults(connection, direction)):
                for at in range(len(chunk)):
                    writer.write(chunk[at : at + 1])
                    await writer.drain()
                    await asyncio.sleep(0)
            else:
                writer.write(chunk)
                await writer.drain()
            connection.passed[direction] += len(chunk)

    def _faults(self, connection: Connection, direction: Direction) -> list[Fault]:
        return [fault for which, fault in self._rules if fault.concerns(direction) and which(connection)]

    async def _let(self, connection: Connection, direction: Direction, chunk: bytes | None) -> bool:
        """Waits until these bytes may pass; false when the connection is gone by then."""
        wait = sum(fault.delay for fault in self._faults(connection, direction))
        if wait and chunk is not None:
            await asyncio.sleep(wait)
        while any(fault.holds for fault in self._faults(connection, direction)):
            if connection.client.transport.is_closing():
                return False
            changed = self._changed
            await changed.wait()
        return not connection.client.transport.is_closing()


class Ways:
    """All ways of one node to the servers of a topology: what is done is done to each of them."""

    def __init__(self, ports: list[int]) -> None:
        #: By the port of the server that a proxy leads to.
        self.proxies = {port: Proxy(("127.0.0.1", port)) for port in ports}

    def put(self, fault: Fault, which: Which = every) -> None:
        for proxy in self.proxies.values():
            proxy.put(fault, which)

    def clear(self) -> None:
        for proxy in self.proxies.values():
            proxy.clear()

    def refuse(self) -> None:
        for proxy in self.proxies.values():
            proxy.refuse()

    def reset(self, which: Which = every) -> int:
        return sum(proxy.reset(which) for proxy in self.proxies.values())

    def half_close(self, direction: Direction, which: Which = every) -> int:
        return sum(proxy.half_close(direction, which) for proxy in self.proxies.values())

    def cut(self, direction: Direction, which: Which = every) -> int:
        return sum(proxy.cut(direction, which) for proxy in self.proxies.values())

    def open(self, which: Which = every) -> list[Connection]:
        return [connection for proxy in self.proxies.values() for connection in proxy.open(which)]

    def stop(self) -> None:
        for proxy in self.proxies.values():
            proxy.stop()
