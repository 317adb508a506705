"""The topologies themselves, without a node: that they come up in every version, and fail over as scenarios need it."""

from __future__ import annotations

import pytest
import redis

from harness.scale import LONG, versions
from harness.topologies import Cluster, Sentinel, Single
from harness.versions import VERSIONS
from support.waiting import eventually


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_one_server_is_what_it_says_and_keeps_its_data(processes, version):
    topology = Single(processes, version, synced=True)
    info = topology.only.client.info("server")
    kind, number = version.told.split()
    assert info.get(f"{kind}_version", info["redis_version"]) == number
    topology.only.client.set("kept", "1")
    topology.only.process.kill()
    assert topology.start_again(topology.only).client.get("kept") == "1"


@versions()
def test_sentinels_elect_a_new_primary(processes, version):
    topology = Sentinel(processes, version)
    first = topology.primaries()[0]
    first.client.set("kept", "1")
    first.client.wait(2, 5000)
    first.process.kill()
    second = topology.elected(first)
    assert second.client.get("kept") == "1"
    topology.start_again(first)
    if not LONG:  # a server is let back in after 10 s only
        return
    topology.settle()
    third = topology.fail_over()
    assert third.client.get("kept") == "1"
    topology.settle()


@versions()
def test_a_cluster_moves_slots_fails_over_and_loses_a_primary(processes, version):
    topology = Cluster(processes, version)
    key = "tandem:{x}:events"
    slot = topology.servers[0].client.execute_command("CLUSTER", "KEYSLOT", key)
    first = topology.owner(key)
    first.client.xadd(key, {"event": "1-1 x -\n{}"}, id="1-1")
    target = next(s for s in topology.primaries() if s is not first)
    topology.move(slot, target)
    assert topology.owner(key) is target and len(topology.stored("x")) == 1
    with pytest.raises(redis.RedisError, match=str(target.port)):
        first.client.xlen(key)
    topology.settle()
    promoted = topology.fail_over(target)
    assert topology.owner(key) is promoted and len(topology.stored("x")) == 1
    promoted.process.kill()
    eventually(lambda: topology.owner(key) is target, "its replica to take over", 40)
    topology.start_again(promoted)
    topology.settle()
    assert len(topology.stored("x")) == 1
