"""A primary and its replicas, watched by Sentinels."""

from __future__ import annotations

import contextlib

import redis

from support.processes import Process, Processes
from support.redis_server import RedisServer, free_port
from support.waiting import Deadline, eventually

from .servers import Topology, role
from .versions import Version


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
        return [s for s in self.servers if s.port == told and role(s) == "master"]

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
            return len(primaries) == 1 and all(role(s) == "slave" and self._linked(s) for s in others)

        eventually(settled, "one primary with two replicas in step", 60)
        eventually(self._agreed, "the sentinels to know so", 60)
