"""The agent asks in the middle of a turn: real bridges and agents, people on another node, and everything that dies."""

from __future__ import annotations

import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support import shapes
from support.bridge import Bridge
from support.client import API, Credentials
from support.host import Host, spoken
from support.nodes import Node, binary
from support.processes import children
from support.redis_server import RedisServer
from support.scenario import share
from support.terminal import Terminal
from support.waiting import eventually, holds
from test_command_line import run
from test_terminal import Sharing

EXAMPLE = [binary(), "example-agent"]
SDK_AGENT = [sys.executable, str(Path(__file__).parent / "agents" / "sdk_agent.py")]
TURN_ENDS = ("prompt_dispatch_completed", "prompt_dispatch_failed")


def ask(shared, stream, text="with permission please"):
    """Runs a prompt whose turn asks; the request, and the frames up to it."""
    guest = shared.join()
    pending = shared.prompt(text, guest)
    shared.resolve(pending["id"])
    frames = stream.until("permission_requested", 60)
    asked = shapes.approval(frames[-1].payload["approval"])
    assert (asked["kind"], asked["status"], asked["participantId"]) == ("permission", "pending", guest.id)
    assert frames[-1].payload["participant"]["id"] == guest.id
    return asked, frames


def rest(stream):
    """The frames up to the end of the turn."""
    frames = [stream.next(60)]
    while frames[-1].type not in TURN_ENDS:
        frames.append(stream.next(60))
    return frames


def about(frames):
    """The types of the frames about permissions, in order."""
    return [f.type for f in frames if f.type.startswith("permission_")]


@pytest.mark.parametrize("agent", [EXAMPLE, SDK_AGENT], ids=["example", "sdk"])
@pytest.mark.parametrize("granted", [True, False], ids=["allowed", "rejected"])
def test_a_delegate_answers_from_the_other_node(processes, cluster, agent, granted):
    host = Host(processes, cluster.api, agent, server=cluster.bases[0])
    shared = host.shared
    dora = shared.delegate()
    with shared.stream(base=cluster.bases[1]) as stream:
        asked, _ = ask(shared, stream)
        assert asked["toolCall"]["title"] == asked["prompt"]
        assert [o["kind"] for o in asked["options"]] == ["allow_once", "reject_once"]
        holds(lambda: shared.approval(asked["id"])["status"] == "pending", "it waits", 0.3)
        option = asked["options"][0 if granted else 1]["optionId"]
        answered = cluster.api.post(
            f"{shared.path}/approvals/{asked['id']}", {"optionId": option}, dora, base=cluster.bases[1]
        ).expect(200)["approval"]
        shapes.approval(answered)
        assert (answered["optionId"], answered["resolvedByParticipantId"]) == (option, dora.id)
        late = cluster.api.post(f"{shared.path}/approvals/{asked['id']}", {"action": "approve"}, shared.host)
        assert "by user-" in late.expect(409, "APPROVAL_ALREADY_RESOLVED")["error"]
        frames = rest(stream)
    assert about(frames) == ["permission_resolved"]
    assert frames[-1].payload["stopReason"] == "end_turn"
    said = spoken(frames)
    if agent is EXAMPLE:
        assert ("the greeting is friendlier now" in said) is granted
        assert ("Without permission the file stays" in said) is not granted
    else:
        assert f"permission: {option}" in said
    assert host.wait_printed("permission_resolved")["payload"]["approval"] == answered


def test_a_turn_that_is_cancelled_takes_its_question_with_it(processes, cluster):
    shared = Host(processes, cluster.api, EXAMPLE).shared
    with shared.stream() as stream:
        asked, _ = ask(shared, stream)
        cancelled = cluster.api.post(f"{shared.path}/cancel", None, shared.host).expect(202)
        assert cancelled == {"cancelling": True}
        late = cluster.api.post(f"{shared.path}/approvals/{asked['id']}", {"action": "approve"}, shared.host)
        late.expect(409, "APPROVAL_ALREADY_RESOLVED")
        frames = rest(stream)
        assert about(frames) == ["permission_withdrawn"]
        withdrawn = next(f for f in frames if f.type == "permission_withdrawn").payload
        assert withdrawn["reason"] == "turn_cancelled" and withdrawn["approval"]["status"] == "withdrawn"
        assert frames[-1].payload["stopReason"] == "cancelled"
        # The next turn asks anew.
        again, _ = ask(shared, stream)
        shared.answer(again["id"], "allow")
        assert "friendlier now" in spoken(rest(stream))


