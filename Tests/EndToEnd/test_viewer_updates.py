"""What viewers see of the agent's work: all, or neither its thoughts nor what is raw, wherever it leaves a node."""

from __future__ import annotations

import json
import threading

import pytest

from support import shapes
from support.bridge import Bridge
from support.combined import Combined, ask
from support.host import Host
from support.nodes import binary
from support.scenario import ROOT, register_host, share
from support.waiting import eventually

SECRET = "c3VwZXJzZWNyZXQ"


@pytest.fixture(scope="module")
def api(module_cluster):
    return module_cluster(2, TANDEM_STREAM_HEARTBEAT="200ms").api


def update(kind: str, **fields) -> dict:
    params = {"sessionId": "s", "update": {"sessionUpdate": kind} | fields}
    return {"jsonrpc": "2.0", "method": "session/update", "params": params}


def thought(text: str = SECRET) -> dict:
    return update("agent_thought_chunk", content={"type": "text", "text": text})


def tool_call(number: int = 0) -> dict:
    return update("tool_call", toolCallId=f"t{number}", title="read", rawInput={"path": SECRET}, rawOutput=SECRET)


def said(text: str) -> dict:
    return update("agent_message_chunk", content={"type": "text", "text": text})


def notify(shared, *notifications: dict) -> None:
    body = {"notifications": list(notifications)}
    shared.api.post(f"/api/host-sessions/{shared.agent.id}/notifications", body, shared.agent).expect(202)


def set_updates(shared, value: str, who=None) -> None:
    session = shared.api.patch(shared.path, {"viewerUpdates": value}, who or shared.host).expect(200)["session"]
    assert session["viewerUpdates"] == value


def set_role(shared, who, role: str) -> None:
    shared.api.patch(f"{shared.path}/participants/{who.id}", {"role": role}, shared.host).expect(200)


def updates(frames) -> list[dict]:
    return [f.payload["notification"]["params"]["update"] for f in frames if f.type == "host_session_update"]


def export(shared, who=None) -> bytes:
    reply = shared.api.get(f"{shared.path}/export", who)
    assert reply.status == 200, reply.content
    return reply.content


def test_it_is_part_of_the_session_and_the_hosts_to_change(api):
    shared = share(api)
    assert shapes.session(shared.session)["viewerUpdates"] == "all"
    reduced = share(api, viewerUpdates="reduced")
    assert reduced.session["viewerUpdates"] == reduced.snapshot()["session"]["viewerUpdates"] == "reduced"
    listed = api.get(ROOT, query={"hostSessionId": reduced.agent.id}).expect(200)["sessions"]
    assert [s["viewerUpdates"] for s in listed] == ["reduced"]
    with shared.stream() as stream:
        set_updates(shared, "reduced")
        assert stream.expect("session_updated").payload["session"]["viewerUpdates"] == "reduced"
        api.patch(shared.path, {"mode": "view_only"}, shared.host).expect(200)
        assert stream.expect("session_updated").payload["session"]["viewerUpdates"] == "reduced"
    for wrong in ("none", "ALL", ""):
        api.patch(shared.path, {"viewerUpdates": wrong}, shared.host).expect(400, "INVALID_FIELD")
        body = {"hostSessionId": shared.agent.id, "hostUserId": "h", "viewerUpdates": wrong}
        api.post(ROOT, body).expect(400, "INVALID_FIELD")
    api.patch(shared.path, {"viewerUpdates": 1}, shared.host).expect(400, "INVALID_BODY")
    api.patch(shared.path, {"viewerUpdates": "all"}, shared.join()).expect(403, "HOST_REQUIRED")


def test_live_replayed_exported(api):
    shared = share(api, viewerUpdates="reduced")
    viewer, collaborator = shared.join(role="viewer"), shared.join()
    with shared.stream(viewer, tells_positions=True) as less, shared.stream(collaborator) as all_of_it:
        ended = update("tool_call_update", toolCallId="t0", rawOutput=SECRET)
        notify(shared, thought(), said("one"), tool_call(), ended)
        notify(shared, thought(), said("last"))
        seen = updates(less.until("host_session_update") + [less.expect("host_session_update") for _ in range(3)])
        assert seen == [
            {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "one"}},
            {"sessionUpdate": "tool_call", "toolCallId": "t0", "title": "read"},
            {"sessionUpdate": "tool_call_update", "toolCallId": "t0"},
            {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "last"}},
        ]
        assert len([all_of_it.expect("host_session_update") for _ in range(6)]) == 6
        assert SECRET.encode() not in less.raw and SECRET.encode() in all_of_it.raw
        notify(shared, thought())
        newest = shared.snapshot()["cursor"]
        eventually(lambda: less.parser.last_id == newest, "the position past a thought")
    for who, is_reduced in ((viewer, True), (None, True), (collaborator, False), (shared.host, False)):
        assert (SECRET.encode() not in export(shared, who)) == is_reduced
    lines = [json.loads(line) for line in export(shared, viewer).splitlines()]
    with shared.stream(viewer, since="earliest") as stream:
        replayed = [stream.next().event for _ in lines]
        assert replayed == lines
        assert SECRET.encode() not in stream.raw
    # Somebody else's token is refused, also where none is needed: a client's mistake does not stay hidden.
    wrong = collaborator.__class__(collaborator.id, viewer.token)
    api.get(f"{shared.path}/export", wrong).expect(403, "INVALID_PARTICIPANT_TOKEN")
    shared.close()
    assert SECRET.encode() not in export(shared, viewer) and SECRET.encode() in export(shared, collaborator)


