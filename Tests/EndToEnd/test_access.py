"""The `keyed` access policy, and that nothing open is served beyond this machine by accident."""

from __future__ import annotations

import hashlib
import json

import pytest

from support.client import APIKey, Credentials, HostToken
from support.nodes import binary
from support.processes import clean_environment
from support.scenario import ROOT, share, unique

KEY = "correct horse battery staple"
OTHER = "a second key"


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture(scope="module")
def api(module_cluster):
    return module_cluster(2, TANDEM_ACCESS="keyed", TANDEM_API_KEYS=f"ci:{digest(KEY)},ops:{digest(OTHER)}").api


def register(api):
    reply = api.post("/api/host-sessions", {"userId": "o", "hostSessionId": unique("hs")}, APIKey(KEY)).expect(201)
    return HostToken(reply["hostSession"]["id"], reply["hostToken"])


def create(api, agent):
    body = {"hostSessionId": agent.id, "hostUserId": "h"}
    return api.post(ROOT, body, APIKey(KEY), headers=agent.header).expect(201)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", ROOT, None),
        ("POST", ROOT, {"hostSessionId": "x", "hostUserId": "h"}),
        ("POST", "/api/host-sessions", {"userId": "o"}),
    ],
)
def test_list_create_and_register_need_a_key(api, method, path, body):
    api.request(method, path, body).expect(401, "API_KEY_REQUIRED")
    for wrong in ("wrong", digest(KEY), "ci", KEY.upper()):
        api.request(method, path, body, APIKey(wrong)).expect(403, "INVALID_API_KEY")


def test_either_key_works(api):
    for key in (KEY, OTHER):
        api.get(ROOT, APIKey(key)).expect(200)


def test_creating_needs_the_host_sessions_token_too(api):
    agent, other = register(api), register(api)
    body = {"hostSessionId": agent.id, "hostUserId": "h"}
    api.post(ROOT, body, APIKey(KEY)).expect(403, "HOST_TOKEN_REQUIRED")
    wrong = api.post(ROOT, body, APIKey(KEY), headers=other.header).expect(403)
    assert wrong["code"] in ("HOST_TOKEN_REQUIRED", "INVALID_HOST_TOKEN")
    assert create(api, agent)["session"]["hostSessionId"] == agent.id


@pytest.mark.parametrize("path", ["", "/participants", "/messages"])
def test_reading_a_session_needs_a_key_or_a_participant(api, path):
    made = create(api, register(api))
    target = f"{ROOT}/{made['session']['id']}{path}"
    host = Credentials(made["hostParticipant"]["id"], made["hostParticipant"]["accessToken"])
    api.get(target, APIKey(KEY)).expect(200)
    api.get(target, host).expect(200)
    api.get(target).expect(401, "API_KEY_REQUIRED")
    api.get(target, APIKey("wrong")).expect(403, "INVALID_API_KEY")
    api.get(target, Credentials(host.id, "A" * 43)).expect(403, "INVALID_PARTICIPANT_TOKEN")
    stranger = create(api, register(api))["hostParticipant"]
    api.get(target, Credentials(stranger["id"], stranger["accessToken"])).expect(404, "PARTICIPANT_NOT_FOUND")


def test_joining_needs_only_the_invite_and_again_the_participants_credentials(api):
    made = create(api, register(api))
    path = f"{ROOT}/{made['session']['id']}"
    body = {"inviteToken": made["inviteToken"], "userId": "grace"}
    joined = api.post(f"{path}/join", body).expect(200)["participant"]
    api.post(f"{path}/join", body).expect(409, "USER_ALREADY_JOINED")
    own = Credentials(joined["id"], joined["accessToken"])
    again = api.post(f"{path}/join", body, own).expect(200)["participant"]
    assert again["id"] == own.id and again["accessToken"] != own.token
    api.post(f"{path}/messages", {"text": "in"}, own).expect(200)
    api.post(f"{path}/leave", None, own).expect(200)
    api.get(path, own).expect(409, "PARTICIPANT_INACTIVE")


