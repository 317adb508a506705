"""Streams that never read, of past and present: memory stays within its budget, and others feel nothing."""

from __future__ import annotations

import asyncio
import itertools
import resource

from harness.clients import now
from harness.deployment import Deployment
from harness.history import Call, Outcome
from harness.load import Run, Shape
from harness.scale import LONG, SEED, amount, count, deployments, limit
from harness.topologies import kinds
from support.processes import resident_bytes
from support.streams import Stream

#: What a stream may fall behind before it is disconnected.
BUFFER = 64 * 1024
#: Bytes of a comment that fills buffers.
LARGE = 100_000
SETTINGS = {"TANDEM_STREAM_BUFFER_BYTES": BUFFER, "TANDEM_LIMITS_MESSAGE_TEXT": "200KiB"}
#: What a node may take beside that, whatever its streams do: the heap of a debug build grows in steps.
BESIDE = 96 * 1024 * 1024
#: Streams of one participant.
EACH = 40


@limit(120)
@deployments("single", "cluster", short=("single-redis8",))
def test_streams_that_never_read_cost_what_is_allowed(processes, keep, kind, version):
    silent = count(80, 2_000)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    topology = kinds()[kind](processes, version)
    deployment = Deployment(processes, topology, 2, settings=SETTINGS)
    run = Run(deployment, Shape(sessions=2, readers=4, writes=amount(20, 60), seed=SEED))
    streams: list[Stream] = []
    grown: list[int] = []
    numbers = itertools.count(1)

    def open_them() -> None:
        room = run.rooms[0]
        guests = [room.shared.join() for _ in range(-(-silent // EACH))]
        for number in range(silent):
            past = {"Last-Event-ID": "earliest"} if number % 2 else {}
            base = deployment.bases[number % 2]
            path = f"{room.shared.path}/stream"
            streams.append(Stream(base, path, guests[number // EACH], headers=past, receive_buffer=4096, reading=False))

    def fill(amount: int) -> None:
        """Comments so large that nobody's buffers hold them all."""
        room = run.rooms[0]
        for _ in range(amount):
            text = f"large {next(numbers)} {'x' * LARGE}"
            sent = room.shared.comment(text)
            call = Call(room.id, "message", text, invoked=now(), returned=now(), outcome=Outcome.OK, made=sent["id"])
            run.history.calls.append(call)

    def slow() -> float:
        return sum(v for node in deployment.nodes for n, v in node.metrics().items() if "slow" in n)

    async def harm(run: Run) -> None:
        await asyncio.to_thread(fill, 10)
        before = [resident_bytes(node.process.pid) for node in deployment.nodes]
        await asyncio.to_thread(open_them)
        for _ in range(count(3, 10)):
            await asyncio.to_thread(fill, 10)
            after = [resident_bytes(node.process.pid) for node in deployment.nodes]
            grown.append(max(then - start for then, start in zip(after, before, strict=True)))
        run.counted["disconnected"] = int(await asyncio.to_thread(slow))

    run.play(harm)
    for stream in streams:
        stream.close()
    keep("streams that never read", run, streams=silent, grown=f"{max(grown) / 1e6:.0f} MB")
    allowed = BESIDE + silent // 2 * BUFFER * 2
    assert max(grown) < allowed, f"{grown} of {allowed} bytes a node"
    delays = run.history.delays()
    assert not LONG or delays[len(delays) * 99 // 100] < 0.25, "p99 of those who read"
    topology.remove()