def test_the_bridges_node_dies_while_it_waits_and_the_answer_is_given_meanwhile(processes):
    redis = RedisServer(processes)
    lost, other = (Node(processes, redis.url).wait_ready() for _ in range(2))
    host = Host(processes, other.api, EXAMPLE, "--server", other.base, server=lost.base)
    shared = host.shared
    with shared.stream() as stream:
        asked, _ = ask(shared, stream)
        lost.process.kill()
        answered = shared.answer(asked["id"], "allow")
        assert answered["status"] == "approved"
        frames = rest(stream)
    assert frames[-1].payload.get("stopReason") == "end_turn", "the turn outlived the node"
    assert "the greeting is friendlier now" in spoken(frames)
    assert about(frames) == ["permission_resolved"]
    redis.remove()


@pytest.mark.timeout(240)
def test_many_questions_while_nodes_are_killed_are_each_answered_once(processes):
    """Two people answer each question at once while the bridge's node dies; the agent does what the session shows."""
    redis = RedisServer(processes)
    nodes = [Node(processes, redis.url).wait_ready() for _ in range(2)]
    ports = [int(node.base.rpartition(":")[2]) for node in nodes]
    bases = [node.base for node in nodes]
    servers = [argument for base in bases[1:] for argument in ("--server", base)]
    shared = Host(processes, nodes[0].api, EXAMPLE, *servers, server=bases[0]).shared
    people = [shared.host, shared.delegate()]
    cursor = "earliest"
    for number in range(6):
        at = number % 2
        alive = bases[1 - at]
        with shared.stream(base=alive, since=cursor) as stream:
            shared.api = API([alive])
            asked, _ = ask(shared, stream)
            nodes[at].process.kill()
            with ThreadPoolExecutor(2) as pool:
                replies = list(
                    pool.map(
                        lambda pair, id=asked["id"]: shared.api.post(
                            f"{shared.path}/approvals/{id}", {"optionId": pair[1]}, pair[0]
                        ),
                        zip(people, ("allow", "reject"), strict=True),
                    )
                )
            assert sorted(reply.status for reply in replies) == [200, 409], replies
            winner = replies[0] if replies[0].status == 200 else replies[1]
            nodes[at] = Node(processes, redis.url, port=ports[at]).wait_ready()
            frames = rest(stream)
            cursor = stream.last_id
        assert about(frames) == ["permission_resolved"]
        assert frames[-1].payload.get("stopReason") == "end_turn", frames[-1]
        allowed = winner.json["approval"]["optionId"] == "allow"
        assert ("the greeting is friendlier now" in spoken(frames)) is allowed
        assert ("Without permission the file stays" in spoken(frames)) is not allowed
    redis.remove()


def test_every_node_dies_while_it_waits_and_the_question_is_still_there(processes):
    """Nobody can answer while no node is there; afterwards it is the same question, asked once."""
    redis = RedisServer(processes)
    node = Node(processes, redis.url).wait_ready()
    port = int(node.base.rpartition(":")[2])
    shared = Host(processes, node.api, EXAMPLE, server=node.base).shared
    with shared.stream() as stream:
        asked, _ = ask(shared, stream)
        cursor = stream.last_id
    node.process.kill()
    Node(processes, redis.url, port=port).wait_ready()
    shared.answer(asked["id"], "reject")
    with shared.stream(since=cursor) as stream:
        frames = rest(stream)
    assert about(frames) == ["permission_resolved"]
    assert "Without permission the file stays" in spoken(frames)
    redis.remove()


