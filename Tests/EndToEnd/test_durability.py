"""Settings of the store: replicated acknowledgement, a database of one's own, a prefix of one's own."""

from __future__ import annotations

from support.client import API
from support.nodes import Node, start_nodes
from support.redis_server import RedisServer, free_port
from support.scenario import ROOT, share
from support.waiting import eventually


def replica_of(processes, port: int) -> RedisServer:
    return RedisServer(processes, "--replicaof", "127.0.0.1", str(port), "--repl-diskless-sync-delay", "0")


def linked(replica: RedisServer) -> bool:
    return replica.client.info("replication").get("master_link_status") == "up"


def test_replicated_acknowledges_only_what_a_replica_has(processes):
    port = free_port()
    primary = RedisServer(processes, "--repl-diskless-sync-delay", "0", port=port)
    replica = replica_of(processes, port)
    eventually(lambda: linked(replica), "the replica to be in step", 40)
    settings = {"TANDEM_DURABILITY": "replicated", "TANDEM_REDIS_TIMEOUT": "1s"}
    node = start_nodes(processes, 1, primary.url, settings)[0]
    shared = share(node.api)
    sent = shared.comment("on both")
    stored = [e["data"] for e in replica.stored_events(shared.id)]
    assert any(sent["id"] in data for data in stored), "acknowledged means that the replica has it"
    replica.process.kill()

    def refused() -> bool:
        reply = node.api.post(f"{shared.path}/messages", {"text": "alone"}, shared.host, server_error=True)
        if reply.status != 200:
            assert reply.status in (503, 504), reply.content
        return reply.status != 200

    eventually(refused, "a write that no replica has to be refused")
    back = replica_of(processes, port)
    eventually(lambda: linked(back), "the new replica to be in step", 40)
    eventually(lambda: not refused(), "writes to be acknowledged again")
    for server in (primary, replica, back):
        server.remove()


def test_a_prefix_and_a_database_keep_two_services_apart(processes):
    port = free_port()
    redis = RedisServer(processes, port=port)
    url = f"redis://127.0.0.1:{port}"
    nodes = [
        Node(processes, url, {"TANDEM_PREFIX": "one"}).wait_ready(),
        Node(processes, url, {"TANDEM_PREFIX": "two"}).wait_ready(),
        Node(processes, f"{url}/3", {"TANDEM_PREFIX": "one"}).wait_ready(),
    ]
    shared = [share(API([node.base])) for node in nodes]
    for at, node in enumerate(nodes):
        assert [s["id"] for s in node.api.get(ROOT).expect(200)["sessions"]] == [shared[at].id]
        with shared[at].stream() as stream:
            for other, theirs in enumerate(shared):
                if other != at:
                    node.api.get(theirs.path).expect(404, "SESSION_NOT_FOUND")
                    theirs.comment("not for this one")
            sent = shared[at].comment("for this one")
            assert stream.expect("message_created").payload["message"] == sent
    names = redis.client.keys("*")
    assert names and all(name.startswith(("one:", "two:")) for name in names), names
    redis.remove()
