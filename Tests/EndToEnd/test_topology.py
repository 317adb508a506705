"""What `docker/` ships, as plain processes: Redis with the least-privilege user, three nodes, haproxy in front."""

from __future__ import annotations

import http.client
import shlex
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from support.bridge import Bridge
from support.client import API
from support.nodes import Node, binary
from support.processes import Processes
from support.redis_server import RedisServer, free_port
from support.scenario import share
from support.topology import CONFIGURATION, LoadBalancer
from support.waiting import eventually

PASSWORD = "a-password-of-this-test"


class Topology:
    """Redis on the shipped settings and user, three nodes, a load balancer in front."""

    def __init__(self, kind: str, processes: Processes, directory: Path, **settings: str) -> None:
        users = directory / "users.acl"
        text = (CONFIGURATION / "users.acl").read_text()
        assert text.count("PASSWORD") == 1
        users.write_text(text.replace("PASSWORD", PASSWORD))
        self.port = free_port()
        shipped = [
            option
            for line in (CONFIGURATION / "redis.conf").read_text().splitlines()
            if line and not line.startswith("#") and line.split()[0] not in ("bind", "port", "aclfile")
            for option in ("--" + line.split()[0], *shlex.split(line)[1:])
        ]
        self.redis = RedisServer(processes, *shipped, "--aclfile", str(users), port=self.port)
        self.url = f"redis://tandem:{PASSWORD}@127.0.0.1:{self.port}"
        self.nodes = [Node(processes, self.url, {"TANDEM_STREAM_HEARTBEAT": "1s", **settings}) for _ in range(3)]
        for node in self.nodes:
            node.wait_ready()
        servers = [node.base.removeprefix("http://") for node in self.nodes]
        self.balancer = LoadBalancer(kind, processes, directory, servers)
        self.api = API([self.balancer.base])
        eventually(self._reachable, "the load balancer to know its nodes")

    def _reachable(self) -> bool:
        try:
            return self.api.get("/version", server_error=True).status == 200
        except (OSError, AssertionError, ValueError):
            return False


@pytest.fixture(scope="module", params=["haproxy", "nginx"])
def topology(request, module_processes, tmp_path_factory) -> Topology:
    return Topology(request.param, module_processes, tmp_path_factory.mktemp("topology"))


def test_a_whole_conversation_through_the_load_balancer(topology):
    api = topology.api
    shared = share(api)
    guest = shared.join()
    with shared.stream(guest) as stream, Bridge(api, shared.agent) as bridge:
        assert stream.headers["content-type"].split(";")[0] == "text/event-stream"
        shared.comment("hello", guest)
        pending = shared.prompt("do it", guest)
        shared.resolve(pending["id"])
        dispatch = bridge.take()
        bridge.start(dispatch)
        api.post(f"{bridge.path}/notifications", {"notifications": [{"jsonrpc": "2.0"}]}, shared.agent).expect(202)
        bridge.complete(dispatch)
        types = [f.type for f in stream.until("prompt_dispatch_completed") if f.type != "host_online"]
        assert types == [
            "message_created",
            "prompt_pending_approval",
            "prompt_approved",
            "prompt_dispatch_started",
            "host_session_update",
            "prompt_dispatch_completed",
        ]
        shared.close()
        assert stream.until("session_closed")
        stream.wait_end()


def test_the_load_balancer_spreads_requests_and_holds_nothing_back(topology):
    shared = share(topology.api)
    with shared.stream() as stream:
        for n in range(30):
            shared.comment(f"{n}")
            assert stream.expect("message_created").payload["message"]["text"] == f"{n}", "each at once"
        eventually(lambda: len(stream.parser.comments) >= 2, "heartbeats through the load balancer")

    def served(node: Node) -> float:
        counts = [
            v for name, v in node.metrics().items() if "request" in name and name.split("{")[0].endswith("_total")
        ]
        assert counts, sorted(node.metrics())
        return sum(counts)

    # The node that holds the stream has a connection more and so gets fewer requests.
    assert sorted(served(node) > 5 for node in topology.nodes)[1:] == [True, True]