def test_closing_the_session_refuses_and_lets_the_turn_end(processes, cluster):
    host = Host(processes, cluster.api, EXAMPLE)
    shared = host.shared
    with shared.stream() as stream:
        ask(shared, stream)
        shared.close()
        frames = stream.wait_end()
    assert [f.type for f in frames][-2:] == ["permission_withdrawn", "session_closed"]
    assert frames[-2].payload["reason"] == "session_closed"
    assert host.process.wait(30) == 0


def test_an_agent_that_dies_takes_its_question_with_it(processes, cluster):
    host = Host(processes, cluster.api, SDK_AGENT)
    shared = host.shared
    with shared.stream() as stream:
        asked, _ = ask(shared, stream)
        for pid in children(host.process.pid):
            os.kill(pid, signal.SIGKILL)
        frames = rest(stream)
    assert about(frames) == ["permission_withdrawn"] and frames[-1].type == "prompt_dispatch_failed"
    assert shared.approval(asked["id"])["status"] == "withdrawn"
    exported = [json.loads(line) for line in cluster.api.get(f"{shared.path}/export", shared.host).content.splitlines()]
    kept = [e["payload"]["approval"] for e in exported if e["type"].startswith("permission_")]
    assert [(a["id"], a["status"]) for a in kept] == [(asked["id"], "pending"), (asked["id"], "withdrawn")]


def test_a_killed_bridge_leaves_no_question(processes, make_cluster):
    cluster = make_cluster(2, TANDEM_DISPATCH_LEASE="2s")
    host = Host(processes, cluster.api, EXAMPLE)
    shared = host.shared
    with shared.stream() as stream:
        asked, _ = ask(shared, stream)
        host.process.kill()
        frames = rest(stream)
    assert about(frames) == ["permission_withdrawn"] and frames[-1].type == "prompt_dispatch_failed"
    assert shared.approval(asked["id"])["reason"] == "turn_failed"


def test_a_bridge_asks_through_any_node_and_reads_the_answer_on_another(cluster):
    """What any bridge can do, without ours."""
    shared = share(cluster.api)
    path = f"/api/host-sessions/{shared.agent.id}/permissions"
    with Bridge(cluster.api, shared.agent, cluster.bases[0]) as bridge:
        shared.prompt("go")
        dispatch = bridge.take()
        options = [{"optionId": "y", "name": "Yes", "kind": "allow_once"}]
        body = {"dispatchId": dispatch["dispatchId"], "toolCall": {"toolCallId": "c"}, "options": options}
        cluster.api.post(path, body, shared.agent).expect(409, "DISPATCH_CONFLICT")
        bridge.start(dispatch)
        keyed = {"headers": {"Idempotency-Key": "ask-1"}}
        asked = [
            cluster.api.post(path, body, shared.agent, base=base, **keyed).expect(201)["approval"]
            for base in cluster.bases
        ]
        assert asked[0] == asked[1]
        shown = run("inspect", shared.id, "--redis", cluster.redis.url).stdout
        assert "permission requests of the agent that wait (1)" in shown and asked[0]["id"] in shown
        for base in cluster.bases:
            found = cluster.api.get(f"{path}/{asked[0]['id']}", shared.agent, base=base).expect(200)
            assert found == {"approval": asked[0]}
        cluster.api.post(
            f"{shared.path}/approvals/{asked[0]['id']}", {"optionId": "n"}, shared.host
        ).expect(400, "INVALID_OPTION")  # fmt: skip
        shared.answer(asked[0]["id"], "y")
        frame = bridge.stream.next()
        assert (frame.type, frame.payload["optionId"]) == ("permission", "y")
        bridge.complete(dispatch)


