"""Nodes whose clocks are off by an hour, in both directions: time is Redis's, so nobody notices."""

from __future__ import annotations

import asyncio
import os
import time

from harness import clock
from harness.deployment import Deployment
from harness.load import Run, Shape
from harness.scale import SEED, amount, deployments, limit
from harness.topologies import kinds
from support.client import API
from support.scenario import share

#: Seconds that each node's clock is off by.
OFF = [3600, -3600, 0]


@limit(60)
@deployments("single", "sentinel", "cluster", short=("single-system",))
def test_clocks_that_are_off_have_no_effect(processes, keep, tmp_path, kind, version):
    library = clock.library(tmp_path)
    for off in OFF:
        told = clock.told(dict(os.environ) | clock.shifted(library, off))
        assert abs(told - time.time() - off) < 600, "the clock is really off"
    topology = kinds()[kind](processes, version)
    deployment = Deployment(processes, topology, environment=lambda at: clock.shifted(library, OFF[at]))
    apis = [API([node.base]) for node in deployment.nodes]
    for first in apis:
        shared = share(first, expiresInMinutes=30)
        pending = shared.prompt("in time", shared.join())
        for other in apis:
            snapshot = other.get(shared.path).expect(200)
            assert snapshot["session"]["status"] == "active"
            assert snapshot["session"]["expiresAt"] == shared.session["expiresAt"]
            assert snapshot["approvals"][0]["status"] == pending["status"] == "pending"
            other.post(f"{shared.path}/messages", {"text": "in time"}, shared.host).expect(200)
        messages = first.get(f"{shared.path}/messages").expect(200)["messages"]
        times = [message["createdAt"] for message in messages]
        assert times == sorted(times), "one clock for all nodes"
    run = Run(deployment, Shape(sessions=3, readers=4, writes=amount(40, 100), prompts=6, racers=3, seed=SEED))

    async def wait(_: Run) -> None:
        await asyncio.sleep(amount(3, 60))

    run.play(wait)
    keep("clocks off by an hour", run)
    topology.remove()
