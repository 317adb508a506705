"""The program: exit statuses, help, configuration that is wrong, and looking inside."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess

import pytest

from support.client import APIKey
from support.nodes import REPOSITORY, Node, binary
from support.processes import clean_environment
from support.scenario import share


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [binary(), *arguments], env=clean_environment(settings), capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    "command", [[], ["serve"], ["host"], ["demo"], ["inspect"], ["check-config"], ["example-agent"]]
)
def test_help_is_there_for_every_command(command):
    ended = run(*command, "--help")
    assert ended.returncode == 0 and "USAGE: tandem" in ended.stdout, ended


@pytest.mark.parametrize("arguments", [["nonsense"], ["serve", "--nonsense"], ["host"], ["inspect"]])
def test_wrong_usage_is_64(arguments):
    ended = run(*arguments)
    assert ended.returncode == 64 and ended.stdout == "" and ended.stderr, ended


def test_redis_that_does_not_answer_at_start_is_69():
    ended = run("serve", "--port", "0", "--redis", "redis://127.0.0.1:9")
    assert ended.returncode == 69 and ended.stdout == "", ended
    assert "127.0.0.1:9" in ended.stderr


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"TANDEM_PORT": "many"}, "port"),
        ({"TANDEM_PORT": "70000"}, "port"),
        ({"TANDEM_ACCESS": "closed"}, "access"),
        ({"TANDEM_DISPATCH_LEASE": "soon"}, "dispatch.lease"),
        ({"TANDEM_LIMITS_BODY": "-1"}, "limits.body"),
        ({"TANDEM_STREAM_HEARTBEAT": "0"}, "stream.heartbeat"),
        ({"TANDEM_API_KEYS": "ci:nothex"}, "apiKeys"),
        ({"TANDEM_REDIS": "http://example.org"}, "redis"),
        ({"TANDEM_PREFIX": "a{b}"}, "prefix"),
        ({"TANDEM_DURABILITY": "maybe"}, "durability"),
        ({"TANDEM_STREAM_HEARTBEAT": "30s"}, "read time-out"),
        ({"TANDEM_API_KEYS_FILE": "/nonexistent/keys"}, "apiKeysFile"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(settings, named):
    ended = run("serve", "--port", "0", **settings) if "TANDEM_PORT" not in settings else run("serve", **settings)
    assert ended.returncode == 78 and ended.stdout == "", ended
    assert named.lower() in ended.stderr.lower()
    checked = run("check-config", **settings)
    assert checked.returncode == 1 and named.lower() in checked.stderr.lower(), checked


def test_a_node_starts_beside_a_service_of_its_own_name(processes, cluster):
    """Kubernetes and Docker set these for a service or a link called tandem; a typo is only warned of."""
    links = {
        "TANDEM_PORT": "tcp://10.0.0.1:8080",
        "TANDEM_SERVICE_HOST": "10.0.0.1",
        "TANDEM_SERVICE_PORT_HTTP": "8080",
        "TANDEM_PORT_8080_TCP_ADDR": "10.0.0.1",
        "TANDEM_NAME": "/web/tandem",
    }
    node = Node(processes, cluster.redis.url, links | {"TANDEM_LIMITS_BDY": "1"}).wait_ready()
    log = [json.loads(line) for line in node.process.log_path.read_text().splitlines() if line.startswith("{")]
    ignored = [line for line in log if "container links" in line["message"]]
    assert len(ignored) == 1 and all(name in ignored[0]["detail"] for name in links), log
    unknown = [line for line in log if line["message"] == "unknown environment variable ignored"]
    assert [line["level"] for line in unknown] == ["warning"], log
    assert "TANDEM_LIMITS_BDY; did you mean TANDEM_LIMITS_BODY?" in unknown[0]["detail"]


def test_api_keys_can_be_given_by_file(processes, cluster, tmp_path):
    key = "a key that only its holder knows"
    file = tmp_path / "api-keys"
    file.write_text(f"# who may create\nci:{hashlib.sha256(key.encode()).hexdigest()}\n")
    settings = {"TANDEM_ACCESS": "keyed", "TANDEM_API_KEYS_FILE": str(file)}
    node = Node(processes, cluster.redis.url, settings).wait_ready()
    assert node.api.get("/api/shared-sessions", APIKey(key)).status == 200
    node.api.get("/api/shared-sessions", APIKey("another")).expect(403, "INVALID_API_KEY")


def test_check_config_shows_every_value_and_no_secret(tmp_path):
    secret = "0123456789abcdef" * 4
    file = tmp_path / "tandem.json"
    file.write_text(json.dumps({"port": 9123, "stream": {"heartbeat": "3s"}}))
    ended = run(
        "check-config",
        "--config",
        str(file),
        "--port",
        "9125",
        TANDEM_API_KEYS=f"ci:{secret}",
        TANDEM_PORT="9124",
        TANDEM_REDIS="redis://user:hunter2@127.0.0.1:1/0",
    )
    assert ended.returncode == 0, ended
    shown = {line.split()[0]: line for line in ended.stdout.splitlines() if line.strip()}
    assert "9125" in shown["port"] and "3s" in shown["stream.heartbeat"], "flag, then environment, then file"
    assert secret not in ended.stdout and "hunter2" not in ended.stdout


@pytest.mark.parametrize("content", ["{", "[]", '{"port": "x"}', '{"nonsense": 1}', '{"limits": {"bdy": 1}}'])
def test_a_wrong_configuration_file_is_78(tmp_path, content):
    file = tmp_path / "tandem.json"
    file.write_text(content)
    ended = run("serve", "--port", "0", "--config", str(file))
    assert ended.returncode == 78 and ended.stdout == "", ended


def test_the_shipped_configuration_is_right():
    ended = run("check-config", "--config", str(REPOSITORY / "config" / "tandem.json"))
    assert ended.returncode == 0, ended


def test_inspect_tells_what_is_in_redis(cluster):
    shared = share(cluster.api)
    guest = shared.join()
    pending = shared.prompt("inspect me", guest)
    ended = run("inspect", shared.id, "--redis", cluster.redis.url)
    assert ended.returncode == 0, ended
    for told in (shared.id, pending["id"], "active"):
        assert told in ended.stdout
    assert all(secret not in ended.stdout for secret in (guest.token, shared.invite))
    nothing = run("inspect", "00000000-0000-4000-8000-000000000000", "--redis", cluster.redis.url)
    assert nothing.returncode != 0 and nothing.stderr


def test_the_embedded_redis_can_be_looked_into_as_the_node_says(processes, tmp_path):
    node = Node(
        processes, None, {"TANDEM_DATA_DIRECTORY": str(tmp_path / "d"), "TANDEM_LOG_FORMAT": "text"}
    ).wait_ready()
    shared = share(node.api)
    told = re.search(r"redis-cli -s (\S+?)[\"'\\]?(\s|$)", node.process.log_path.read_text())
    assert told, node.process.tail()
    redis_cli = shutil.which("redis-cli")
    assert redis_cli
    answer = subprocess.run(
        [redis_cli, "-s", told[1], "HGET", f"tandem:{{{shared.id}}}", "json"],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert json.loads(answer.stdout)["status"] == "active", answer