def test_every_change_counts_for_what_comes_after_it_on_open_streams(api):
    shared = share(api)
    guest = shared.join(role="viewer")
    with shared.stream(guest, tells_positions=True) as stream, shared.stream() as host:
        expected = []

        def step(number: int, is_seen: bool) -> None:
            notify(shared, thought(f"thought {number}"), said(f"said {number}"))
            expected.extend([f"thought {number}"] * is_seen + [f"said {number}"])

        step(0, True)
        set_updates(shared, "reduced")
        step(1, False)
        set_role(shared, guest, "collaborator")
        step(2, True)
        set_role(shared, guest, "viewer")
        step(3, False)
        set_updates(shared, "all")
        step(4, True)
        set_updates(shared, "reduced")
        set_role(shared, guest, "collaborator")
        api.post(f"{shared.path}/host", {"newHostParticipantId": guest.id}, shared.host).expect(200)
        api.patch(f"{shared.path}/participants/{shared.host.id}", {"role": "viewer"}, guest).expect(200)
        notify(shared, thought("thought 5"), said("said 5"))
        expected += ["thought 5", "said 5"]

        def texts(one) -> list[str]:
            return [u["content"]["text"] for u in updates(one.frames)]

        stream.wait_for(lambda: texts(stream)[-1:] == ["said 5"], "the last")
        assert texts(stream) == expected
        host.wait_for(lambda: texts(host)[-1:] == ["said 5"], "the last")
        assert "thought 5" not in texts(host) and "thought 3" in texts(host), "who gave the role away is a viewer now"
    # What may be read of the past is decided by who asks now.
    assert b"thought 1" in export(shared, guest) and b"thought 4" not in export(shared, shared.host)


def test_changes_that_race_with_updates_cut_every_stream_at_the_same_place(api):
    """Two viewers on two nodes; whatever the order in Redis turns out to be, both see exactly what it allows."""
    agent = register_host(api)
    shared = share(api, agent)
    viewers = [shared.join(role="viewer") for _ in range(2)]
    streams = [shared.stream(v, base=base, tells_positions=True) for v, base in zip(viewers, api.bases, strict=True)]
    host = shared.stream()

    def write() -> None:
        for n in range(150):
            notify(shared, thought(f"{n}"), tool_call(n))

    writer = threading.Thread(target=write)
    writer.start()
    for n in range(25):
        set_updates(shared, "reduced" if n % 2 == 0 else "all")
        set_role(shared, viewers[0], "collaborator" if n % 3 == 0 else "viewer")
    writer.join()
    shared.close()
    everything = [f.event for f in host.until("session_closed")]
    for viewer, stream in zip(viewers, streams, strict=True):
        expected, setting, role = [], "all", "viewer"
        for event in everything:
            less = setting == "reduced" and role == "viewer"
            event = json.loads(json.dumps(event))
            if event["type"] == "host_session_update":
                content = event["payload"]["notification"]["params"]["update"]
                if less and content["sessionUpdate"] == "agent_thought_chunk":
                    continue
                if less:
                    content.pop("rawInput"), content.pop("rawOutput")
            if event["type"] == "session_updated":
                setting = event["payload"]["session"]["viewerUpdates"]
            if event["type"] == "participant_updated" and event["payload"]["participant"]["id"] == viewer.id:
                role = event["payload"]["participant"]["role"]
            expected.append(event)
        got = [f.event for f in stream.wait_end()]
        assert got == expected
        assert len(got) < len(everything)


def test_in_a_combined_stream_each_session_has_its_own_rule(api):
    agent = register_host(api)
    hidden, shown = share(api, agent, viewerUpdates="reduced"), share(api, agent)
    asks = [ask(hidden, hidden.join(role="viewer")), ask(shown, shown.join(role="viewer"))]
    with Combined(api.next_base(), asks) as stream:
        stream.opened()
        notify(hidden, thought(), said("a"), tool_call(), said("b"))
        stream.wait_for(lambda: len(stream.frames) >= 2 + 3 + 4, "all updates")
        assert [u["sessionUpdate"] for u in updates(stream.of(hidden.id))] == [
            "agent_message_chunk", "tool_call", "agent_message_chunk",
        ]  # fmt: skip
        assert SECRET not in "".join(f.data for f in stream.of(hidden.id))
        assert len(updates(stream.of(shown.id))) == 4
        stream.check_ids()
        for _ in range(3):
            notify(hidden, thought())
        newest = ",".join(s.snapshot()["cursor"] for s in (hidden, shown))
        eventually(lambda: stream.cursor == newest, "the position past the thoughts")
    with Combined(api.next_base(), [a + ",earliest" for a in asks]) as again:
        again.wait_for(lambda: len(updates(again.of(shown.id))) == 7, "the replay")
        again.wait_for(lambda: len(updates(again.of(hidden.id))) == 3, "the replay")
        assert SECRET not in "".join(f.data for f in again.of(hidden.id))


