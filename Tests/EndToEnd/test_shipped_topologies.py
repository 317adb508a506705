"""What the compose files for Sentinel and a cluster ship, as plain processes on the same settings and users."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from support.client import API
from support.nodes import Node
from support.processes import Processes
from support.redis_server import RedisServer, free_port
from support.scenario import share
from support.topology import CONFIGURATION
from support.waiting import eventually

PASSWORD = "a-password-of-this-test"


def options(*files: str) -> list[str]:
    """The lines of shipped files as options of redis-server, but for what belongs to the container."""
    lines = [line for file in files for line in (CONFIGURATION / file).read_text().splitlines()]
    return [
        option
        for line in lines
        if line and not line.startswith("#") and line.split()[0] not in ("bind", "port", "aclfile")
        for option in ("--" + line.split()[0], *shlex.split(line)[1:])
    ]


def users(directory: Path) -> Path:
    """The shipped users with this test's password."""
    path = directory / "users.acl"
    path.write_text((CONFIGURATION / "users.replicated.acl").read_text().replace("PASSWORD", PASSWORD))
    return path


def nodes(processes: Processes, url: str, **settings: str) -> API:
    """Two nodes on a Redis, with what the compose files set."""
    # A lost primary is noticed by time: what is waited for here is the topology, not a node's own time-outs.
    started = [
        Node(
            processes,
            url,
            {"TANDEM_DURABILITY": "replicated", "TANDEM_REDIS_TIMEOUT": "3s", **settings},
        )
        for _ in range(2)
    ]
    for node in started:
        node.wait_ready()
    return API([node.base for node in started])


def health(api: API) -> tuple[int, str | None]:
    """What a node says of itself."""
    reply = api.get("/health/ready", server_error=True)
    return reply.status, reply.json.get("status")


def expect_writes(api: API, shared, text: str) -> None:
    """Waits until a comment is taken; what became of one that failed is unknown, so each has its own text."""
    tries = iter(range(10_000))

    def commented() -> bool:
        body = {"text": f"{text} {next(tries)}"}
        return api.post(f"{shared.path}/messages", body, shared.host, server_error=True).status == 200

    eventually(commented, f"a comment to be taken {text}", 90)


def founder(server: RedisServer, *words: str) -> str:
    """What a server answers to the user that makes clusters."""
    command = [shutil.which("redis-cli"), "--user", "founder", "--pass", PASSWORD, "--no-auth-warning"]
    return subprocess.run(
        [*command, "-p", str(server.port), *words], capture_output=True, text=True, timeout=120
    ).stdout


def found(servers: list[RedisServer], *more: str) -> list[str]:
    """Makes a cluster of servers, as the container `founder` does; their addresses."""
    addresses = [f"127.0.0.1:{server.port}" for server in servers]
    created = founder(servers[0], "--cluster", "create", *addresses, *more, "--cluster-yes")
    assert "All 16384 slots covered" in created, created

    def is_up() -> bool:
        states = [founder(server, "cluster", "info") for server in servers]
        wanted = ("cluster_state:ok", f"cluster_known_nodes:{len(servers)}")
        return all(line in state for state in states for line in wanted)

    eventually(is_up, "the cluster to be up", 60)
    return addresses


def test_what_one_server_had_is_there_after_its_restart(processes, tmp_path):
    acl = tmp_path / "users.acl"
    acl.write_text((CONFIGURATION / "users.acl").read_text().replace("PASSWORD", PASSWORD))
    shipped = [*options("redis.conf"), "--aclfile", str(acl)]
    server = RedisServer(processes, *shipped, port=free_port())
    url = f"redis://tandem:{PASSWORD}@127.0.0.1:{server.port}"
    api = nodes(processes, url, TANDEM_DURABILITY="local")
    shared = share(api)
    expect_writes(api, shared, "kept")
    server.process.kill()
    RedisServer(processes, *shipped, port=server.port, directory=server.directory)

    def kept() -> bool:
        reply = api.get(f"{shared.path}/messages", shared.host, server_error=True)
        return reply.status == 200 and any("kept" in message["text"] for message in reply.json["messages"])

    eventually(kept, "the comment to be there", 60)
    expect_writes(api, shared, "after")


