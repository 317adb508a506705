"""The bridge keeps its turn through the loss of a connection and of a node."""

from __future__ import annotations

import re

import pytest

from support.host import Host, spoken
from support.nodes import Node, binary
from support.redis_server import RedisServer, free_port
from support.waiting import eventually


@pytest.mark.parametrize("when", ["idle", "during a turn"])
def test_a_node_that_is_killed_and_comes_back(processes, when):
    redis = RedisServer(processes)
    port = free_port()

    def start() -> Node:
        return Node(processes, redis.url, port=port)

    lost, other = start(), Node(processes, redis.url)
    lost.wait_ready()
    other.wait_ready()
    host = Host(processes, other.api, [binary(), "example-agent"], server=lost.base)
    shared = host.shared
    guest = shared.join()
    with shared.stream() as stream:
        if when == "idle":
            eventually(lambda: _online(shared), "the bridge to be attached")
            lost.process.kill()
            approval = shared.resolve(shared.prompt("after the loss", guest)["id"])
            start().wait_ready()
        else:
            approval = shared.resolve(shared.prompt("long 8", guest)["id"])
            stream.until("host_session_update", 60)
            lost.process.kill()
            start().wait_ready()
        frames = stream.until("prompt_dispatch_completed", 60)
        assert frames[-1].payload["approvalId"] == approval["id"]
        assert frames[-1].payload["stopReason"] == "end_turn"
    with shared.stream(since="earliest") as replay:
        everything = replay.until("prompt_dispatch_completed")
    types = [f.type for f in everything]
    assert types.count("prompt_dispatch_started") == 1 and "prompt_dispatch_failed" not in types
    said = spoken(everything)
    if when == "during a turn":
        ticks = [int(number) for number in re.findall(r"tick (\d+)\n", said)]
        assert ticks == list(range(1, len(ticks) + 1)) and len(ticks) > 3, "no update lost or doubled"
        assert said.endswith("The long turn is over.")
    redis.remove()


def test_a_node_that_does_not_come_back_is_replaced_by_the_next_one_named(processes):
    redis = RedisServer(processes)
    lost, other = (Node(processes, redis.url).wait_ready() for _ in range(2))
    host = Host(processes, other.api, [binary(), "example-agent"], "--server", other.base, server=lost.base)
    shared = host.shared
    guest = shared.join()
    with shared.stream() as stream:
        running = shared.resolve(shared.prompt("long 6", guest)["id"])
        stream.until("host_session_update", 60)
        lost.process.kill()
        assert stream.until("prompt_dispatch_completed", 60)[-1].payload["approvalId"] == running["id"]
        follow = shared.resolve(shared.prompt("and go on", guest)["id"])
        assert stream.until("prompt_dispatch_completed", 60)[-1].payload["approvalId"] == follow["id"]
    host.wait_printed("prompt_dispatch_completed", 2)
    with shared.stream(since="earliest") as replay:
        replay.until("prompt_dispatch_completed")
        replay.until("prompt_dispatch_completed")
        stored = [f.event for f in replay.frames if f.id]
    printed = [e for e in host.printed if e["type"] not in ("participant_online", "participant_offline")]
    assert [e for e in printed if e in stored] == stored, "every event once and in order, over both nodes"
    redis.remove()


def _online(shared) -> bool:
    return shared.api.get(f"/api/host-sessions/{shared.agent.id}").expect(200)["hostSession"]["online"]


def test_a_bridge_that_is_killed_during_a_turn_fails_it_as_unknown(processes, make_cluster):
    cluster = make_cluster(1, TANDEM_DISPATCH_LEASE="2s")
    host = Host(processes, cluster.api, [binary(), "example-agent"])
    shared = host.shared
    with shared.stream() as stream:
        shared.resolve(shared.prompt("long 60", shared.join())["id"])
        stream.until("host_session_update", 60)
        host.process.kill()
        assert "unknown" in stream.until("prompt_dispatch_failed", 60)[-1].payload["error"].lower()
