"""The one server is killed, its file torn, its disk full: what was acknowledged stays, nothing else comes back."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import signal

from harness.deployment import SETTINGS, Deployment
from harness.load import Run, Shape, comments
from harness.results import Result
from harness.scale import SEED, amount, count, deployments, limit
from harness.topologies import Embedded, Single
from harness.versions import SYSTEM
from support.nodes import Node
from support.processes import redis_of
from support.scenario import share
from support.waiting import eventually, eventually_async

#: Everybody ignores the signal that says that a file grew too large, so that a write answers with an error instead.
FULL_DISK_IS_AN_ERROR = ["/bin/sh", "-c", 'trap "" XFSZ; exec "$@"', "sh"]


@limit(300)
@deployments("single", short=("single-valkey",))
def test_a_killed_server_that_syncs_loses_nothing(processes, keep, kind, version):
    topology = Single(processes, version, synced=True)
    deployment = Deployment(processes, topology, 2)
    kills = count(2, 50)

    async def kill(_: Run) -> None:
        for _ in range(kills):
            await asyncio.sleep(1)
            topology.only.process.kill()
            await asyncio.to_thread(topology.start_again, topology.only)

    run = Run(deployment, Shape(sessions=3, readers=4, writes=amount(60, 200), prompts=3, racers=2, seed=SEED))
    run.play(kill)
    keep("redis-server killed -9", run, kills=kills)
    topology.remove()


async def private_server(deployment: Deployment, other_than: int | None = None) -> int:
    """The pid of the private server, below whichever node runs it."""

    def found() -> int | None:
        pids = [pid for node in deployment.nodes if (pid := redis_of(node.process)) not in (None, other_than)]
        return pids[0] if pids else None

    pid = await eventually_async(found, "a private redis-server", 40)
    assert pid
    return pid


@limit(300)
def test_a_killed_private_server_loses_nothing(processes, keep, tmp_path):
    topology = Embedded(processes, SYSTEM, tmp_path / "data")
    deployment = Deployment(processes, topology, 2)
    kills = count(2, 50)

    async def kill(_: Run) -> None:
        pid = None
        for _ in range(kills):
            await asyncio.sleep(1)
            pid = await private_server(deployment, pid)
            os.kill(pid, signal.SIGKILL)
        await private_server(deployment, pid)

    run = Run(deployment, Shape(sessions=3, readers=4, writes=amount(60, 200), prompts=3, racers=2, seed=SEED))
    run.play(kill)
    keep("redis-server killed -9", run, kills=kills)


@limit(60)
def test_a_full_disk_loses_nothing_and_recovers_by_itself(processes, keep, tmp_path):
    topology = Embedded(processes, SYSTEM, tmp_path / "data")
    deployment = Deployment(processes, topology, 1, wrapper=FULL_DISK_IS_AN_ERROR)
    node = deployment.nodes[0]

    def limit(bytes: int) -> None:
        for pid in (node.process.pid, redis_of(node.process)):
            if pid:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (bytes, resource.RLIM_INFINITY))

    def size() -> int:
        return max(path.stat().st_size for path in (tmp_path / "data" / "redis" / "appendonlydir").iterdir())

    async def fill(run: Run) -> None:
        for _ in range(count(1, 10)):
            await asyncio.sleep(1)
            before = len(run.history.calls)
            limit(size() + 20_000)
            await eventually_async(
                lambda: any(call.status == 503 for call in run.history.calls[before:]), "writes to be refused", 40
            )
            await asyncio.sleep(amount(1.5, 5))
            limit(resource.RLIM_INFINITY)

            def lifted() -> bool:
                limit(resource.RLIM_INFINITY)
                return node.api.get("/health/ready", server_error=True).status == 200

            await asyncio.to_thread(eventually, lifted, "the node to be ready", 60)

    run = Run(deployment, Shape(sessions=2, readers=3, writes=60, prompts=2, racers=2, seed=SEED))
    run.play(fill)
    keep("disk full", run)


def torn(content: bytes, chance: random.Random) -> bytes:
    """The beginning of one more transaction like the last one, with a text that nobody wrote."""
    last = content[content.rindex(b"*1\r\n$5\r\nMULTI\r\n") :]
    assert b"acknowledged" in last, last
    forged = last.replace(b"acknowledged", b"resurrection")
    return forged[: chance.randrange(1, len(forged))]


@limit(900)
def test_torn_tails_are_cut_off_and_never_come_back(processes, request, tmp_path):
    chance = random.Random(SEED)
    directory = tmp_path / "data"
    tails = count(3, 100)

    def start() -> Node:
        return Node(processes, None, SETTINGS | {"TANDEM_DATA_DIRECTORY": str(directory)}).wait_ready()

    node = start()
    shared = share(node.api)
    written: list[tuple[str, str]] = []
    for tail in range(tails):
        for number in range(3):
            sent = node.api.post(
                f"{shared.path}/messages", {"text": f"acknowledged {tail} {number}"}, shared.host
            ).expect(200)
            written.append((sent["message"]["id"], sent["message"]["text"]))
        pid = redis_of(node.process)
        assert pid
        node.process.kill()
        os.kill(pid, signal.SIGKILL)
        eventually(lambda pid=pid: not os.path.exists(f"/proc/{pid}"), "the private redis-server to be gone")
        [file] = (directory / "redis" / "appendonlydir").glob("*.incr.aof")
        with file.open("ab") as appended:
            appended.write(torn(file.read_bytes(), chance))
        node = start()
        assert comments(node.api, shared.path) == written
    # The start after the next one is when a torn transaction has come back to life.
    node.process.terminate()
    node = start()
    assert comments(node.api, shared.path) == written
    row = Result("torn AOF tails", "embedded", SYSTEM.told, acknowledged=len(written), more={"tails": tails})
    request.node.user_properties.append(("result", row.__dict__))
