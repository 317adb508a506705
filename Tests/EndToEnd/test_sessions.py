"""Shared sessions: create, read, close."""

from __future__ import annotations

import pytest

from support import shapes
from support.scenario import ROOT, register_host, share, unique

MODES = ["view_only", "comment_only", "prompt_with_approval", "prompt_direct"]


def test_create_answers_the_session_the_invite_and_the_hosts_credentials(api):
    agent = register_host(api, workspaceId="team-a")
    host = unique("host")
    reply = api.post(ROOT, {"hostSessionId": agent.id, "hostUserId": host, "hostDisplayName": "Ada"}).expect(201)
    assert set(reply) == {"session", "inviteToken", "hostParticipant"}
    assert shapes.token(reply["inviteToken"])
    session = shapes.session(reply["session"])
    assert session["workspaceId"] == "team-a" and session["hostUserId"] == host
    assert (session["hostSessionId"], session["mode"], session["status"]) == (
        agent.id,
        "prompt_with_approval",
        "active",
    )
    assert "expiresAt" not in session
    participant = shapes.participant(reply["hostParticipant"], "accessToken")
    assert (participant["role"], participant["userId"], participant["displayName"]) == ("host", host, "Ada")
    assert participant["sharedSessionId"] == session["id"]
    assert participant["online"] is False and "leftAt" not in participant


@pytest.mark.parametrize("mode", MODES)
def test_create_keeps_mode_workspace_and_expiry(api, mode):
    shared = share(api, mode=mode, workspaceId="another", expiresInMinutes=90)
    session = shapes.session(shared.session)
    assert (session["mode"], session["workspaceId"]) == (mode, "another")
    assert session["approvalRequired"] is (mode == "prompt_with_approval")
    assert session["expiresAt"] > session["createdAt"]
    assert api.get(shared.path).expect(200)["session"] == session


@pytest.mark.parametrize("minutes", [0, -5])
def test_no_expiry_is_asked_for_with_zero_or_less(api, minutes):
    assert "expiresAt" not in share(api, expiresInMinutes=minutes).session


def test_the_host_without_a_display_name_has_no_such_field(api):
    assert "displayName" not in share(api).host_participant


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"hostSessionId": "   "}, 400, "MISSING_HOST_SESSION_ID"),
        ({"hostSessionId": ""}, 400, "MISSING_HOST_SESSION_ID"),
        ({"hostUserId": " \t"}, 400, "MISSING_HOST_USER_ID"),
        ({"hostSessionId": "nobody-has-this"}, 404, "HOST_SESSION_NOT_FOUND"),
        ({"hostSessionId": "with{braces}"}, 400, "INVALID_FIELD"),
        ({"hostSessionId": "x" * 129}, 400, "INVALID_FIELD"),
        ({"hostUserId": "u" * 129}, 400, "INVALID_FIELD"),
        ({"hostDisplayName": "d" * 65}, 400, "INVALID_FIELD"),
        ({"expiresInMinutes": 30 * 24 * 60 + 1}, 400, "INVALID_FIELD"),
        ({"expiresInMinutes": 1.5}, 400, "INVALID_BODY"),
        ({"expiresInMinutes": "60"}, 400, "INVALID_BODY"),
        ({"hostUserId": 7}, 400, "INVALID_BODY"),
        ({"hostUserId": None}, 400, None),
        ({"hostSessionId": None}, 400, None),
        ({"mode": 1}, 400, "INVALID_BODY"),
        ({"mode": "everything"}, 400, "INVALID_FIELD"),
    ],
)
def test_create_refuses(api, change, status, code):
    body = {"hostSessionId": register_host(api).id, "hostUserId": "somebody"} | change
    api.post(ROOT, body).expect(status, code)


@pytest.mark.parametrize("missing", ["hostSessionId", "hostUserId"])
def test_create_wants_both_required_fields(api, missing):
    body = {"hostSessionId": register_host(api).id, "hostUserId": "somebody"}
    del body[missing]
    answer = api.post(ROOT, body).expect(400)
    assert answer["code"] in ("INVALID_BODY", "MISSING_HOST_SESSION_ID", "MISSING_HOST_USER_ID")


