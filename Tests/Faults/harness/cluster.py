"""A cluster: primaries that share the slots, each with a replica."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

import redis

from support.processes import Processes
from support.redis_server import RedisServer, free_port
from support.waiting import Deadline, eventually

from .servers import Topology, role, text_of
from .versions import Version


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
        for line in text_of(server, "CLUSTER", "NODES").splitlines():
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
        return [s for s in self.running() if role(s) == "master" and self.map(s)[self.id(s)]["slots"]]

    def owner(self, key: str) -> RedisServer:
        slot = self.running()[0].client.execute_command("CLUSTER", "KEYSLOT", key)
        return eventually(lambda: self.owner_of(slot), f"an owner of slot {slot}")

    def owner_of(self, slot: int) -> RedisServer | None:
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
        eventually(lambda: role(replica) == "master", "the replica to take over", 40)
        self.settle()
        return replica

    def move(self, slot: int, target: RedisServer, half: float = 0.0) -> None:
        """Moves a slot, and leaves it half moved for as many seconds."""
        source = self.owner_of(slot)
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
                infos = [text_of(s, "CLUSTER", "INFO") for s in self.running()]
                shapes = {
                    frozenset((i, n["of"], str(n["slots"])) for i, n in self.map(s).items() if "fail" not in n["flags"])
                    for s in self.running()
                }
                linked = [
                    s.client.info("replication").get("master_link_status") == "up"
                    for s in self.running()
                    if role(s) == "slave"
                ]
            except (redis.RedisError, KeyError):
                return False
            covered = all("cluster_state:ok" in info and "cluster_slots_ok:16384" in info for info in infos)
            return covered and len(shapes) == 1 and all(linked)

        eventually(settled, "the cluster to agree", 60)