def test_the_export_is_for_keys_and_for_those_who_were_there_at_the_end(api):
    made = create(api, register(api))
    path = f"{ROOT}/{made['session']['id']}"
    host = Credentials(made["hostParticipant"]["id"], made["hostParticipant"]["accessToken"])

    def join(user):
        body = {"inviteToken": made["inviteToken"], "userId": user}
        joined = api.post(f"{path}/join", body).expect(200)["participant"]
        return Credentials(joined["id"], joined["accessToken"])

    stays, leaves = join("stays"), join("leaves")
    api.post(f"{path}/leave", None, leaves).expect(200)
    stranger = create(api, register(api))["hostParticipant"]
    for _ in ("while it is active", "after the close"):
        for who in (APIKey(KEY), host, stays):
            assert api.get(f"{path}/export", who).status == 200
        api.get(f"{path}/export").expect(401, "API_KEY_REQUIRED")
        api.get(f"{path}/export", leaves).expect(409, "PARTICIPANT_INACTIVE")
        api.get(f"{path}/export", Credentials(stays.id, "A" * 43)).expect(403, "INVALID_PARTICIPANT_TOKEN")
        api.get(f"{path}/export", Credentials(stranger["id"], stranger["accessToken"])).expect(
            404, "PARTICIPANT_NOT_FOUND"
        )
        if api.get(path, host).status == 200:
            api.delete(path, host).expect(200)


def test_what_viewers_see_of_the_past_is_no_secret_from_the_holder_of_a_key(api):
    agent = register(api)
    body = {"hostSessionId": agent.id, "hostUserId": "h", "viewerUpdates": "reduced"}
    made = api.post(ROOT, body, APIKey(KEY), headers=agent.header).expect(201)
    path = f"{ROOT}/{made['session']['id']}"
    joining = {"inviteToken": made["inviteToken"], "userId": "v", "role": "viewer"}
    viewer = api.post(f"{path}/join", joining).expect(200)["participant"]
    update = {"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": "secret"}}
    thought = {"method": "session/update", "params": {"update": update}}
    api.post(f"/api/host-sessions/{agent.id}/notifications", {"notifications": [thought]}, agent).expect(202)
    assert b"secret" in api.get(f"{path}/export", APIKey(KEY)).content
    assert b"secret" not in api.get(f"{path}/export", Credentials(viewer["id"], viewer["accessToken"])).content


@pytest.mark.parametrize("source", ["environment", "file"])
def test_a_host_shares_with_a_key_and_not_without(api, processes, tmp_path, source):
    argv = [binary(), "host", "--server", api.bases[0], "--json", "--", binary(), "example-agent"]
    for settings in ({}, {"TANDEM_API_KEY": "wrong"}):
        refused = processes.start("keyless", argv, environment=clean_environment(settings))
        assert refused.wait(60) > 0 and refused.lines == []
        assert "key" in refused.log_path.read_text().lower()
    (tmp_path / "key").write_text(KEY + "\n")
    argv[2:2] = ["--api-key-file", str(tmp_path / "key")] if source == "file" else []
    settings = {"TANDEM_API_KEY": KEY} if source == "environment" else {}
    process = processes.start("keyed", argv, environment=clean_environment(settings))
    first = json.loads(process.line(0, 60))
    host = Credentials(first["hostParticipantId"], first["hostAccessToken"])
    path = f"{ROOT}/{first['sharedSessionId']}"
    assert api.get(path, host).expect(200)["session"]["hostSessionId"] == first["hostSessionId"]
    assert KEY not in process.log_path.read_text()
    assert process.terminate() == 0


def test_health_and_version_need_nothing(api):
    for path in ("/health/live", "/health/ready", "/version"):
        assert api.get(path).status == 200


def test_strict_reuse_can_be_asked_for_in_open_access(make_cluster):
    shared = share(make_cluster(1, TANDEM_JOIN_REUSE="strict").api)
    guest = shared.join("grace")
    body = {"inviteToken": shared.invite, "userId": "grace"}
    shared.api.post(f"{shared.path}/join", body).expect(409, "USER_ALREADY_JOINED")
    other = shared.join("ada")
    shared.api.post(f"{shared.path}/join", body, other).expect(409, "USER_ALREADY_JOINED")
    assert shared.api.post(f"{shared.path}/join", body, guest).expect(200)["participant"]["id"] == guest.id


@pytest.mark.parametrize("settings", [{}, {"TANDEM_ACCESS": "open"}, {"TANDEM_ACCESS": "keyed"}])
def test_a_listener_for_everybody_without_keys_does_not_start(processes, settings, cluster):
    process = processes.start(
        "refused",
        [binary(), "serve", "--host", "0.0.0.0", "--port", "0", "--redis", cluster.redis.url],
        environment=clean_environment(settings),
    )
    assert process.wait(60) == 78
    assert process.lines == [] and "key" in process.log_path.read_text().lower()


def test_it_starts_when_forced(processes, cluster):
    process = processes.start(
        "forced",
        [binary(), "serve", "--host", "0.0.0.0", "--port", "0", "--redis", cluster.redis.url],
        environment=clean_environment({"TANDEM_ACCESS": "open", "TANDEM_FORCE_OPEN": "true"}),
    )
    assert process.line(0, 60).startswith("listening on http://")
    assert process.terminate() == 0
