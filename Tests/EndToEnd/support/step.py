"""A relay between a bridge and a node at which a test can stop the bridge at a step of its work."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from urllib.parse import urlsplit


class Step:
    """Passes everything on, until the bridge says `said`: that is held back, or its answer, and `reached` is called."""

    def __init__(self, base: str) -> None:
        address = urlsplit(base)
        self._target = (address.hostname, address.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        #: What the bridge says at the step, whether the node still hears it, and what happens then.
        self.said: bytes | None = None
        self.passes = False
        self.reached: Callable[[], None] = lambda: None
        threading.Thread(target=self._accept, daemon=True, name="step").start()

    def stop_at(self, said: str, passes: bool, reached: Callable[[], None]) -> None:
        self.said, self.passes, self.reached = said.encode(), passes, reached

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            node = socket.create_connection(self._target)
            stopped = threading.Event()
            threading.Thread(target=self._up, args=(client, node, stopped), daemon=True).start()
            threading.Thread(target=self._down, args=(node, client, stopped), daemon=True).start()

    def _up(self, client: socket.socket, node: socket.socket, stopped: threading.Event) -> None:
        try:
            while received := client.recv(65536):
                if self.said and self.said in received:
                    stopped.set()
                    if not self.passes:
                        self.reached()
                        return
                node.sendall(received)
        except OSError:
            pass
        finally:
            # A step whose answer is held back still needs the connection to the node.
            if not (stopped.is_set() and self.passes):
                node.close()

    def _down(self, node: socket.socket, client: socket.socket, stopped: threading.Event) -> None:
        try:
            while received := node.recv(65536):
                if stopped.is_set():
                    self.reached()
                    return
                client.sendall(received)
        except OSError:
            pass
        finally:
            client.close()
