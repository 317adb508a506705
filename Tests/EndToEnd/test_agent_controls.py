"""Changes of how the agent works, decided on like prompts, and prompts that interrupt; the example agent over two nodes."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from support.host import Host, run_to_its_end, spoken, updates
from support.nodes import binary

EXAMPLE = [binary(), "example-agent", "--fast"]


@pytest.fixture
def share(processes, cluster, tmp_path):
    def share(*options: str) -> Host:
        return Host(processes, cluster.api, EXAMPLE, "--cwd", str(tmp_path), *options)

    return share


def control(shared, body: dict, who, status: int = 200):
    return shared.api.post(f"{shared.path}/controls", body, who).expect(status)


def until_end(stream, approval_id: str) -> list:
    frames = []
    while True:
        frames.append(stream.next(60))
        ended = frames[-1].type in ("prompt_dispatch_completed", "prompt_dispatch_failed")
        if ended and frames[-1].payload["approvalId"] == approval_id:
            return frames


def test_a_guest_proposes_a_mode_and_the_host_approves_it(share):
    host = share()
    shared = host.shared
    guest = shared.join()
    with shared.stream(guest) as stream:
        answer = control(shared, {"kind": "mode", "id": "mode", "value": "ask"}, guest)
        approval = answer["approval"]
        assert answer["status"] == "pending" and approval["kind"] == "control"
        assert approval["control"] == {"kind": "mode", "value": "ask"}
        seen = hashlib.sha256(approval["prompt"].encode()).hexdigest()
        body = {"action": "approve", "promptHash": seen}
        shared.api.post(f"{shared.path}/approvals/{approval['id']}", body, shared.host).expect(200)
        frames = until_end(stream, approval["id"])
    assert frames[-1].type == "prompt_dispatch_completed"
    assert [u for u in updates(frames) if u["sessionUpdate"] == "current_mode_update"] == [
        {"sessionUpdate": "current_mode_update", "currentModeId": "ask"}
    ]
    assert shared.snapshot()["agent"]["mode"] == "ask"
    # From now on it asks before it edits.
    frames = run_to_its_end(host, "go", "reject")
    assert "Without permission" in spoken(frames)


def test_an_option_is_set_in_its_order_among_the_prompts(share):
    host = share()
    shared = host.shared
    with shared.stream(shared.host) as stream:
        shared.prompt("first", shared.host)
        control(shared, {"kind": "option", "id": "tone", "value": "formal"}, shared.host)
        aloud = control(shared, {"kind": "option", "id": "aloud", "value": True}, shared.host)["approval"]
        last = shared.prompt("last", shared.host)
        frames = until_end(stream, last["id"])
    said = spoken(frames)
    assert said.index("friendlier now") < said.index("more formal now")
    assert any(u["sessionUpdate"] == "agent_thought_chunk" for u in updates(frames))
    started = [f.payload["approvalId"] for f in frames if f.type == "prompt_dispatch_started"]
    assert len(started) == 4 and started.index(aloud["id"]) == 2
    options = {o["id"]: o["currentValue"] for o in shared.snapshot()["agent"]["options"]}
    assert options == {"tone": "formal", "aloud": True}


def test_what_the_agent_does_not_offer_is_refused(share):
    shared = share().shared
    guest, viewer = shared.join(), shared.join(role="viewer")
    for body in (
        {"kind": "mode", "id": "mode", "value": "fly"},
        {"kind": "option", "id": "tone", "value": "rude"},
        {"kind": "option", "id": "aloud", "value": "true"},
        {"kind": "option", "id": "none", "value": "formal"},
    ):
        assert control(shared, body, shared.host, 409)["code"] == "CONTROL_NOT_AVAILABLE"
        assert control(shared, body, guest, 409)["code"] == "CONTROL_NOT_AVAILABLE"
    fine = {"kind": "mode", "id": "mode", "value": "ask"}
    assert control(shared, fine, viewer, 403)["code"] == "PROMPT_NOT_ALLOWED"
    for body, code in (
        ({}, "INVALID_BODY"),
        ({"kind": "mode"}, "INVALID_BODY"),
        ({"kind": 7, "value": "ask"}, "INVALID_BODY"),
        ({"kind": "speed", "id": "x", "value": "y"}, "INVALID_FIELD"),
        ({"kind": "option", "value": "formal"}, "INVALID_BODY"),
        ({"kind": "option", "id": "tone", "value": 5}, "INVALID_BODY"),
        ({"kind": "option", "id": "", "value": "x"}, "INVALID_FIELD"),
        ({"kind": "mode", "value": "x" * 257}, "INVALID_FIELD"),
    ):
        assert control(shared, body, shared.host, 400)["code"] == code, body


def test_a_prompt_that_interrupts_stops_the_turn_and_runs_next(share):
    host = share()
    shared = host.shared
    guest = shared.join()
    with shared.stream(guest) as stream:
        long = shared.prompt("long 600", shared.host)
        stream.until("host_session_update")
        waiting = shared.prompt("wait for it", shared.host)
        body = {"prompt": "stop and do this", "delivery": "interrupt"}
        steering = shared.api.post(f"{shared.path}/prompts", body, guest).expect(200)["approval"]
        assert steering["status"] == "pending" and steering["delivery"] == "interrupt"
        shared.resolve(steering["id"])
        frames = until_end(stream, waiting["id"])
    ends = [f.payload for f in frames if f.type == "prompt_dispatch_completed"]
    assert [e["approvalId"] for e in ends] == [long["id"], steering["id"], waiting["id"]]
    assert ends[0]["stopReason"] == "cancelled"
    assert ends[0]["interruptedByApprovalId"] == steering["id"]
    assert ends[0]["interruptedByParticipantId"] == shared.host.id
    assert all("interruptedByApprovalId" not in end for end in ends[1:])
    started = [f.payload["approvalId"] for f in frames if f.type == "prompt_dispatch_started"]
    assert started == [steering["id"], waiting["id"]]
    body["delivery"] = "tomorrow"
    assert shared.api.post(f"{shared.path}/prompts", body, guest).expect(400)["code"] == "INVALID_FIELD"


def test_an_agent_that_refuses_a_change_fails_only_that(processes, cluster, tmp_path):
    agent = Path(__file__).parent / "agents" / "flooding_agent.py"
    host = Host(processes, cluster.api, [sys.executable, str(agent)], "--cwd", str(tmp_path))
    shared = host.shared
    with shared.stream(shared.host) as stream:
        approval = control(shared, {"kind": "mode", "value": "stubborn"}, shared.host)["approval"]
        last = shared.prompt("go on", shared.host)
        frames = until_end(stream, last["id"])
    failed = next(f for f in frames if f.type == "prompt_dispatch_failed")
    assert failed.payload["approvalId"] == approval["id"] and "no such mode" in failed.payload["error"]
    assert frames[-1].type == "prompt_dispatch_completed"
    assert shared.snapshot()["agent"]["mode"] == "plain"


def test_an_agent_that_floods_its_state_stays_within_its_bounds(processes, cluster, tmp_path):
    agent = Path(__file__).parent / "agents" / "flooding_agent.py"
    host = Host(processes, cluster.api, [sys.executable, str(agent)], "--cwd", str(tmp_path))
    shared = host.shared
    other = Host(processes, cluster.api, EXAMPLE, "--cwd", str(tmp_path))
    frames = run_to_its_end(host, "flood")
    assert frames[-1].type == "prompt_dispatch_completed"
    reply = shared.api.get(shared.path, shared.host)
    agent_state = reply.expect(200)["agent"]
    assert agent_state["truncated"] is True
    assert len(agent_state["commands"]) == 500 and len(agent_state["options"]) <= 500
    assert len(json.dumps(agent_state)) < 12 * 64 * 1024
    # Everybody sees the updates as they are, and nobody else notices.
    kinds = [u["sessionUpdate"] for u in updates(frames)]
    assert kinds.count("available_commands_update") == 30 and kinds.count("config_option_update") == 30
    assert "friendlier now" in spoken(run_to_its_end(other, "go"))
