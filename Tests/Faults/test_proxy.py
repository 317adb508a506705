"""The fault proxy, on a server that answers every line: what each fault does, and that nothing else is touched."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from harness.proxy import BLACK_HOLE, ONE_BYTE, Direction, Proxy, delay, labelled, mute
from support.waiting import PATIENCE, eventually

#: Seconds after which silence is believed. It is only ever too short in the harmless direction.
SILENCE = 0.2


class Echo:
    """Answers each line with itself in capitals, and keeps how its connections ended."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.heard: list[bytes] = []
        self.ends: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as lines:
                for line in lines:
                    self.heard.append(line)
                    connection.sendall(line.upper())
            self.ends.append("end")
        except OSError:
            self.ends.append("reset")
        connection.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.socket.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    made = Proxy(echo.socket.getsockname())
    yield made
    made.stop()


def connect(proxy: Proxy) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", proxy.port), PATIENCE)
    client.settimeout(PATIENCE)
    return client


def ask(client: socket.socket, line: bytes = b"hello\n") -> bytes:
    client.sendall(line)
    return receive(client, len(line))


def receive(client: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        more = client.recv(count - len(received))
        if not more:
            break
        received += more
    return received


def silent(client: socket.socket) -> bool:
    client.settimeout(SILENCE)
    try:
        client.recv(1)
        return False
    except TimeoutError:
        return True
    finally:
        client.settimeout(PATIENCE)


def test_without_a_fault_everything_passes_and_ends_properly(proxy, echo):
    client = connect(proxy)
    assert ask(client) == b"HELLO\n"
    large = b"x" * 3_000_000 + b"\n"
    sender = threading.Thread(target=client.sendall, args=(large,))
    sender.start()
    assert receive(client, len(large)) == large.upper()
    sender.join()
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b"", "the server's end comes back"
    assert echo.ends == ["end"]
    eventually(lambda: not proxy.open(), "the connection to be forgotten")


@pytest.mark.parametrize("fault", [delay(0.01), ONE_BYTE, delay(0.01, Direction.DOWN)])
def test_a_slow_connection_leaves_nothing_out(proxy, fault):
    client = connect(proxy)
    proxy.put(fault)
    for n in range(5):
        line = f"line {n}\n".encode()
        assert ask(client, line) == line.upper()


def test_a_black_hole_holds_both_directions_and_gives_back_what_it_held(proxy, echo):
    client = connect(proxy)
    ask(client)
    proxy.put(BLACK_HOLE)
    client.sendall(b"into the dark\n")
    late = connect(proxy)
    late.sendall(b"new\n")
    assert silent(client) and silent(late) and echo.heard == [b"hello\n"]
    proxy.clear()
    assert receive(client, 14) == b"INTO THE DARK\n"
    assert receive(late, 4) == b"NEW\n"


def test_a_black_hole_hides_that_a_side_has_gone(proxy, echo):
    client = connect(proxy)
    ask(client)
    proxy.put(BLACK_HOLE)
    client.close()
    other = connect(proxy)
    assert silent(other) and echo.ends == []
    proxy.clear()
    eventually(lambda: echo.ends, "the end to arrive")


@pytest.mark.parametrize("direction", list(Direction))
def test_mute_in_one_direction_leaves_the_other(proxy, echo, direction):
    client = connect(proxy)
    ask(client)
    proxy.put(mute(direction))
    client.sendall(b"again\n")
    assert silent(client)
    assert (b"again\n" in echo.heard) == (direction == Direction.DOWN)
    proxy.clear()
    assert receive(client, 6) == b"AGAIN\n"


def test_a_reset_is_felt_on_both_sides(proxy, echo):
    client = connect(proxy)
    ask(client)
    assert proxy.reset() == 1
    with pytest.raises(ConnectionError):
        client.recv(1)
    eventually(lambda: echo.ends == ["reset"], "the server to feel it")
    assert ask(connect(proxy)) == b"HELLO\n", "new ones are taken"


def test_a_half_close_ends_one_direction_and_leaves_the_other(proxy, echo):
    client = connect(proxy)
    ask(client)
    assert proxy.half_close(Direction.DOWN) == 1
    assert client.recv(1) == b""
    client.sendall(b"still heard\n")
    eventually(lambda: b"still heard\n" in echo.heard, "the other direction to go on")


def test_a_cut_passes_half_of_the_next_chunk(proxy, echo):
    client = connect(proxy)
    ask(client)
    assert proxy.cut(Direction.DOWN) == 1
    client.sendall(b"0123456789abcdef\n")
    received = b""
    with pytest.raises(ConnectionError):
        while more := client.recv(100):
            received += more
    assert received == b"01234567"
    eventually(lambda: echo.ends == ["reset"], "the server to feel it")


def test_a_fault_may_concern_only_some_connections(proxy):
    subscriber, other = connect(proxy), connect(proxy)
    ask(subscriber, b"ssubscribe x\n")
    ask(other)
    assert [len(proxy.open()), len(proxy.open(labelled("pubsub")))] == [2, 1]
    proxy.put(BLACK_HOLE, labelled("pubsub"))
    subscriber.sendall(b"more\n")
    assert silent(subscriber) and ask(other) == b"HELLO\n"
    proxy.clear()
    assert receive(subscriber, 5) == b"MORE\n"
    assert proxy.reset(labelled("pubsub")) == 1
    assert ask(other) == b"HELLO\n"


def test_refused_connections_end_at_once_and_come_back(proxy):
    proxy.refuse()
    with pytest.raises(ConnectionError):
        client = connect(proxy)
        assert client.recv(1), "ended without a reset"
        raise AssertionError("it was not refused")
    proxy.clear()
    assert ask(connect(proxy)) == b"HELLO\n"


def test_a_server_that_is_not_there_is_a_reset(proxy):
    proxy.target = ("127.0.0.1", 1)
    with pytest.raises(ConnectionError):
        connect(proxy).recv(1)
