"""Servers that belong together, and the simple kinds: one server, and the private one of a node."""

from __future__ import annotations

from pathlib import Path

import redis

from support.kept_events import whole_events
from support.processes import Processes
from support.redis_server import RedisServer, free_port

from .versions import Version

#: What makes every acknowledged write of a single server outlive its death.
ALWAYS_SYNCED = ("--appendonly", "yes", "--appendfsync", "always")


class Topology:
    """Servers that belong together."""

    name = ""
    #: User and password for looking inside.
    login: tuple[str, str] | None = None

    def __init__(self, processes: Processes, version: Version) -> None:
        self.processes = processes
        self.version = version
        self.servers: list[RedisServer] = []

    @property
    def url(self) -> str | None:
        """What nodes are given; none for a private server."""
        raise NotImplementedError

    def primaries(self) -> list[RedisServer]:
        """The servers that take writes, as they themselves say."""
        raise NotImplementedError

    def stored(self, session: str) -> list[dict[str, str]]:
        """A session's events, oldest first; each with its id as `entry` and the whole event as `data`."""
        return whole_events(self.owner(f"tandem:{{{session}}}:events").client, session)

    def owner(self, key: str) -> RedisServer:
        """The primary that holds a key."""
        return self.primaries()[0]

    def server(self, *arguments: str) -> RedisServer:
        """A further server on a port of its own."""
        made = RedisServer(
            self.processes, *arguments, port=free_port(), executable=self.version.program, login=self.login
        )
        made.arguments = arguments  # type: ignore[attr-defined]
        self.servers.append(made)
        return made

    def start_again(self, server: RedisServer) -> RedisServer:
        """The same server, with its port and its files, after it was killed."""
        arguments = server.arguments  # type: ignore[attr-defined]
        server.client.close()
        made = RedisServer(
            self.processes,
            *arguments,
            port=server.port,
            directory=server.directory,
            executable=self.version.program,
            login=self.login,
        )
        made.arguments = arguments  # type: ignore[attr-defined]
        self.servers[self.servers.index(server)] = made
        return made

    def remove(self) -> None:
        for server in self.servers:
            server.remove()


class Single(Topology):
    """One server. With `synced` what it has acknowledged outlives it."""

    name = "one server"

    def __init__(self, processes: Processes, version: Version, *arguments: str, synced: bool = False) -> None:
        super().__init__(processes, version)
        #: User and password, with an @ behind, that nodes log in with.
        self.as_user = ""
        self.server(*(ALWAYS_SYNCED if synced else ()), *arguments)

    @property
    def only(self) -> RedisServer:
        return self.servers[0]

    @property
    def url(self) -> str:
        return f"redis://{self.as_user}127.0.0.1:{self.only.port}"

    def primaries(self) -> list[RedisServer]:
        return [self.only]


class Embedded(Topology):
    """The private redis-server of a node, in a data directory."""

    name = "embedded"

    def __init__(self, processes: Processes, version: Version, directory: Path) -> None:
        super().__init__(processes, version)
        self.directory = directory
        self.socket = directory / "run" / "redis.sock"
        self.client = redis.Redis(unix_socket_path=str(self.socket), decode_responses=True)

    @property
    def url(self) -> None:  # type: ignore[override]
        return None

    def stored(self, session: str) -> list[dict[str, str]]:
        return whole_events(self.client, session)


def text_of(server: RedisServer, *command: str) -> str:
    """The reply to a command that redis-py may or may not parse, as the server sent it."""
    reply = server.client.execute_command(*command)
    if isinstance(reply, dict):
        return "\n".join(f"{name}:{value}" for name, value in reply.items())
    return str(reply)


def role(server: RedisServer) -> str:
    """`master`, `slave`, or nothing of a server that does not answer."""
    if not server.process.is_running:
        return ""
    try:
        return str(server.client.execute_command("ROLE")[0])
    except redis.RedisError:
        return ""
