"""`rediss://`: a conversation over TLS, and no connection to a server that cannot prove who it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.nodes import Node, binary
from support.processes import Processes, clean_environment
from support.redis_server import RedisServer, free_port
from support.scenario import share
from support.topology import program
from support.waiting import eventually


def openssl(directory: Path, *arguments: str) -> None:
    ended = subprocess.run([program("openssl"), *arguments], cwd=directory, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr


class Authority:
    """A certificate authority of this test, and a server's certificate it has signed."""

    def __init__(self, directory: Path, name: str) -> None:
        self.certificate = directory / f"{name}-ca.crt"
        self.server_key = directory / f"{name}.key"
        self.server_certificate = directory / f"{name}.crt"
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        authority = ["-subj", f"/CN={name}", "-keyout", f"{name}-ca.key", "-out", f"{name}-ca.crt"]
        openssl(directory, "req", "-x509", *new_key, "-days", "2", *authority)
        openssl(directory, "req", *new_key, "-subj", "/CN=localhost", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (directory / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        signer = ["-CA", f"{name}-ca.crt", "-CAkey", f"{name}-ca.key", "-CAcreateserial", "-extfile", "names"]
        openssl(directory, "x509", "-req", "-in", f"{name}.csr", *signer, "-days", "2", "-out", f"{name}.crt")


@pytest.fixture
def served(processes: Processes, tmp_path: Path):
    authority = Authority(tmp_path, "known")
    port = free_port()
    tls = ["--tls-port", str(port), "--tls-auth-clients", "no", "--tls-cert-file", str(authority.server_certificate)]
    keys = ["--tls-key-file", str(authority.server_key), "--tls-ca-cert-file", str(authority.certificate)]
    server = RedisServer(processes, *tls, *keys)
    yield authority, port, server
    server.remove()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_conversation_over_tls(processes, served, host):
    authority, port, _ = served
    url = f"rediss://{host}:{port}?ca={authority.certificate}"
    nodes = [Node(processes, url).wait_ready() for _ in range(2)]
    shared = share(nodes[0].api)
    with shared.stream(base=nodes[1].base) as stream:
        text = "x" * 16_000
        sent = [shared.comment(f"{n} {text}") for n in range(20)]
        assert [stream.expect("message_created").payload["message"] for _ in sent] == sent


def test_a_server_that_cannot_prove_who_it_is_is_not_used(processes, served, tmp_path):
    """Signed by others, by nobody this machine knows, and not asked at all. All three at once: each is patient."""
    _, port, _ = served
    other = Authority(tmp_path, "other")
    urls = [
        f"rediss://127.0.0.1:{port}?ca={other.certificate}",
        f"rediss://127.0.0.1:{port}",
        f"redis://127.0.0.1:{port}",
    ]
    environment = clean_environment()
    started = [
        processes.start("distrustful", [binary(), "serve", "--port", "0", "--redis", url], environment=environment)
        for url in urls
    ]
    for process in started:
        assert process.wait(60) in (69, 78) and process.lines == []
    for process in started[:2]:
        assert "certificate" in process.log_path.read_text().lower()


def test_tls_connections_that_break_are_made_again(processes, served):
    authority, port, server = served
    node = Node(processes, f"rediss://127.0.0.1:{port}?ca={authority.certificate}").wait_ready()
    shared = share(node.api)
    with shared.stream() as stream:
        first = shared.comment("before")
        assert stream.expect("message_created").payload["message"] == first
        for kind in ("normal", "pubsub"):
            server.client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        eventually(
            lambda: (
                node.api.post(f"{shared.path}/messages", {"text": "after"}, shared.host, server_error=True).status
                == 200
            ),
            "the connections to be back",
        )
        assert stream.expect("message_created").payload["message"]["text"] == "after"
