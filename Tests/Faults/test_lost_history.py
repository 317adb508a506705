"""A failover that loses what clients have seen: they are told so, and everybody else goes on without noticing."""

from __future__ import annotations

import redis

from harness.deployment import Deployment
from harness.scale import deployments, limit
from harness.servers import Topology, role
from harness.topologies import Cluster, Sentinel
from support.client import API
from support.redis_server import RedisServer
from support.scenario import share
from support.waiting import eventually


def let_replicate(servers: list[RedisServer], may: bool, right: str) -> None:
    """Lets replicas follow their primary, or not: with the wrong password they are not let in."""
    for server in servers:
        server.client.config_set("masterauth", right if may else "wrong")


def primary_of(topology: Topology, key: str) -> RedisServer | None:
    if isinstance(topology, Cluster):
        return topology.owner_of(topology.running()[0].client.execute_command("CLUSTER", "KEYSLOT", key))
    return next(iter(topology.primaries()), None)


@limit(300)
@deployments("sentinel", "cluster", short=("sentinel-system", "cluster-system"))
def test_who_has_seen_what_was_lost_is_reset_and_nobody_else(processes, kind, version):
    topology: Topology = {"sentinel": Sentinel, "cluster": Cluster}[kind](processes, version)
    deployment = Deployment(processes, topology, 2)
    shared = share(API([node.base for node in deployment.nodes]))
    guest = shared.join()
    key = f"tandem:{{{shared.id}}}:events"
    kept = shared.comment("kept")
    live = shared.stream(guest, "earliest")
    live.until("message_created")
    known = live.last_id
    before = eventually(lambda: primary_of(topology, key), "a primary")
    replicas = [s for s in topology.servers if s is not before and role(s) == "slave"]
    followers = topology.replicas(before) if isinstance(topology, Cluster) else replicas
    assert before.client.execute_command("WAIT", len(followers), 5000) == len(followers)
    right = before.client.config_get("masterauth")["masterauth"]
    let_replicate(followers, False, right)
    before.client.execute_command("CLIENT", "KILL", "TYPE", "replica")
    eventually(lambda: before.client.info("replication")["connected_slaves"] == 0, "no replica to be left")
    lost = [shared.comment(f"lost {number}") for number in range(3)]
    seen = [live.until("message_created")[-1] for _ in lost]
    assert [frame.payload["message"] for frame in seen] == lost
    before.process.kill()

    def successor() -> RedisServer | None:
        try:
            found = primary_of(topology, key)
        except redis.RedisError:
            return None
        return found if found is not before else None

    eventually(successor, "a successor", 60)
    let_replicate(followers, True, right)

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
