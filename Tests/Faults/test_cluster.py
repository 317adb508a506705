"""A cluster that changes under load: slots move, primaries go, servers come and leave, and sessions notice a retry."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from harness.deployment import Deployment
from harness.load import Run, Shape
from harness.scale import LONG, SEED, amount, count, deployments, limit
from harness.topologies import Cluster
from support.waiting import eventually

#: Seconds that a slot stays half moved.
HALF = 0.2


async def move_slots(topology: Cluster, run: Run) -> None:
    """The slots of every session move to the next primary, and stay half moved for 200 ms each."""

    def move(session: str) -> None:
        key = f"tandem:{{{session}}}:events"
        source = topology.owner(key)
        slot = source.client.execute_command("CLUSTER", "KEYSLOT", key)
        primaries = topology.primaries()
        topology.move(slot, primaries[(primaries.index(source) + 1) % len(primaries)], HALF)

    for _ in range(count(2, 5)):
        for room in run.rooms:
            await asyncio.to_thread(move, room.id)
    await asyncio.to_thread(topology.settle)


async def kill_a_primary(topology: Cluster, run: Run) -> None:
    """The primary of a session is killed, its replica takes over, and it comes back as one."""

    def kill() -> None:
        key = f"tandem:{{{run.rooms[0].id}}}:events"
        lost = topology.owner(key)
        lost.process.kill()
        eventually(lambda: topology.owner(key) is not lost, "the replica to take over", 40)
        topology.start_again(lost)
        topology.settle()

    await asyncio.to_thread(kill)


async def hand_over(topology: Cluster, run: Run) -> None:
    """`CLUSTER FAILOVER` of each primary."""
    for _ in range(count(1, 3)):
        for primary in await asyncio.to_thread(topology.primaries):
            await asyncio.to_thread(topology.fail_over, primary)


async def add_and_remove(topology: Cluster, run: Run) -> None:
    """A primary joins and gets the slots of all sessions; then they go back, and it leaves."""

    def slots() -> list[int]:
        keys = [f"tandem:{{{room.id}}}:events" for room in run.rooms]
        return [topology.running()[0].client.execute_command("CLUSTER", "KEYSLOT", key) for key in keys]

    def change() -> None:
        others = topology.primaries()
        added = topology.add()
        for slot in sorted(set(slots())):
            topology.move(slot, added, HALF)
        topology.settle()
        for slot in sorted(set(slots())):
            topology.move(slot, others[slot % len(others)], HALF)
        gone = topology.id(added)
        for server in topology.running():
            if server is not added:
                server.client.execute_command("CLUSTER", "FORGET", gone)
        added.process.kill()
        topology.settle()

    await asyncio.to_thread(change)


FAULTS: list[tuple[Callable[[Cluster, Run], Awaitable[None]], bool]] = [
    (move_slots, False), (kill_a_primary, True), (hand_over, False), (add_and_remove, False),
]  # fmt: skip


#: The short form has the first two.
CHOSEN = FAULTS if LONG else FAULTS[:2]


@limit(900)
@pytest.mark.parametrize(("fault", "loses"), CHOSEN, ids=[fault.__name__ for fault, _ in CHOSEN])
@deployments("cluster", short=("cluster-system",))
def test_a_changing_cluster_keeps_what_was_promised(processes, keep, kind, version, fault, loses):
    topology = Cluster(processes, version)
    # A primary that dies without a word may take what its replica does not have, unless writes wait for that.
    settings = {"TANDEM_DURABILITY": "replicated"} if loses else {}
    deployment = Deployment(processes, topology, 2, settings=settings)
    run = Run(deployment, Shape(sessions=6, readers=2, writes=amount(30, 100), prompts=2, racers=2, seed=SEED))

    async def harm(run: Run) -> None:
        await asyncio.sleep(1)
        for _ in range(count(1, 3)):
            await fault(topology, run)

    run.play(harm, resets=loses)
    keep(f"Cluster: {fault.__name__}".replace("_", " "), run)
    topology.remove()
