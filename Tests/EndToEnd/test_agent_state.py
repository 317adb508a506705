"""What a session's snapshot tells of its agent, with the example agent over two nodes."""

from __future__ import annotations

import pytest

from support.host import Host, run_to_its_end
from support.nodes import binary

EXAMPLE = [binary(), "example-agent", "--fast"]


@pytest.fixture
def share(processes, cluster, tmp_path):
    def share(*options: str) -> Host:
        return Host(processes, cluster.api, EXAMPLE, "--cwd", str(tmp_path), *options)

    return share


def test_whoever_comes_late_knows_what_the_agent_is(share):
    host = share()
    agent = host.shared.snapshot()["agent"]
    assert agent["name"] == "Example agent" and agent["version"] == "1"
    assert agent["capabilities"]["loadSession"] is True
    assert agent["mode"] == "code" and [m["id"] for m in agent["modes"]] == ["code", "ask"]
    assert {o["id"]: o["currentValue"] for o in agent["options"]} == {"tone": "friendly", "aloud": False}
    assert "turn" not in agent and "plan" not in agent
    run_to_its_end(host, "go")
    agent = host.shared.snapshot()["agent"]
    assert [c["name"] for c in agent["commands"]] == ["explain", "long", "permission"]
    assert agent["title"] == "A friendlier greeting"
    assert agent["usage"] == {"used": 3500, "size": 200000}
    assert [step["status"] for step in agent["plan"]] == ["completed", "completed"]


def test_an_agent_that_was_started_again_is_told_anew(share):
    host = share()
    run_to_its_end(host, "go")
    frames = run_to_its_end(host, "crash")
    assert frames[-1].type == "prompt_dispatch_failed"
    frames = run_to_its_end(host, "go on")
    told = [f for f in frames if f.type == "host_session_update"]
    methods = [f.payload["notification"]["method"] for f in told]
    assert methods[0] == "_tandem/agent" and set(methods[1:]) == {"session/update"}
    assert told[0].payload["notification"]["params"]["continued"] is True
    assert host.shared.snapshot()["agent"]["name"] == "Example agent"


def test_what_the_host_hides_is_not_told(share):
    host = share("--hide", "modes,commands,usage")
    run_to_its_end(host, "go")
    agent = host.shared.snapshot()["agent"]
    assert set(agent) == {"name", "version", "capabilities", "title", "plan"}
