"""`tandem host` with the example agent and with one on the public SDK: approved prompts run, their output is seen."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from support import shapes
from support.client import API
from support.host import Host, spoken, turn, updates
from support.nodes import binary
from support.processes import children, clean_environment
from support.waiting import eventually

SDK_AGENT = [sys.executable, str(Path(__file__).parent / "agents" / "sdk_agent.py")]


@pytest.fixture
def api(cluster) -> API:
    """Always both nodes: what a bridge does does not depend on it, and starting agents takes its time."""
    return cluster.api


@pytest.fixture(params=["example", "sdk"])
def agent(request) -> list[str]:
    return [binary(), "example-agent"] if request.param == "example" else SDK_AGENT


@pytest.fixture
def host(processes, api, agent) -> Host:
    return Host(processes, api, agent)


def run(shared, text, stream):
    """A guest's prompt, approved; every frame up to the end of its turn."""
    pending = shared.prompt(text, shared.join())
    shared.resolve(pending["id"])
    frames = []
    while not frames or frames[-1].type not in ("prompt_dispatch_completed", "prompt_dispatch_failed"):
        frames.append(stream.next(60))
    assert frames[-1].payload["approvalId"] == pending["id"]
    return frames


def test_the_first_line_says_what_is_shared(host, api):
    host.check_first_line()
    assert shapes.session(host.shared.session)["mode"] == "prompt_with_approval"
    known = api.get(f"/api/host-sessions/{host.first['hostSessionId']}").expect(200)["hostSession"]
    assert known["agent"]["name"] and known["sharedSessionIds"] == [host.first["sharedSessionId"]]


def test_an_approved_prompt_runs_and_its_output_is_on_the_stream_and_on_standard_output(host):
    shared = host.shared
    with shared.stream() as stream:
        frames = run(shared, "say something nice", stream)
    assert turn(frames) == [
        "participant_joined",
        "prompt_pending_approval",
        "prompt_approved",
        "prompt_dispatch_started",
        "host_session_update",
        "prompt_dispatch_completed",
    ]
    assert frames[-1].payload["stopReason"] == "end_turn"
    assert "say something nice" in spoken(frames)
    kinds = {u["sessionUpdate"] for u in updates(frames)}
    assert {"agent_message_chunk", "plan", "tool_call", "tool_call_update"} <= kinds
    host.wait_printed("prompt_dispatch_completed")
    printed = [e for e in host.printed if e["type"] in {f.type for f in frames}]
    assert [e for e in printed if e in [f.event for f in frames]] == [f.event for f in frames]


def test_a_rejected_prompt_never_reaches_the_agent(host):
    shared = host.shared
    with shared.stream() as stream:
        rejected = shared.prompt("do not do this", shared.join())
        shared.resolve(rejected["id"], "reject")
        frames = run(shared, "but this", stream)
    started = [f.payload["approvalId"] for f in frames if f.type == "prompt_dispatch_started"]
    assert rejected["id"] not in started and len(started) == 1
    assert "do not do this" not in spoken(frames)


def test_prompts_run_one_after_another_in_approval_order(host):
    shared = host.shared
    guest = shared.join()
    waiting = [shared.prompt(f"number {n}", guest) for n in range(4)][::-1]
    with shared.stream() as stream:
        for pending in waiting:
            shared.resolve(pending["id"])
        frames = []
        while sum(f.type == "prompt_dispatch_completed" for f in frames) < 4:
            frames.append(stream.next(60))
    turns = [(f.type, f.payload["approvalId"]) for f in frames if f.type.startswith("prompt_dispatch")]
    assert turns == [(f"prompt_dispatch_{what}", p["id"]) for p in waiting for what in ("started", "completed")]


