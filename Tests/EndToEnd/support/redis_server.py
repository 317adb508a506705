"""A private redis-server per test run: on a Unix socket, or on a TCP port of its own where a test needs one."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path

import redis

from .kept_events import whole_events
from .processes import Process, Processes
from .waiting import eventually


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RedisServer:
    """redis-server, its URL for a node and a connection for looking inside."""

    def __init__(
        self,
        processes: Processes,
        *arguments: str,
        port: int = 0,
        directory: Path | None = None,
        executable: str | None = None,
        login: tuple[str, str] | None = None,
    ) -> None:
        executable = executable or shutil.which("redis-server")
        assert executable, "redis-server is not installed"
        # A directory of its own directly in the temporary directory: a socket's path holds 107 bytes at most.
        self.directory = directory or Path(tempfile.mkdtemp(prefix="tandem-e2e-"))
        self.socket_path = self.directory / "redis.sock"
        self.port = port
        processes.afterwards.append(self.remove)
        self.process: Process = processes.start(
            "redis",
            [
                executable,
                "--port",
                str(port),
                "--bind",
                "127.0.0.1",
                "--unixsocket",
                str(self.socket_path),
                "--unixsocketperm",
                "700",
                "--dir",
                str(self.directory),
                "--save",
                "",
                "--appendonly",
                "no",
                "--maxmemory-policy",
                "noeviction",
                *arguments,
            ],
        )
        user, password = login or (None, None)
        self.client = redis.Redis(
            unix_socket_path=str(self.socket_path), username=user, password=password, decode_responses=True
        )
        eventually(self._answers, "redis-server to answer")

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.AuthenticationError:
            return True
        except redis.RedisError:
            return False

    @property
    def url(self) -> str:
        return f"unix://{self.socket_path}"

    def stored_events(self, session_id: str) -> list[dict[str, str]]:
        """The session's stream, oldest first; each entry with its id as `entry` and the whole event as `data`."""
        return whole_events(self.client, session_id)

    def remove(self) -> None:
        self.client.close()
        shutil.rmtree(self.directory, ignore_errors=True)
