"""A failover that loses what clients have seen: they are told so, and everybody else goes on without noticing."""

from __future__ import annotations

import signal
from typing import Any

import pytest
import redis

from harness.deployment import Deployment
from harness.scale import deployments, limit
from harness.servers import Topology
from harness.topologies import Cluster, Sentinel
from support.client import API
from support.desk import Desk, end_of
from support.redis_server import RedisServer
from support.scenario import Shared, share
from support.waiting import eventually


def let_replicate(servers: list[RedisServer], may: bool, right: str) -> None:
    """Lets replicas follow their primary, or not: with the wrong password they are not let in."""
    for server in servers:
        server.client.config_set("masterauth", right if may else "wrong")


def primary_of(topology: Topology, key: str) -> RedisServer | None:
    if isinstance(topology, Cluster):
        return topology.owner_of(topology.running()[0].client.execute_command("CLUSTER", "KEYSLOT", key))
    return next(iter(topology.primaries()), None)


def ended_quietly(shared: Shared, approval: str) -> dict[str, Any] | None:
    """An approval whose dispatch is over; nothing while the store is away."""
    reply = shared.api.get(shared.path, shared.host, server_error=True)
    found = reply.json["approvals"] if reply.status == 200 else []
    over = [a for a in found if a["id"] == approval and a["dispatch"]["state"] in ("completed", "failed")]
    return over[0] if over else None


class Loss:
    """A primary whose replicas are cut off from it, and that dies with what they do not have."""

    def __init__(self, topology: Topology, session: str) -> None:
        self.topology = topology
        self.key = f"tandem:{{{session}}}:events"
        self.before = eventually(lambda: primary_of(topology, self.key), "a primary")
        if isinstance(topology, Cluster):
            self.followers = topology.replicas(self.before)
        else:
            self.followers = [s for s in topology.servers if s is not self.before]
        self.right = self.before.client.config_get("masterauth")["masterauth"]

    def begin(self) -> None:
        """From now on replicas get nothing."""
        count = len(self.followers)
        assert self.before.client.execute_command("WAIT", count, 5000) == count
        let_replicate(self.followers, False, self.right)
        self.before.client.execute_command("CLIENT", "KILL", "TYPE", "replica")
        eventually(lambda: self.before.client.info("replication")["connected_slaves"] == 0, "no replica to be left")

    def happen(self) -> None:
        """One of them succeeds."""
        self.before.process.kill()
        eventually(self._successor, "a successor", 60)
        let_replicate(self.followers, True, self.right)

    def _successor(self) -> RedisServer | None:
        try:
            found = primary_of(self.topology, self.key)
        except redis.RedisError:
            return None
        return found if found is not self.before else None


@limit(300)
@deployments("sentinel", "cluster", short=("sentinel-system", "cluster-system"))
def test_who_has_seen_what_was_lost_is_reset_and_nobody_else(processes, kind, version):
    topology: Topology = {"sentinel": Sentinel, "cluster": Cluster}[kind](processes, version)
    deployment = Deployment(processes, topology, 2)
    shared = share(API([node.base for node in deployment.nodes]))
    guest = shared.join()
    kept = shared.comment("kept")
    live = shared.stream(guest, "earliest")
    live.until("message_created")
    known = live.last_id
    loss = Loss(topology, shared.id)
    loss.begin()
    lost = [shared.comment(f"lost {number}") for number in range(3)]
    seen = [live.until("message_created")[-1] for _ in lost]
    assert [frame.payload["message"] for frame in seen] == lost
    loss.happen()

    def goes_on() -> bool:
        reply = shared.api.post(f"{shared.path}/messages", {"text": "after"}, guest, server_error=True)
        return reply.status == 200

    eventually(goes_on, "writes to be back", 60)
    # The open stream does not go on as if nothing had happened, although its node is the same.
    eventually(lambda: not live.is_open or "stream_reset" in [f.type for f in live.frames], "the stream to notice", 60)
    assert "after" not in [f.payload["message"]["text"] for f in live.frames if f.type == "message_created"]
    for number in range(2):
        with shared.stream(guest, seen[-1].id, base=deployment.nodes[number].base) as again:
            assert again.next().type == "stream_reset", "whoever was ahead is told"
        with shared.stream(guest, known, base=deployment.nodes[number].base) as behind:
            told = behind.until("message_created")
            assert [f.type for f in told if f.type == "stream_reset"] == []
            assert told[-1].payload["message"]["text"] == "after", "what was lost never comes again"
    messages = shared.api.get(f"{shared.path}/messages", guest).expect(200)["messages"]
    assert [m["text"] for m in messages if m["text"] != "after"] == [kept["text"]]
    live.close()
    topology.remove()


@limit(300)
@pytest.mark.parametrize("killed", [True, False], ids=["bridge killed", "bridge lives"])
@deployments("sentinel", "cluster", short=("sentinel-system", "cluster-system"))
def test_a_prompt_whose_start_was_lost_is_not_run_again(processes, tmp_path, kind, version, killed):
    topology: Topology = {"sentinel": Sentinel, "cluster": Cluster}[kind](processes, version)
    deployment = Deployment(processes, topology, 2)
    desk = Desk(processes, API([node.base for node in deployment.nodes]), tmp_path)
    host = desk.host()
    shared = host.shared
    loss = Loss(topology, shared.id)
    host.process.signal(signal.SIGSTOP)
    prompt = shared.prompt("hold on", shared.host)
    loss.begin()
    host.process.signal(signal.SIGCONT)
    eventually(lambda: desk.ran() == ["hold on"], "the prompt to run")
    if killed:
        host.process.kill()
    loss.happen()
    desk.go()
    if killed:
        desk.host("--resume")
    ended = eventually(lambda: ended_quietly(shared, prompt["id"]), "the prompt to be over", 90)
    assert ended["dispatch"]["state"] == ("failed" if killed else "completed"), ended
    assert not killed or "unknown" in ended["errorMessage"]
    follow = shared.prompt("go on", shared.host)
    assert end_of(shared, follow["id"])["dispatch"]["state"] == "completed"
    assert desk.ran() == ["hold on", "go on"]
    topology.remove()
