"""Nodes on a topology, each on a port of its own that it comes back to, with fault proxies where a test wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support.client import API
from support.nodes import Node
from support.processes import Processes
from support.redis_server import free_port

from .proxy import Proxy, Ways
from .topologies import Embedded, Single, Topology

#: A checker needs all of a session's events; the rest makes losses be noticed in test time.
SETTINGS: dict[str, Any] = {
    "TANDEM_EVENTS_RETAINED": 1_000_000,
    "TANDEM_EVENTS_RETAINED_BYTES": "512MiB",
    "TANDEM_STREAM_HEARTBEAT": "1s",
    "TANDEM_DISPATCH_LEASE": "4s",
    "TANDEM_REDIS_TIMEOUT": "2s",
    "TANDEM_LOG_LEVEL": "notice",
}


class Deployment:
    """`redis_proxies`: each node reaches each server by a way of its own. `node_proxies`: so do clients each node."""

    def __init__(
        self,
        processes: Processes,
        topology: Topology,
        count: int = 3,
        *,
        redis_proxies: bool = False,
        node_proxies: bool = False,
        settings: dict[str, Any] | None = None,
        environment: Callable[[int], dict[str, str]] = lambda _: {},
        wrapper: list[str] | None = None,
    ) -> None:
        self.processes = processes
        self.topology = topology
        self.settings = SETTINGS | (settings or {})
        self.environment = environment
        self.wrapper = wrapper
        self.ports = [free_port() for _ in range(count)]
        servers = [server.port for server in topology.servers]
        self.redis_proxies = [Ways(servers) for _ in self.ports] if redis_proxies else []
        self.node_proxies = [Proxy(("127.0.0.1", port)) for port in self.ports] if node_proxies else []
        processes.afterwards.append(self.stop_proxies)
        self.nodes = [self._start(at) for at in range(count)]
        self.wait_ready()

    def _start(self, at: int) -> Node:
        url = self.topology.url
        settings = self.settings | self.environment(at)
        if self.redis_proxies:
            ways = self.redis_proxies[at].proxies
            if isinstance(self.topology, Single):
                url = f"redis://{ways[self.topology.only.port].address}"
            else:  # the others tell addresses, so nodes are told where those lead
                told = [f"127.0.0.1:{port}={proxy.address}" for port, proxy in ways.items()]
                settings["TANDEM_REDIS_ADDRESSES"] = ",".join(told)
        if isinstance(self.topology, Embedded):
            settings["TANDEM_DATA_DIRECTORY"] = str(self.topology.directory)
        return Node(self.processes, url, settings, port=self.ports[at], wrapper=self.wrapper)

    def wait_ready(self) -> None:
        for node in self.nodes:
            node.wait_ready()

    @property
    def bases(self) -> list[str]:
        """Where clients go: the nodes, or the proxies in front of them."""
        ports = [proxy.port for proxy in self.node_proxies] or self.ports
        return [f"http://127.0.0.1:{port}" for port in ports]

    @property
    def api(self) -> API:
        return API([f"http://127.0.0.1:{port}" for port in self.ports])

    def replace(self, at: int) -> None:
        """Kills a node with SIGKILL and starts another in its place."""
        self.nodes[at].process.kill()
        self.nodes[at] = self._start(at)

    def log_of(self, at: int) -> str:
        return self.nodes[at].process.log_path.read_text("utf-8", "replace")

    def stop_proxies(self) -> None:
        for proxy in [*self.redis_proxies, *self.node_proxies]:
            proxy.stop()
