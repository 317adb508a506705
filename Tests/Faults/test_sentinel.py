"""Failovers of a primary that Sentinels watch: what replicas had is kept, writes come back, and nobody is left mute."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import pytest

from harness.checker import Window
from harness.clients import now
from harness.deployment import Deployment
from harness.load import Run, Shape
from harness.scale import LONG, SEED, amount, count, deployments, limit
from harness.topologies import Sentinel

#: Seconds that replicas may be behind when `durability` is local, by which an acknowledged write may be lost.
LAG = 2.0


async def killed(topology: Sentinel) -> None:
    """The primary is killed with SIGKILL, and comes back as a replica."""
    before = topology.primaries()[0]
    before.process.kill()
    await asyncio.to_thread(topology.elected, before)
    await asyncio.to_thread(topology.start_again, before)


async def stopped(topology: Sentinel) -> None:
    """The primary hangs for 10 s, and believes afterwards that it is one still."""
    before = topology.primaries()[0]
    before.process.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(10)
        await asyncio.to_thread(topology.elected, before)
    finally:
        before.process.signal(signal.SIGCONT)


async def handed_over(topology: Sentinel) -> None:
    """`SENTINEL FAILOVER`."""
    await asyncio.to_thread(topology.fail_over)


async def cut_off(topology: Sentinel) -> None:
    """The primary is cut off from the sentinels only: two servers take writes until it is found again."""
    before = topology.primaries()[0]
    topology.admit_sentinels(before, False)
    try:
        await asyncio.to_thread(topology.elected, before)
        await asyncio.sleep(2)
    finally:
        topology.admit_sentinels(before, True)


FAULTS: list[Callable[[Sentinel], Awaitable[None]]] = [killed, stopped, handed_over, cut_off]


#: The short form has the first one.
CHOSEN = FAULTS if LONG else FAULTS[:1]


@limit(900)
@pytest.mark.parametrize("durability", ["replicated", "local"] if LONG else ["replicated"])
@pytest.mark.parametrize("fault", CHOSEN)
@deployments("sentinel", short=("sentinel-system",))
def test_a_failover_keeps_what_was_promised(processes, keep, kind, version, fault, durability):
    topology = Sentinel(processes, version)
    # A majority of the two replicas is both: one of them can be promoted while the other still confirms.
    settings = {"TANDEM_DURABILITY": durability}
    deployment = Deployment(processes, topology, 2, settings=settings)
    run = Run(deployment, Shape(sessions=3, readers=3, writes=amount(30, 100), prompts=3, racers=2, seed=SEED))
    windows: list[Window] = []

    async def harm(_: Run) -> None:
        await asyncio.sleep(1)
        for _ in range(count(1, 10)):
            began = now()
            await fault(topology)
            if durability == "local":
                # What the old primary acknowledged until somebody else was elected.
                windows.append(Window(began - LAG, now()))
            await asyncio.to_thread(topology.settle)

    run.play(harm, forgiven=lambda: windows, resets=True)
    keep(f"Sentinel: primary {fault.__name__}, {durability}".replace("_", " "), run)
    topology.remove()
