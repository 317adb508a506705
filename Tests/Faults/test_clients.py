"""Ways of clients and bridges to nodes that break: doing it again changes nothing, and what was missed comes."""

from __future__ import annotations

import asyncio

from harness.deployment import Deployment
from harness.load import Run, Shape
from harness.proxy import BLACK_HOLE, ONE_BYTE, Direction, delay, mute
from harness.scale import SEED, amount, deployments, limit
from harness.topologies import kinds

#: Seconds that a fault lasts.
LASTS = amount(1, 15)


@limit(180)
@deployments("single", "sentinel", "cluster", short=("single-valkey",))
def test_a_broken_way_to_the_nodes_loses_nothing(processes, keep, kind, version):
    topology = kinds()[kind](processes, version)
    deployment = Deployment(processes, topology, 2, node_proxies=True)
    run = Run(deployment, Shape(sessions=3, readers=4, writes=amount(40, 100), prompts=6, racers=2, seed=SEED))
    proxies = deployment.node_proxies

    async def harm(_: Run) -> None:
        for at, proxy in enumerate(proxies):
            for fault in (ONE_BYTE, delay(0.05), BLACK_HOLE, mute(Direction.UP), mute(Direction.DOWN)):
                proxy.put(fault)
                await asyncio.sleep(LASTS)
                proxy.clear()
            for _ in range(round(LASTS * 3)):
                for way in Direction:
                    await asyncio.to_thread(proxy.cut, way)
                    await asyncio.sleep(0.1)
                    await asyncio.to_thread(proxy.half_close, way)
                    await asyncio.sleep(0.1)
            await asyncio.to_thread(proxies[1 - at].reset)

    run.play(harm)
    keep("clients' and bridges' connections broken", run, connects=sum(r.connects for r in run.readers))
    assert sum(reader.connects for reader in run.readers) > len(run.readers), "it was felt"
    topology.remove()