def test_requests_that_wait_are_bounded_and_counted(make_cluster):
    cluster = make_cluster(1, TANDEM_LIMITS_PENDING_PERMISSIONS=2, TANDEM_LIMITS_TOOL_CALL=2048)
    shared = share(cluster.api)
    path = f"/api/host-sessions/{shared.agent.id}/permissions"
    with Bridge(cluster.api, shared.agent) as bridge:
        shared.prompt("go")
        dispatch = bridge.take()
        bridge.start(dispatch)

        def request(**tool_call):
            options = [{"optionId": "y", "name": "Yes", "kind": "allow_once"}]
            body = {"dispatchId": dispatch["dispatchId"], "toolCall": tool_call, "options": options}
            return cluster.api.post(path, body, shared.agent)

        assert "2048" in request(title="x" * 2048).expect(400, "INVALID_FIELD")["error"]
        first = request(title="one").expect(201)["approval"]
        request(title="two").expect(201)
        assert "waiting" in request(title="three").expect(409, "APPROVAL_LIMIT")["error"]
        shared.answer(first["id"], "y")
        request(title="four").expect(201)
    metrics = cluster.nodes[0].metrics()
    assert metrics["tandem_permissions_requested_total"] == 3
    assert metrics["tandem_permissions_refused_total"] == 1


# In the terminal


@pytest.fixture
def sharing(cluster):
    argv = [binary(), "host", "--server", cluster.bases[0], "--", *EXAMPLE]
    with Terminal(argv) as terminal:
        yield Sharing(terminal, cluster.api)


def asked_in_terminal(sharing):
    """The request that the terminal shows as a question."""
    sharing.propose("with permission please")
    sharing.terminal.expect("proposes")
    sharing.terminal.type("a p1\n")
    sharing.terminal.expect("Reject it", 60)

    def pending():
        approvals = sharing.api.get(sharing.path).expect(200)["approvals"]
        return next((a for a in approvals if a["kind"] == "permission" and a["status"] == "pending"), None)

    return eventually(pending, "the request in the session")


def test_a_question_answered_in_the_session_is_taken_back_in_the_terminal(sharing, cluster):
    link = sharing.terminal.text.split("#host=")[1].split()[0]
    host = Credentials(*link.split("."))
    sharing.api.patch(f"{sharing.path}/participants/{sharing.guest.id}", {"canApprove": True}, host).expect(200)
    asked = asked_in_terminal(sharing)
    sharing.api.post(f"{sharing.path}/approvals/{asked['id']}", {"optionId": "reject"}, sharing.guest).expect(200)
    shown = sharing.terminal.expect("Without permission", 60)
    assert "grace has answered the agent (Edit greeting.txt): Reject it" in shown
    sharing.terminal.type("q2 1\n")
    sharing.terminal.expect("q2 is answered, by somebody else. Your line did nothing.")


def test_a_question_answered_in_the_terminal_is_the_hosts_answer_in_the_session(sharing):
    asked = asked_in_terminal(sharing)
    sharing.terminal.type("q2 1\n")
    sharing.terminal.expect("the greeting is friendlier now", 60)
    answered = sharing.approval(asked["id"])
    assert (answered["status"], answered["optionId"]) == ("approved", "allow")
    people = sharing.api.get(sharing.path).expect(200)["participants"]
    assert answered["resolvedByParticipantId"] == next(p["id"] for p in people if p["role"] == "host")


def test_terminal_and_session_at_once_are_one_answer(sharing):
    """Whoever was first: the agent did what the session shows."""
    host = Credentials(*sharing.terminal.text.split("#host=")[1].split()[0].split("."))
    asked = asked_in_terminal(sharing)
    sharing.terminal.type("q2 1\n")
    reply = sharing.api.post(f"{sharing.path}/approvals/{asked['id']}", {"optionId": "reject"}, host)
    assert reply.status == 200 or reply.expect(409, "APPROVAL_ALREADY_RESOLVED")
    answered = eventually(
        lambda: (a := sharing.approval(asked["id"]))["status"] != "pending" and a, "one of the answers"
    )
    assert answered["optionId"] == ("reject" if reply.status == 200 else "allow")
    said = "Without permission" if answered["optionId"] == "reject" else "the greeting is friendlier now"
    sharing.terminal.expect(said, 60)
