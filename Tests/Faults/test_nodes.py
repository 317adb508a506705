"""Nodes are killed with SIGKILL under load: nothing is lost, doubled or out of order, on any topology and version."""

from __future__ import annotations

import asyncio

from harness.deployment import Deployment
from harness.load import Run, Shape
from harness.scale import SEED, amount, count, deployments, limit
from harness.topologies import kinds

#: Seconds between two kills.
EVERY = 2.0


@limit(300)
@deployments("single", "sentinel", "cluster", short=("single-redis8", "sentinel-valkey"))
def test_killed_nodes_lose_nothing(processes, keep, kind, version):
    topology = kinds()[kind](processes, version)
    deployment = Deployment(processes, topology)
    shape = Shape(sessions=count(4, 40), readers=5, writes=amount(60, 500), writers=2, seed=SEED)
    kills = count(3, 150)

    async def kill(run: Run) -> None:
        for at in range(kills):
            await asyncio.sleep(EVERY)
            await asyncio.to_thread(deployment.replace, at % 3)
        await asyncio.to_thread(deployment.wait_ready)

    run = Run(deployment, shape)
    run.play(kill)
    keep("node killed -9 every 2 s", run, kills=kills, connects=sum(r.connects for r in run.readers))
    assert sum(reader.connects for reader in run.readers) > len(run.readers), "the kills were felt"
    topology.remove()