def test_unknown_fields_are_ignored(api):
    agent = register_host(api)
    api.post(ROOT, {"hostSessionId": agent.id, "hostUserId": "h", "nothing": {"we": ["know"]}}).expect(201)


def test_get_answers_session_participants_approvals_and_cursor(api):
    shared = share(api)
    guest = shared.join(displayName="Grace")
    pending = shared.prompt("first", guest)
    second = shared.prompt("second", guest)
    snapshot = shared.snapshot()
    assert set(snapshot) == {"session", "participants", "approvals", "agent", "cursor"}
    assert shapes.session(snapshot["session"]) == shared.session
    assert [shapes.participant(p)["id"] for p in snapshot["participants"]] == [shared.host.id, guest.id]
    assert [shapes.approval(a)["id"] for a in snapshot["approvals"]] == [second["id"], pending["id"]]
    with shared.stream(since="earliest") as stream:
        stream.until("prompt_pending_approval")
        assert stream.until("prompt_pending_approval")[-1].id == snapshot["cursor"]


def test_nothing_that_is_read_back_holds_a_token(api):
    shared = share(api)
    guest = shared.join()
    texts = [api.get(shared.path).content, api.get(f"{shared.path}/participants").content, api.get(ROOT).content]
    for secret in (shared.invite, shared.host.token, guest.token, shared.agent.token):
        assert all(secret.encode() not in text for text in texts)


@pytest.mark.parametrize("identifier", ["00000000-0000-4000-8000-000000000000", "no-such-session"])
def test_an_unknown_session_is_not_found(api, identifier):
    api.get(f"{ROOT}/{identifier}").expect(404, "SESSION_NOT_FOUND")


def test_close_ends_the_session_for_everybody(api):
    shared = share(api)
    guest = shared.join()
    waiting = shared.prompt("never decided", guest)
    with shared.stream(guest) as stream:
        reply = api.delete(shared.path, shared.host).expect(200)
        assert set(reply) == {"closed", "session"} and reply["closed"] is True
        assert shapes.session(reply["session"])["status"] == "closed"
        expired = stream.expect("prompt_expired")
        assert (expired.payload["approval"]["id"], expired.payload["approval"]["status"]) == (waiting["id"], "expired")
        assert stream.expect("session_closed").payload == {"status": "closed"}
        assert stream.wait_end() == []
    api.get(shared.path).expect(409, "SESSION_INACTIVE")
    api.post(f"{shared.path}/messages", {"text": "late"}, guest).expect(409, "SESSION_INACTIVE")
    api.post(f"{shared.path}/join", {"inviteToken": shared.invite, "userId": "late"}).expect(409, "SESSION_INACTIVE")
    api.delete(shared.path, shared.host).expect(409, "SESSION_INACTIVE")


def test_close_takes_credentials_from_the_body_too(api):
    shared = share(api)
    api.delete(shared.path, body=shared.host.body).expect(200)


@pytest.mark.parametrize("role", ["collaborator", "viewer"])
def test_only_the_host_closes(api, role):
    shared = share(api)
    api.delete(shared.path, shared.join(role=role)).expect(403, "HOST_REQUIRED")
    assert shared.snapshot()["session"]["status"] == "active"


def test_the_header_wins_over_the_body(api):
    shared = share(api)
    guest = shared.join()
    api.post(f"{shared.path}/messages", {"text": "who"} | shared.host.body, guest).expect(200)
    messages = api.get(f"{shared.path}/messages").expect(200)["messages"]
    assert [m["participantId"] for m in messages] == [guest.id]


def test_the_host_changes_mode_and_expiry(api):
    shared = share(api)
    with shared.stream() as stream:
        reply = api.patch(shared.path, {"mode": "view_only", "expiresInMinutes": 30}, shared.host).expect(200)
        assert set(reply) == {"session"}
        session = shapes.session(reply["session"])
        assert session["mode"] == "view_only" and session["expiresAt"] > session["createdAt"]
        assert stream.expect("session_updated").payload == {"session": session}
    assert shared.snapshot()["session"] == session
    api.patch(shared.path, {"mode": "prompt_direct"}, shared.join()).expect(403, "HOST_REQUIRED")
