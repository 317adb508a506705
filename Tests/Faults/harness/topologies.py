"""Redis as Tandem meets it: one server, Sentinel with one primary and two replicas, Cluster with three of each."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Callable

from support.nodes import binary
from support.processes import clean_environment

from .cluster import Cluster
from .sentinel import Sentinel
from .servers import Embedded, Single, Topology

__all__ = ["Cluster", "Embedded", "Sentinel", "Single", "Topology", "accepts", "kinds"]


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
