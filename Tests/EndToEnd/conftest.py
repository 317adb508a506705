"""Fixtures: private Redis, nodes, and the client that every scenario runs through twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from support.client import API
from support.fixtures import processes, pytest_runtest_makereport, scope
from support.nodes import Node, start_nodes
from support.processes import Processes
from support.racers import rounds
from support.redis_server import RedisServer

__all__ = ["processes", "pytest_runtest_makereport", "rounds"]


@dataclass
class Cluster:
    """Nodes that share one Redis."""

    redis: RedisServer
    nodes: list[Node]

    @property
    def bases(self) -> list[str]:
        return [node.base for node in self.nodes]

    @property
    def api(self) -> API:
        """Each request to the next node."""
        return API(self.bases)


@pytest.fixture(scope="session")
def session_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    yield from scope(tmp_path_factory, "session")


@pytest.fixture(scope="module")
def module_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    yield from scope(tmp_path_factory, "module")


@pytest.fixture(scope="session")
def cluster(session_processes: Processes) -> Iterator[Cluster]:
    """Two nodes with the default settings, for everything that needs no others."""
    redis = RedisServer(session_processes)
    yield Cluster(redis, start_nodes(session_processes, 2, redis.url))
    redis.remove()


@pytest.fixture(params=["one node", "each request to the other node"])
def api(request: pytest.FixtureRequest, cluster: Cluster) -> API:
    """The client of most tests: a scenario that works on one node must work over two."""
    return API(cluster.bases[:1]) if request.param == "one node" else cluster.api


@pytest.fixture(scope="module")
def module_cluster(module_processes: Processes) -> Iterator[Callable[..., Cluster]]:
    """Makes a cluster with settings of its own, kept for the tests of one file."""
    yield from _clusters(module_processes)


@pytest.fixture
def make_cluster(processes: Processes) -> Iterator[Callable[..., Cluster]]:
    """Makes a cluster with settings of its own, for one test."""
    yield from _clusters(processes)


def _clusters(processes: Processes) -> Iterator[Callable[..., Cluster]]:
    made: list[RedisServer] = []

    def make(count: int = 1, **settings: Any) -> Cluster:
        redis = RedisServer(processes)
        made.append(redis)
        return Cluster(redis, start_nodes(processes, count, redis.url, settings))

    yield make
    for redis in made:
        redis.remove()
