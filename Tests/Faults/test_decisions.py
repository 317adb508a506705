"""Approvals that several decide on at once, and bridges that are killed at every step, while nodes die."""

from __future__ import annotations

import asyncio

from harness.clients import STEPS
from harness.deployment import Deployment
from harness.load import Run, Shape
from harness.scale import LONG, SEED, count, deployments, limit
from harness.topologies import Cluster, Sentinel, Topology, kinds


async def kill_until(run: Run, deployment: Deployment, topology: Topology, enough: asyncio.Event) -> None:
    """One node after the other is killed; the primary of a topology that has others, too."""
    at = 0
    while not enough.is_set():
        await asyncio.sleep(2)
        if run.all_decided():
            return
        await asyncio.to_thread(deployment.replace, at % len(deployment.nodes))
        at += 1
        if at % 5 == 0 and isinstance(topology, Sentinel):
            await asyncio.to_thread(topology.fail_over)
        if at % 5 == 0 and isinstance(topology, Cluster):
            await asyncio.to_thread(lambda: topology.fail_over(topology.primaries()[0]))
        run.counted["nodes killed"] = at


@limit(1500)
@deployments("single", "sentinel", "cluster", short=("single-valkey", "cluster-redis8"))
def test_every_approval_has_one_winner(processes, keep, kind, version):
    topology = kinds()[kind](processes, version)
    deployment = Deployment(processes, topology)
    sessions = count(8, 20)
    approvals = count(200, 10_000)
    shape = Shape(
        sessions=sessions, readers=2, writes=0, writers=0, prompts=approvals // sessions, racers=4, at_once=8, seed=SEED
    )

    async def harm(run: Run) -> None:
        await kill_until(run, deployment, topology, asyncio.Event())
        await asyncio.to_thread(deployment.wait_ready)

    run = Run(deployment, shape)
    run.play(harm, resets=kind != "single")
    decided = {call.text for call in run.history.calls if call.action == "resolve"}
    keep("approvals x 4 racers, nodes dying", run, approvals=len(decided))
    assert len(decided) == approvals // sessions * sessions
    assert 0 < run.verdict.runs < len(decided), "some were approved, and some rejected"
    topology.remove()


@limit(1500)
@deployments("single", "sentinel", "cluster", short=("single-redis8",))
def test_killed_bridges_run_nothing_twice_and_lose_nothing_silently(processes, keep, kind, version):
    topology = kinds()[kind](processes, version)
    deployment = Deployment(processes, topology)
    sessions = count(6, 20)
    prompts = count(72, 2_000)
    shape = Shape(
        sessions=sessions, readers=1, writes=0, writers=0, prompts=prompts // sessions, racers=1, deaths=0.5, seed=SEED,
        approves=lambda _: True,
    )  # fmt: skip

    async def harm(run: Run) -> None:
        await kill_until(run, deployment, topology, asyncio.Event())
        await asyncio.to_thread(deployment.wait_ready)

    run = Run(deployment, shape)
    run.play(harm, resets=kind != "single")
    deaths = {step: sum(bridge.deaths.get(step, 0) for bridge in run.bridges) for step in STEPS}
    cut = sum(run_.reported is None for run_ in run.history.runs)
    keep("bridge killed at each step", run, deaths=sum(deaths.values()), ambiguous=cut)
    assert all(deaths.values()), f"every step was met: {deaths}"
    assert cut and (LONG or run.verdict.runs > prompts // 2)
    topology.remove()