def test_sentinel_as_shipped(processes, tmp_path):
    acl = users(tmp_path)
    servers: list[RedisServer] = []
    for _ in range(3):
        # The role comes last: it is what Sentinel changes.
        role = ["--replicaof", "127.0.0.1", str(servers[0].port)] if servers else []
        shipped = options("redis.conf", "replication.conf")
        servers.append(
            RedisServer(processes, *shipped, "--aclfile", str(acl), "--masterauth", PASSWORD, *role, port=free_port())
        )
    ports = []
    for number in range(3):
        port = free_port()
        text = (CONFIGURATION / "sentinel.conf").read_text().replace("PASSWORD", PASSWORD)
        text = text.replace("port 26379", f"port {port}").replace("redis1 6379", f"127.0.0.1 {servers[0].port}")
        file = tmp_path / f"sentinel{number}.conf"
        file.write_text(f"{text}dir {tmp_path}\n")
        processes.start(f"sentinel{number}", [shutil.which("redis-server"), str(file), "--sentinel"])
        ports.append(port)
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    api = nodes(
        processes,
        f"redis+sentinel://tandem:{PASSWORD}@{hosts}/tandem",
        TANDEM_REDIS_SENTINEL_USER="tandem",
        TANDEM_REDIS_SENTINEL_PASSWORD=PASSWORD,
    )
    shared = share(api)
    with shared.stream() as stream:
        expect_writes(api, shared, "before")
        assert stream.expect("message_created").payload["message"]["text"].startswith("before")
        servers[0].process.kill()
        expect_writes(api, shared, "after")
        eventually(lambda: any("after" in str(f.payload) for f in stream.until("message_created")), "the stream", 60)


def test_a_cluster_as_shipped(processes, tmp_path):
    acl = users(tmp_path)
    shipped = [*options("redis.conf", "cluster.conf"), "--aclfile", str(acl), "--masterauth", PASSWORD]

    def server(bus: int, port: int) -> RedisServer:
        return RedisServer(processes, *shipped, "--cluster-port", str(bus), port=port)

    servers = [server(free_port(), free_port()) for _ in range(7)]
    addresses = found(servers, "--cluster-replicas", "1")
    api = nodes(processes, f"redis+cluster://tandem:{PASSWORD}@{','.join(addresses[:3])}")
    eventually(lambda: health(api) == (200, "ready"), "every primary to have a replica", 60)
    sessions = [share(api) for _ in range(6)]
    for shared in sessions:
        expect_writes(api, shared, "before")
    stream = sessions[0].stream()
    # Live before anything dies: a stream that is only being opened then may end, and its client comes again.
    expect_writes(api, sessions[0], "live")
    stream.until("message_created")
    servers[0].process.kill()

    def has_successor() -> bool:
        lines = founder(servers[1], "cluster", "nodes").splitlines()
        healthy = [line for line in lines if "master" in line.split()[2] and "fail" not in line.split()[2]]
        return len(healthy) == 3 and not any(f":{servers[0].port}@" in line for line in healthy)

    eventually(has_successor, "a replica to succeed", 60)
    # The successor has no replica that could confirm a write, until the one to spare has moved to it.
    for shared in sessions:
        expect_writes(api, shared, "after")
    eventually(lambda: any("after" in str(f.payload) for f in stream.until("message_created")), "the stream", 60)
    stream.close()
    for shared in sessions:
        eventually(lambda s=shared: api.get(s.path, s.host, server_error=True).status == 200, "the session", 60)


#: The second one holds the number of the layout, and the list of all sessions.
@pytest.mark.parametrize("gone", [0, 1])
def test_with_one_primary_of_three_gone_the_others_sessions_go_on(processes, tmp_path, gone):
    acl = users(tmp_path)
    servers = []
    for _ in range(3):
        shipped = options("redis.conf", "cluster.conf")
        arguments = [*shipped, "--aclfile", str(acl), "--cluster-port", str(free_port())]
        servers.append(RedisServer(processes, *arguments, port=free_port()))
    found(servers)
    addresses = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    api = nodes(processes, f"redis+cluster://tandem:{PASSWORD}@{addresses}", TANDEM_DURABILITY="local")
    sessions = [share(api) for _ in range(20)]
    eventually(lambda: health(api) == (200, "ready"), "health to be green", 60)
    servers[gone].process.kill()

    def taken(shared) -> bool:
        body = {"text": "on"}
        return api.post(f"{shared.path}/messages", body, shared.host, server_error=True).status == 200

    eventually(lambda: health(api) == (200, "degraded"), "health to be degraded", 60)
    living = eventually(lambda: [s for s in sessions if taken(s)], "sessions elsewhere to go on", 60)
    assert len(living) < len(sessions), "those of the lost primary"
    for shared in living:
        expect_writes(api, shared, "still")
    # Whichever it was: a node that starts now goes on with the others, too.
    late = nodes(processes, f"redis+cluster://tandem:{PASSWORD}@{addresses}", TANDEM_DURABILITY="local")
    for shared in living:
        expect_writes(late, shared, "late")
    servers[1 - gone].process.kill()
    eventually(lambda: health(api)[0] == 503, "health to be red", 60)
