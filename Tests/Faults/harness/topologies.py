"""Redis as Tandem meets it: one server, Sentinel with one primary and two replicas, Cluster with three of each."""

from __future__ import annotations

import contextlib
import functools
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis

from support.nodes import binary
from support.processes import Process, Processes, clean_environment
from support.redis_server import RedisServer, free_port
from support.waiting import Deadline, eventually

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
        """A session's events as they lie in Redis, oldest first; each with its id as `entry`."""
        key = f"tandem:{{{session}}}:events"
        return [fields | {"entry": entry} for entry, fields in self.owner(key).client.xrange(key)]

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
        key = f"tandem:{{{session}}}:events"
        return [fields | {"entry": entry} for entry, fields in self.client.xrange(key)]


def _text(server: RedisServer, *command: str) -> str:
    """The reply to a command that redis-py may or may not parse, as the server sent it."""
    reply = server.client.execute_command(*command)
    if isinstance(reply, dict):
        return "\n".join(f"{name}:{value}" for name, value in reply.items())
    return str(reply)


def _role(server: RedisServer) -> str:
    """`master`, `slave`, or nothing of a server that does not answer."""
    if not server.process.is_running:
        return ""
    try:
        return str(server.client.execute_command("ROLE")[0])
    except redis.RedisError:
        return ""


class Sentinel(Topology):
    """One primary, two replicas, three sentinels."""

    name = "sentinel"
    login = ("tandem", "tandem")
    #: What the sentinels call it.
    group = "tandem"

    def __init__(self, processes: Processes, version: Version, *arguments: str) -> None:
        super().__init__(processes, version)
        # A user of the sentinels' own, so that they can be shut out, and one for everybody else.
        users = [("--user", name, "on", f">{name}", "~*", "&*", "+@all") for name in ("sentinel", "tandem")]
        everybody = ("--masteruser", "tandem", "--masterauth", "tandem", "--user", "default", "off")
        shared = ("--repl-diskless-sync-delay", "0", *users[0], *users[1], *everybody, *arguments)
        first = self.server(*shared)
        for _ in range(2):
            self.server(*shared, "--replicaof", "127.0.0.1", str(first.port))
        eventually(lambda: first.client.info("replication").get("connected_slaves") == 2, "both replicas", 40)
        eventually(lambda: all(self._linked(s) for s in self.servers[1:]), "the replicas to be in step", 40)
        self.sentinels = [self._sentinel(first.port) for _ in range(3)]
        self._look_every(300, 300)
        eventually(self._agreed, "the sentinels to know each other and the replicas", 40)
        self._look_every(10_000, 2_000)  # as they come

    def _look_every(self, info: int, publish: int) -> None:
        """How often sentinels ask servers, and tell each other, in milliseconds."""
        for _, _, client in self.sentinels:
            eventually(lambda c=client: self._pings(c), "a sentinel to answer")
            client.execute_command("SENTINEL", "DEBUG", "INFO-PERIOD", info, "PUBLISH-PERIOD", publish)

    @staticmethod
    def _pings(client: redis.Redis) -> bool:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False

    @staticmethod
    def _linked(server: RedisServer) -> bool:
        return server.client.info("replication").get("master_link_status") == "up"

    def _sentinel(self, primary: int) -> tuple[int, Process, redis.Redis]:
        port = free_port()
        directory = self.processes.directory / f"sentinel-{port}"
        directory.mkdir()
        settings = directory / "sentinel.conf"
        settings.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {directory}\n"
            f"sentinel monitor {self.group} 127.0.0.1 {primary} 2\n"
            f"sentinel down-after-milliseconds {self.group} 1000\n"
            f"sentinel failover-timeout {self.group} 4000\n"
            f"sentinel auth-user {self.group} sentinel\nsentinel auth-pass {self.group} sentinel\n"
        )
        process = self.processes.start("sentinel", [self.version.program, str(settings), "--sentinel"])
        return port, process, redis.Redis(port=port, decode_responses=True)

    def _agreed(self) -> bool:
        try:
            known = [client.execute_command("SENTINEL", "MASTER", self.group) for _, _, client in self.sentinels]
        except redis.RedisError:
            return False
        found = [k if isinstance(k, dict) else dict(zip(k[::2], k[1::2], strict=True)) for k in known]
        return all(int(k["num-slaves"]) == 2 and int(k["num-other-sentinels"]) == 2 for k in found)

    @property
    def url(self) -> str:
        sentinels = ",".join(f"127.0.0.1:{port}" for port, _, _ in self.sentinels)
        return f"redis+sentinel://tandem:tandem@{sentinels}/{self.group}"

    def told(self) -> int:
        """The port of the primary as most of the sentinels say."""
        said = []
        for _, process, client in self.sentinels:
            if process.is_running:
                with contextlib.suppress(redis.RedisError):
                    said.append(int(client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.group)[1]))
        return max(set(said), key=said.count) if said else 0

    def primaries(self) -> list[RedisServer]:
        told = self.told()
        return [s for s in self.servers if s.port == told and _role(s) == "master"]

    def elected(self, other_than: RedisServer, seconds: float = 40) -> RedisServer:
        """The new primary, once the sentinels have one and it says so itself."""
        return eventually(lambda: self.others(other_than), "a new primary", seconds)[0]

    def others(self, other_than: RedisServer) -> list[RedisServer]:
        """The primary, where it is another one."""
        return [s for s in self.primaries() if s.port != other_than.port]

    def fail_over(self) -> RedisServer:
        """`SENTINEL FAILOVER`, until there is another primary."""
        before = eventually(self.primaries, "a primary", 40)[0]
        deadline = Deadline(60)
        while not deadline.passed:
            # An earlier one may not be over, and one that was begun may be given up.
            with contextlib.suppress(redis.ResponseError):
                self.sentinels[0][2].execute_command("SENTINEL", "FAILOVER", self.group)
            Deadline(5).wait_until(lambda: bool(self.others(before)))
            if found := self.others(before):
                return found[0]
        raise AssertionError(f"no failover within 60 s\n{self.sentinels[0][1].tail()}")

    def admit_sentinels(self, server: RedisServer, admitted: bool) -> None:
        """Lets the sentinels reach a server, or not; nodes and replicas do in any case."""
        server.client.execute_command("ACL", "SETUSER", "sentinel", "on" if admitted else "off")
        if not admitted:
            server.client.execute_command("CLIENT", "KILL", "USER", "sentinel")

    def settle(self) -> None:
        """Waits until everybody who runs is a replica of one primary again."""

        def settled() -> bool:
            primaries = self.primaries()
            others = [s for s in self.servers if s not in primaries]
            return len(primaries) == 1 and all(_role(s) == "slave" and self._linked(s) for s in others)

        eventually(settled, "one primary with two replicas in step", 60)
        eventually(self._agreed, "the sentinels to know so", 60)