def test_what_nobody_can_read_is_kept_from_viewers(api):
    shared = share(api, viewerUpdates="reduced")
    viewer = shared.join(role="viewer")
    hidden = [
        '{"params":{"update":{"sessionUpdate":"plan","sessionUpdate":"agent_thought_chunk","t":"SECRET"}}}',
        '{"params":{"update":{"sessionUpdate":"agent_thought_chunk","sessionUpdate":"plan","t":"SECRET"}}}',
        '{"params":{"update":{"sessionUpdate":"agent_th\\u006fught_chunk","t":"SECRET"}}}',
        '{"params":{"update":{"sessionUpdate":["agent_thought_chunk"],"t":"SECRET"}}}',
        '{"params":{"update":[{"sessionUpdate":"agent_thought_chunk","t":"SECRET"}]}}',
        '{"params":[{"update":{"sessionUpdate":"agent_thought_chunk","t":"SECRET"}}]}',
        '{"params":{"update":{"sessionUpdate":"agent_thought_chunk","t":"SECRET"}},"params":{"update":{}}}',
    ]
    shown = [
        '{"params":{"update":{"sessionUpdate":"tool_call","r\\u0061wInput":"SECRET",'
        '"title": "\\"rawInput\\":1" ,"rawInput":{}}}}',
        '{ "params" : {"update":{ "sessionUpdate":"plan","entries":[ 1.0 , {"rawInput":"kept"}] } } }',
    ]
    with shared.stream(viewer, tells_positions=True) as stream:
        raw = ('{"notifications":[' + ",".join(hidden + shown) + "]}").encode()
        api.post(f"/api/host-sessions/{shared.agent.id}/notifications", None, shared.agent, raw=raw).expect(202)
        seen = [stream.expect("host_session_update") for _ in shown]
        assert b"SECRET" not in stream.raw
        assert '"update":{"sessionUpdate":"tool_call","title": "\\"rawInput\\":1" }' in seen[0].data
        assert shown[1] in seen[1].data, "byte for byte"


def test_a_permission_request_is_shown_without_what_is_raw(api):
    """On streams, in replays, snapshots and exports; those who may decide see what they decide on."""
    shared = share(api, viewerUpdates="reduced")
    viewer, delegate = shared.join(role="viewer"), shared.join()
    api.patch(f"{shared.path}/participants/{delegate.id}", {"canApprove": True}, shared.host).expect(200)
    call = {"toolCallId": "c", "title": "read", "rawInput": {"path": SECRET}, "kind": "read", "rawOutput": SECRET}
    rest = {name: value for name, value in call.items() if not name.startswith("raw")}
    options = [{"optionId": "y", "name": "Yes", "kind": "allow_once"}]
    with (
        Bridge(api, shared.agent) as bridge,
        shared.stream(viewer, tells_positions=True) as less,
        shared.stream(delegate) as whole,
    ):
        for closes in (False, True):
            shared.prompt("go")
            dispatch = bridge.take()
            bridge.start(dispatch)
            body = {"dispatchId": dispatch["dispatchId"], "toolCall": call, "options": options}
            path = f"/api/host-sessions/{shared.agent.id}/permissions"
            asked = api.post(path, body, shared.agent).expect(201)["approval"]
            assert asked["toolCall"] == call
            for who, seen in ((viewer, rest), (None, rest), (delegate, call), (shared.host, call)):
                shown = [a for a in api.get(shared.path, who).expect(200)["approvals"] if a["id"] == asked["id"]]
                assert shown == [asked | {"toolCall": seen}]
            if closes:
                shared.close()
            else:
                answer = api.post(f"{shared.path}/approvals/{asked['id']}", {"optionId": "y"}, delegate)
                assert answer.expect(200)["approval"]["toolCall"] == call
                bridge.stream.until("permission")
                bridge.complete(dispatch)
        for stream, seen in ((less, rest), (whole, call)):
            about = [f for f in stream.until("session_closed") if f.type.startswith("permission_")]
            assert [f.type for f in about] == [
                "permission_requested", "permission_resolved", "permission_requested", "permission_withdrawn",
            ]  # fmt: skip
            assert all(f.payload["approval"]["toolCall"] == seen for f in about)
    assert SECRET.encode() not in export(shared, viewer) and SECRET.encode() in export(shared, delegate)
    with shared.stream(viewer, since="earliest", tells_positions=True) as replayed:
        replayed.wait_end()
        assert SECRET.encode() not in replayed.raw and b"permission_requested" in replayed.raw


@pytest.mark.parametrize(("arguments", "expected"), [([], "all"), (["--viewer-updates", "reduced"], "reduced")])
def test_the_host_command_decides_it_when_it_shares(processes, cluster, arguments, expected):
    host = Host(processes, cluster.api, [binary(), "example-agent"], *arguments)
    assert host.shared.session["viewerUpdates"] == expected