def resumed(shared, cursor):
    """A stream that goes on, as soon as the load balancer has a node for it."""

    def opened():
        try:
            return shared.stream(since=cursor)
        except (OSError, AssertionError, ValueError):
            return None

    return eventually(opened, "a stream on another node")


@pytest.mark.parametrize("kind", ["haproxy", "nginx"])
def test_a_lost_node_is_taken_out_and_streams_go_on_elsewhere(processes, tmp_path, kind):
    topology = Topology(kind, processes, tmp_path)
    shared = share(topology.api)
    streams = [shared.stream() for _ in range(6)]
    shared.comment("before")
    for stream in streams:
        stream.expect("message_created")
    topology.nodes[0].process.kill()
    eventually(lambda: sum(not s.is_open for s in streams) >= 1, "the streams of the lost node to break")
    lost = [s for s in streams if not s.is_open]
    assert 1 <= len(lost) < 6

    def commented():
        reply = topology.api.post(f"{shared.path}/messages", {"text": "after"}, shared.host, server_error=True)
        return reply.status == 200

    def tolerant():
        try:
            return commented()
        except (OSError, AssertionError, ValueError):
            return False  # the load balancer's own answer while it does not know yet

    eventually(tolerant, "the next node to answer")
    for stream in lost:
        with resumed(shared, stream.last_id) as again:
            assert again.expect("message_created").payload["message"]["text"] == "after"
    for stream in streams:
        stream.close()


@pytest.mark.parametrize("kind", ["haproxy", "nginx"])
def test_clients_behind_the_load_balancer_have_a_rate_of_their_own(processes, tmp_path, kind):
    rate = {"TANDEM_RATE_ADDRESS": "5/h", "TANDEM_RATE_TRUSTED_PROXIES": "127.0.0.1"}
    balancer = urlsplit(Topology(kind, processes, tmp_path, **rate).balancer.base)

    def statuses(source: str, requests: int) -> list[int]:
        found = []
        for _ in range(requests):
            connection = http.client.HTTPConnection("127.0.0.1", balancer.port, 10, source_address=(source, 0))
            connection.request("GET", "/api/shared-sessions", headers={"X-Forwarded-For": "192.0.2.1"})
            found.append(connection.getresponse().status)
            connection.close()
        return found

    assert statuses("127.0.0.2", 8) == [200] * 5 + [429] * 3, "over all nodes, whatever the client made up"
    assert statuses("127.0.0.3", 6) == [200] * 5 + [429]


def test_the_shipped_user_can_do_nothing_else(topology):
    client = redis.Redis(port=topology.port, username="tandem", password=PASSWORD, decode_responses=True)
    for command in (
        ["FLUSHALL"], ["KEYS", "*"], ["CONFIG", "GET", "*"], ["SHUTDOWN"], ["GET", "other"],
        ["SET", "elsewhere", "1"], ["ACL", "LIST"], ["MODULE", "LIST"], ["SUBSCRIBE", "other"],
    ):  # fmt: skip
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*command)
    with pytest.raises(redis.exceptions.AuthenticationError):
        redis.Redis(port=topology.port).ping()


def test_a_wrong_password_stops_the_start(topology, processes):
    process = processes.start(
        "denied", [binary(), "serve", "--port", "0", "--redis", f"redis://tandem:wrong@127.0.0.1:{topology.port}"]
    )
    assert process.wait(60) in (69, 78)  # Redis is there, and it is the configuration that is wrong
    log = process.log_path.read_text()
    assert process.lines == [] and "wrong@" not in log and log.strip()


def test_the_load_balancers_address_is_free_of_surprises(topology):
    """An idle client that goes away without a word does not stay with the node behind the load balancer."""
    shared = share(topology.api)
    guest = shared.join()
    stream = shared.stream(guest)
    stream.socket.shutdown(socket.SHUT_RDWR)

    def offline() -> bool:
        listed = topology.api.get(f"{shared.path}/participants").expect(200)["participants"]
        return not any(p["online"] for p in listed)

    eventually(offline, "the participant to be offline")