class Cluster(Topology):
    """Three primaries, each with a replica."""

    name = "cluster"

    def __init__(self, processes: Processes, version: Version, *arguments: str) -> None:
        super().__init__(processes, version)
        self.arguments = arguments
        for _ in range(6):
            self._join()
        first = self.servers[0]
        size = 16384 // 3
        for at, server in enumerate(self.servers[:3]):
            last = 16383 if at == 2 else (at + 1) * size - 1
            server.client.execute_command("CLUSTER", "ADDSLOTSRANGE", at * size, last)
        for epoch, server in enumerate(self.servers, 1):
            server.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", epoch)
        for server in self.servers[1:]:
            self._meet(server, first)
        eventually(lambda: all(len(self.map(s)) == 6 for s in self.servers), "the servers to know each other", 40)
        for at, server in enumerate(self.servers[3:]):
            self._replicate(server, self.servers[at])
        self.settle()

    def _join(self) -> RedisServer:
        return self.server(
            "--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "2000",
            "--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0", *self.arguments,
        )  # fmt: skip

    @staticmethod
    def _meet(server: RedisServer, other: RedisServer) -> None:
        bus = other.arguments[other.arguments.index("--cluster-port") + 1]  # type: ignore[attr-defined]
        server.client.execute_command("CLUSTER", "MEET", "127.0.0.1", other.port, bus)

    def _replicate(self, server: RedisServer, primary: RedisServer) -> None:
        def known() -> bool:
            try:
                return bool(server.client.execute_command("CLUSTER", "REPLICATE", self.id(primary)))
            except redis.ResponseError:
                return False

        eventually(known, "a replica to know its primary", 40)

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(f'127.0.0.1:{server.port}' for server in self.servers[:3])}"

    @staticmethod
    @functools.cache
    def id(server: RedisServer) -> str:
        return str(server.client.execute_command("CLUSTER", "MYID"))

    @staticmethod
    def map(server: RedisServer) -> dict[str, dict[str, Any]]:
        """The servers as one of them knows them, by id: flags, whose replica, slots, port."""
        found = {}
        for line in _text(server, "CLUSTER", "NODES").splitlines():
            identity, address, flags, primary, _, _, _, _, *slots = line.split()
            bounds = [slot.split("-") for slot in slots if not slot.startswith("[")]
            found[identity] = {
                "port": int(address.partition("@")[0].rpartition(":")[2]),
                "flags": set(flags.split(",")),
                "of": primary,
                "slots": [(int(bound[0]), int(bound[-1])) for bound in bounds],
            }
        return found

    def running(self) -> list[RedisServer]:
        return [s for s in self.servers if s.process.is_running]

    def primaries(self) -> list[RedisServer]:
        return [s for s in self.running() if _role(s) == "master" and self.map(s)[self.id(s)]["slots"]]

    def owner(self, key: str) -> RedisServer:
        slot = self.running()[0].client.execute_command("CLUSTER", "KEYSLOT", key)
        return eventually(lambda: self._owner(slot), f"an owner of slot {slot}")

    def _owner(self, slot: int) -> RedisServer | None:
        for server in self.primaries():
            if any(first <= slot <= last for first, last in self.map(server)[self.id(server)]["slots"]):
                return server
        return None

    def replicas(self, primary: RedisServer) -> list[RedisServer]:
        about = self.map(primary)
        return [
            s for s in self.running() if s is not primary and about.get(self.id(s), {}).get("of") == self.id(primary)
        ]

    def fail_over(self, primary: RedisServer) -> RedisServer:
        """`CLUSTER FAILOVER` of a primary to its replica, until all know."""
        replica = eventually(lambda: self.replicas(primary), "a replica")[0]
        replica.client.execute_command("CLUSTER", "FAILOVER")
        eventually(lambda: _role(replica) == "master", "the replica to take over", 40)
        self.settle()
        return replica

    def move(self, slot: int, target: RedisServer, half: float = 0.0) -> None:
        """Moves a slot, and leaves it half moved for as many seconds."""
        source = self._owner(slot)
        assert source is not None and source is not target, (slot, source)
        target.client.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", self.id(source))
        source.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", self.id(target))
        keys = source.client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100_000)
        self._migrate(source, target, keys[: len(keys) // 2])
        Deadline(half).wait_until(lambda: False)
        deadline = Deadline(60)
        while keys := source.client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1000):
            assert not deadline.passed, f"slot {slot} still has {keys}"
            self._migrate(source, target, keys)
        others = [server for server in self.primaries() if server not in (target, source)]
        target.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", self.id(target))
        for server in (source, *others):
            # Who has given its last slot away is a replica by now, and knows.
            with contextlib.suppress(redis.ResponseError):
                server.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", self.id(target))

    @staticmethod
    def _migrate(source: RedisServer, target: RedisServer, keys: list[str]) -> None:
        if keys:
            source.client.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)

    def add(self) -> RedisServer:
        """A further primary, without slots yet."""
        made = self._join()
        self._meet(made, self.primaries()[0])
        count = len(self.running())
        eventually(lambda: all(len(self.map(s)) >= count for s in self.running()), "all to know the new one", 40)
        self.settle()
        return made

    def settle(self) -> None:
        """Waits until all who run agree that every slot is served."""

        def settled() -> bool:
            try:
                infos = [_text(s, "CLUSTER", "INFO") for s in self.running()]
                shapes = {
                    frozenset((i, n["of"], str(n["slots"])) for i, n in self.map(s).items() if "fail" not in n["flags"])
                    for s in self.running()
                }
                linked = [
                    s.client.info("replication").get("master_link_status") == "up"
                    for s in self.running()
                    if _role(s) == "slave"
                ]
            except (redis.RedisError, KeyError):
                return False
            covered = all("cluster_state:ok" in info and "cluster_slots_ok:16384" in info for info in infos)
            return covered and len(shapes) == 1 and all(linked)

        eventually(settled, "the cluster to agree", 60)


@functools.cache
def accepts(scheme: str) -> bool:
    """Whether nodes take a URL of that scheme."""
    url = {"sentinel": "redis+sentinel://127.0.0.1:1/tandem", "cluster": "redis+cluster://127.0.0.1:1"}[scheme]
    said = subprocess.run(
        [binary(), "check-config", "--redis", url], capture_output=True, timeout=60, env=clean_environment()
    )
    return said.returncode == 0


def kinds() -> dict[str, Callable[..., Topology]]:
    """The topologies that nodes can be given."""
    found: dict[str, Callable[..., Topology]] = {"single": Single}
    if accepts("sentinel"):
        found["sentinel"] = Sentinel
    if accepts("cluster"):
        found["cluster"] = Cluster
    return found
