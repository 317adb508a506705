"""Nothing secret leaves the host's machine: what an agent lets slip never reaches a node, however it comes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agents.leaky_agent import FLOOD, TOKEN
from support.host import Host, run_to_its_end, spoken, updates
from support.nodes import binary
from support.processes import clean_environment

AGENT = [sys.executable, str(Path(__file__).parent / "agents" / "leaky_agent.py")]
VARIABLE = "correct-horse-battery"
MARK = "[removed: GitHub token]"


@pytest.fixture
def host(processes, cluster) -> Host:
    return Host(processes, cluster.api, AGENT, environment={"BUILD_PASSWORD": VARIABLE})


def run(host: Host, text: str):
    """A prompt of the host; every frame up to the end of its turn, and the whole record besides."""
    frames = run_to_its_end(host, text, "y")
    for frame in frames:
        assert TOKEN not in frame.data and VARIABLE not in frame.data, frame
    return frames


def test_a_secret_in_pieces_with_others_in_between(host):
    frames = run(host, "chunks")
    # In pieces of one character: what all such tokens begin with, and one letter of a variable's value, is out before
    # it is known what follows.
    assert spoken(frames) == (
        f"It is ghp_{MARK}, or c[removed: environment variable]. password=[removed: environment variable]\nDone."
    )
    assert sum(u["sessionUpdate"] == "usage_update" for u in updates(frames)) > 5
    # One more was in the agent's version.
    assert host.wait_printed("secrets_removed")["removed"] == {"GitHub token": 2, "environment variable": 2}


def test_tool_calls_and_plans(host):
    parts = updates(run(host, "tools"))
    assert parts[0]["title"] == f"push with {MARK}"
    assert parts[0]["rawInput"] == {
        "env": {"API_KEY": "[removed: secret value]"},
        "command": "login [removed: environment variable]",
    }
    assert parts[1]["rawOutput"] == {MARK: ["x", {"y": f"<{MARK}>"}]}
    assert parts[2]["entries"][0]["content"] == MARK


def test_a_question_is_asked_without_secrets_and_answered(host):
    frames = run(host, "ask")
    asked = next(f.payload["approval"] for f in frames if f.type == "permission_requested")
    assert asked["toolCall"]["rawInput"] == {"command": "curl https://ada:[removed: password in a URL]@example.com"}
    assert asked["options"][0]["name"] == f"Use {MARK}"
    assert spoken(frames) == "answered: y"


@pytest.mark.parametrize("word", ["fail", "stop"])
def test_how_a_turn_ends(host, word):
    last = run(host, word)[-1].payload
    assert MARK in (last["error"] if word == "fail" else last["stopReason"])


def test_the_agents_version(host):
    known = host.api.get(f"/api/host-sessions/{host.first['hostSessionId']}").expect(200)["hostSession"]
    assert known["agent"]["version"] == MARK


def test_a_flood_of_secrets(host):
    assert spoken(run(host, "flood")) == "".join(f"{MARK} {number}\n" for number in range(FLOOD))


def test_a_tool_call_of_16_mib_takes_nobody_down(host):
    assert updates(run(host, "huge"))[0]["_meta"] == {"tandem": {"truncated": True}}
    assert spoken(run(host, "chunks")).endswith("Done.")


def test_the_hosts_own_list(processes, cluster, tmp_path):
    mine = tmp_path / "secrets"
    mine.write_text("# mine\nIt is\n")
    argv = [binary(), "host", "--redact", str(mine), "--", "x"]
    process = processes.start("host", argv, environment=clean_environment())
    assert process.wait(60) == 64
    assert "line 2 is too short" in process.log_path.read_text()
    mine.write_text("# mine\n\npush w*\n")
    host = Host(processes, cluster.api, AGENT, "--redact", str(mine), environment={"BUILD_PASSWORD": VARIABLE})
    assert updates(run(host, "tools"))[0]["title"] == f"[removed: host's list] {MARK}"
