"""Connections to Redis that break, fall silent or crawl, and servers that refuse: an effect of a retry at most."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import pytest

from harness.deployment import Deployment
from harness.load import Run, Shape
from harness.proxy import BLACK_HOLE, ONE_BYTE, Direction, Ways, delay, labelled, mute
from harness.scale import SEED, amount, deployments, limit
from harness.topologies import Single, kinds
from support.waiting import eventually_async

PUBSUB = labelled("pubsub")
#: Seconds that a fault lasts.
LASTS = amount(3, 60)


async def again_and_again(every: float, harm: Callable[[], object]) -> None:
    for _ in range(round(LASTS / every)):
        await asyncio.sleep(every)
        await asyncio.to_thread(harm)


async def reset_subscriptions(proxies: list[Ways]) -> None:
    """The subscriber connections are reset every 500 ms."""
    await again_and_again(0.5, lambda: [proxy.reset(PUBSUB) for proxy in proxies])


async def mute_subscriptions(proxies: list[Ways]) -> None:
    """The subscriber connections that are open now are never heard again; that must be noticed, and new ones made."""
    deaf = {proxy: set(proxy.open(PUBSUB)) for proxy in proxies}
    for proxy, its in deaf.items():
        assert its
        proxy.put(mute(Direction.DOWN), lambda connection, its=its: connection in its)
    for proxy, its in deaf.items():
        await eventually_async(lambda p=proxy, d=its: set(p.open(PUBSUB)) - d, "a new subscriber connection", 60)


async def black_hole_of_one(proxies: list[Ways]) -> None:
    """One node and Redis do not hear of each other for 15 s (long form), nor learn that the other is gone."""
    proxies[0].put(BLACK_HOLE)
    await asyncio.sleep(amount(4, 15))
    proxies[0].clear()


async def black_hole_of_subscriptions(proxies: list[Ways]) -> None:
    """All subscriber connections, new ones too, are in a black hole while commands pass."""
    for proxy in proxies:
        proxy.put(BLACK_HOLE, PUBSUB)
    await asyncio.sleep(amount(4, 15))
    for proxy in proxies:
        proxy.clear()


async def cut_frames(proxies: list[Ways]) -> None:
    """Replies and requests end in their middle, three times a second."""
    for way in Direction:
        await again_and_again(0.6, lambda way=way: [proxy.cut(way) for proxy in proxies])


async def crawl(proxies: list[Ways]) -> None:
    """One byte at a time, and late."""
    for proxy in proxies:
        proxy.put(ONE_BYTE)
        proxy.put(delay(0.02))
    await asyncio.sleep(LASTS)
    for proxy in proxies:
        proxy.clear()


async def half_close(proxies: list[Ways]) -> None:
    """One direction ends properly and the other stays open."""
    for way in Direction:
        await again_and_again(0.6, lambda way=way: [proxy.half_close(way) for proxy in proxies])


async def reset_and_refuse(proxies: list[Ways]) -> None:
    """Everything is reset, and new connections are refused for a while, at one node after the other and then at all."""

    def gone(those: list[Ways]) -> None:
        for proxy in those:
            proxy.refuse()
            proxy.reset()

    for those in ([proxies[0]], [proxies[1]], proxies):
        await asyncio.to_thread(gone, those)
        await asyncio.sleep(LASTS / 3)
        for proxy in those:
            proxy.clear()


NETWORK = [
    reset_subscriptions, mute_subscriptions, black_hole_of_one, black_hole_of_subscriptions, cut_frames, crawl,
    half_close, reset_and_refuse,
]  # fmt: skip


@limit(60)
@pytest.mark.parametrize("fault", NETWORK, ids=lambda f: f.__name__)
@deployments("single", "sentinel", "cluster", short=("single-system",))
def test_a_broken_network_loses_nothing(processes, keep, kind, version, fault):
    topology = kinds()[kind](processes, version)
    deployment = Deployment(processes, topology, 2, redis_proxies=True)
    run = Run(deployment, Shape(sessions=3, readers=4, writes=amount(40, 100), prompts=3, racers=2, seed=SEED))

    async def harm(run: Run) -> None:
        await asyncio.sleep(0.5)
        await fault(deployment.redis_proxies)

    run.play(harm)
    keep(fault.__name__.replace("_", " "), run)
    topology.remove()


async def flush_scripts(topology: Single) -> None:
    """`SCRIPT FLUSH` under load."""
    await again_and_again(0.2, lambda: topology.only.client.execute_command("SCRIPT", "FLUSH", "SYNC"))


async def kill_clients(topology: Single) -> None:
    """`CLIENT KILL` of everything but the connection that does it."""

    def kill() -> None:
        for type in ("normal", "pubsub"):
            topology.only.client.execute_command("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes")

    await again_and_again(0.3, kill)


async def change_rights(topology: Single) -> None:
    """The user may no longer run scripts; has another password; is gone. And then all is as it was."""
    client = topology.only.client

    def acl(*rules: str) -> None:
        client.execute_command("ACL", "SETUSER", "tandem", *rules)

    def kick() -> None:
        client.execute_command("CLIENT", "KILL", "USER", "tandem")

    for _ in range(round(LASTS / 3)):
        await asyncio.to_thread(acl, "-evalsha", "-eval")
        await asyncio.sleep(0.4)
        await asyncio.to_thread(acl, "+@all")
        await asyncio.sleep(0.3)
        await asyncio.to_thread(acl, "resetpass", ">another")
        await asyncio.to_thread(kick)
        await asyncio.sleep(0.6)
        await asyncio.to_thread(acl, "resetpass", ">secret")
        await asyncio.sleep(0.5)
        await asyncio.to_thread(client.execute_command, "ACL", "DELUSER", "tandem")
        await asyncio.sleep(0.6)
        await asyncio.to_thread(acl, "on", ">secret", "~*", "&*", "+@all")
        await asyncio.sleep(0.6)


async def fill_memory(topology: Single) -> None:
    """No room for another byte, and then there is again."""
    for _ in range(round(LASTS / 3)):
        await asyncio.to_thread(topology.only.client.config_set, "maxmemory", 1)
        await asyncio.sleep(1.5)
        await asyncio.to_thread(topology.only.client.config_set, "maxmemory", 0)
        await asyncio.sleep(1)


async def stop_the_server(topology: Single) -> None:
    """Redis hangs, for longer than a command may take."""
    for _ in range(round(LASTS / 3)):
        topology.only.process.signal(signal.SIGSTOP)
        await asyncio.sleep(3)
        topology.only.process.signal(signal.SIGCONT)
        await asyncio.sleep(0.5)


SERVER: list[Callable[[Single], Awaitable[None]]] = [
    flush_scripts, kill_clients, change_rights, fill_memory, stop_the_server,
]  # fmt: skip


@limit(60)
@pytest.mark.parametrize("fault", SERVER, ids=lambda f: f.__name__)
@deployments("single", short=("single-valkey",))
def test_an_unwilling_server_is_felt_as_a_retry_at_most(processes, keep, kind, version, fault):
    topology = Single(processes, version)
    topology.only.client.execute_command("ACL", "SETUSER", "tandem", "on", ">secret", "~*", "&*", "+@all")
    topology.as_user = "tandem:secret@"
    deployment = Deployment(processes, topology, 2)
    run = Run(deployment, Shape(sessions=3, readers=4, writes=amount(40, 100), prompts=3, racers=2, seed=SEED))

    async def harm(_: Run) -> None:
        await asyncio.sleep(0.5)
        await fault(topology)

    run.play(harm)
    keep(fault.__name__.replace("_", " "), run)
    topology.remove()
