"""A whole day of work in ten minutes: joins, comments, prompts, sessions that end, while something always breaks."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable

from harness.clients import World, until_done
from harness.deployment import Deployment
from harness.history import Call
from harness.load import Run, Shape
from harness.scale import LONG, SEED, amount, count, deployments, limit
from harness.topologies import Cluster, Sentinel, Single, Topology, kinds
from support.client import Credentials
from support.scenario import Shared, register_host, share, unique

#: Seconds between two faults.
EVERY = 20.0 if LONG else 2.5
Fault = Callable[[], Awaitable[object]]


def faults(deployment: Deployment, topology: Topology, chance: random.Random) -> dict[str, Fault]:
    """What can happen to this deployment, by name."""

    async def kill_a_node() -> None:
        await asyncio.to_thread(deployment.replace, chance.randrange(len(deployment.nodes)))

    async def stop_a_node() -> None:
        process = deployment.nodes[chance.randrange(len(deployment.nodes))].process
        process.signal(signal.SIGSTOP)
        await asyncio.sleep(1.5)
        process.signal(signal.SIGCONT)

    async def on_each_server(*command: str) -> None:
        for server in topology.servers:
            if server.process.is_running:
                await asyncio.to_thread(server.client.execute_command, *command)

    async def hang_a_primary() -> None:
        server = chance.choice(await asyncio.to_thread(topology.primaries))
        server.process.signal(signal.SIGSTOP)
        await asyncio.sleep(0.7)
        server.process.signal(signal.SIGCONT)

    found: dict[str, Fault] = {
        "kill a node": kill_a_node,
        "stop a node": stop_a_node,
        "flush scripts": lambda: on_each_server("SCRIPT", "FLUSH"),
        "kill subscribers": lambda: on_each_server("CLIENT", "KILL", "TYPE", "pubsub"),
        "kill clients": lambda: on_each_server("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"),
        "hang a primary": hang_a_primary,
    }
    if isinstance(topology, Single):

        async def kill_redis() -> None:
            topology.only.process.kill()
            await asyncio.to_thread(topology.start_again, topology.only)

        found["kill redis"] = kill_redis
    if isinstance(topology, Sentinel):
        found["fail over"] = lambda: asyncio.to_thread(topology.fail_over)
    if isinstance(topology, Cluster):

        async def fail_over() -> None:
            primaries = await asyncio.to_thread(topology.primaries)
            await asyncio.to_thread(topology.fail_over, chance.choice(primaries))

        async def move_a_slot() -> None:
            slot = chance.randrange(16384)
            owner = topology.owner_of(slot)
            targets = [s for s in topology.primaries() if s is not owner]
            await asyncio.to_thread(topology.move, slot, chance.choice(targets), 0.2)

        found |= {"fail over": fail_over, "move a slot": move_a_slot}
    return found


class Visits:
    """Sessions that come and go beside the load: somebody joins, comments, leaves, and the host closes or time does."""

    def __init__(self, run: Run, chance: random.Random) -> None:
        self.run = run
        self.chance = chance
        self.ended = 0

    async def go_on(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.one()

    def _share(self) -> Shared:
        """A session; the service may be away, so this is tried until it is there."""
        while True:
            try:
                api = self.run.deployment.api
                return share(api, register_host(api), expiresInMinutes=1)
            except (AssertionError, OSError):
                continue

    async def one(self) -> None:
        shared = await asyncio.to_thread(self._share)
        self.run.others.append(shared.id)
        world: World = self.run.world
        for _ in range(self.chance.randrange(1, 4)):
            user = unique("visitor")
            body = {"inviteToken": shared.invite, "userId": user}
            key = f"{user}-{'k' * 22}"

            def join(user: str = user, key: str = key) -> Call:
                return Call(shared.id, "join", user, key, user)

            answer = await until_done(world, join, f"{shared.path}/join", body, None)
            if answer is None:
                return  # its time was over
            who = Credentials(answer["participant"]["id"], answer["participant"]["accessToken"])
            for number in range(self.chance.randrange(4)):
                text = f"{user} {number}"

                def comment(text: str = text, user: str = user, number: int = number) -> Call:
                    return Call(shared.id, "message", text, f"{user}-{number}", user)

                await until_done(world, comment, f"{shared.path}/messages", {"text": text}, who)

            def leave(user: str = user) -> Call:
                return Call(shared.id, "leave", user, f"{user}-leaves", user)

            if self.chance.random() < 0.5:
                await until_done(world, leave, f"{shared.path}/leave", {}, who)
        if self.chance.random() < 0.7:
            await asyncio.to_thread(self._close, shared)

    def _close(self, shared: Shared) -> None:
        while True:
            try:
                reply = shared.api.delete(shared.path, shared.host, server_error=True)
            except OSError:
                continue
            if reply.status in (200, 404, 409):
                self.ended += 1
                return


@limit(600)
@deployments("single", "sentinel", "cluster", short=("single-redis8", "cluster-system"))
def test_a_day_of_work_with_something_broken_all_the_time(processes, keep, kind, version):
    chance = random.Random(SEED)
    replicated = {"TANDEM_DURABILITY": "replicated", "TANDEM_REDIS_REPLICAS": 1}
    topology = Single(processes, version, synced=True) if kind == "single" else kinds()[kind](processes, version)
    deployment = Deployment(processes, topology, settings={} if kind == "single" else replicated)
    shape = Shape(sessions=4, readers=4, writes=amount(30, 80), prompts=count(6, 300), racers=2, deaths=0.3, seed=SEED)
    run = Run(deployment, shape)
    happened: list[str] = []
    possible = faults(deployment, topology, chance)

    async def harm(run: Run) -> None:
        stop = asyncio.Event()
        visits = Visits(run, chance)
        visiting = [asyncio.create_task(visits.go_on(stop)) for _ in range(2)]
        for _ in range(count(4, 30)):
            await asyncio.sleep(EVERY)
            name = chance.choice(sorted(possible))
            happened.append(name)
            await possible[name]()
        await asyncio.to_thread(deployment.wait_ready)
        stop.set()
        await asyncio.gather(*visiting)
        run.counted["sessions"] = len(run.others) + len(run.rooms)

    run.play(harm, resets=kind != "single")
    keep("a day of work", run, seed=SEED, faults=len(happened))
    topology.remove()