@pytest.mark.parametrize(("permissions", "granted"), [("allow", True), ("reject", False)])
def test_permissions_can_be_decided_beforehand(processes, api, agent, permissions, granted):
    host = Host(processes, api, agent, "--permissions", permissions)
    shared = host.shared
    with shared.stream() as stream:
        frames = run(shared, "with permission please", stream)
    assert frames[-1].payload.get("stopReason") == "end_turn", frames[-1]
    said = spoken(frames)
    if "permission:" in said:
        assert f"permission: {'yes' if granted else 'no'}" in said
    else:
        assert ("the greeting is friendlier now" in said) is granted
        assert ("Without permission the file stays" in said) is not granted
    assert not any(f.type.startswith("permission_") for f in frames)


def test_a_long_turn_is_cancelled(host, api):
    shared = host.shared
    with shared.stream() as stream:
        pending = shared.prompt("a long turn", shared.join())
        shared.resolve(pending["id"])
        stream.until("host_session_update", 60)
        assert api.post(f"{shared.path}/cancel", None, shared.host).expect(202) == {"cancelling": True}
        assert stream.until("prompt_dispatch_completed", 60)[-1].payload["stopReason"] == "cancelled"
        assert run(shared, "and go on", stream)[-1].payload["stopReason"] == "end_turn"


def test_an_agent_that_crashes_fails_the_prompt(host):
    shared = host.shared
    with shared.stream() as stream:
        failed = run(shared, "crash now", stream)[-1]
        assert failed.type == "prompt_dispatch_failed" and len(failed.payload["error"]) > 10
    assert shared.approval(failed.payload["approvalId"])["status"] == "failed"


@pytest.mark.parametrize(("word", "end"), [("fail", "prompt_dispatch_failed"), ("refuse", "prompt_dispatch_completed")])
def test_an_agent_that_answers_with_an_error_or_refuses(processes, api, word, end):
    host = Host(processes, api, SDK_AGENT)
    shared = host.shared
    with shared.stream() as stream:
        last = run(shared, f"please {word}", stream)[-1]
        assert last.type == end
        if end.endswith("completed"):
            assert last.payload["stopReason"] == "refusal"
        assert run(shared, "and go on", stream)[-1].payload.get("stopReason") == "end_turn"


def test_a_terminated_host_stops_its_agent_and_exits_cleanly(processes, api, agent):
    host = Host(processes, api, agent)
    agents = children(host.process.pid)
    assert agents, "the agent is a child of the bridge"
    assert host.process.terminate() == 0
    eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in agents), "the agent to end")


def test_the_host_ends_with_its_session(processes, api, agent):
    host = Host(processes, api, agent)
    agents = children(host.process.pid)
    host.shared.close()
    assert host.process.wait(30) == 0
    assert host.printed[-1]["type"] == "session_closed"
    eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in agents), "the agent to end")


def test_options_reach_the_session(processes, api):
    agent = [binary(), "example-agent"]
    options = ["--mode", "comment_only", "--expires", "45", "--name", "Ada", "--user", "ada", "--workspace", "w1"]
    shared = Host(processes, api, agent, *options).shared
    session = shared.session
    assert (session["mode"], session["hostUserId"], session["workspaceId"]) == ("comment_only", "ada", "w1")
    assert session["expiresAt"] > session["createdAt"]
    assert shared.snapshot()["participants"][0]["displayName"] == "Ada"


def test_a_host_without_a_server_or_agent_says_so(processes, cluster):
    environment = clean_environment()
    nobody = processes.start(
        "nobody",
        [binary(), "host", "--server", "http://127.0.0.1:9", "--json", "--", *SDK_AGENT],
        environment=environment,
    )
    assert nobody.wait(60) not in (0, None) and nobody.lines == []
    missing = processes.start(
        "missing",
        [binary(), "host", "--server", cluster.bases[0], "--json", "--", "no-such-agent-anywhere"],
        environment=environment,
    )
    assert missing.wait(60) > 0 and missing.lines == []
    assert "no-such-agent-anywhere" in missing.log_path.read_text()
