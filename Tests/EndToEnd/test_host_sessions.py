"""Host sessions: register, re-attach, read, delete."""

from __future__ import annotations

import pytest

from support import shapes
from support.client import HostToken
from support.scenario import register_host, share, unique

HOSTS = "/api/host-sessions"


def test_register_answers_the_host_session_and_its_token(api):
    identifier = unique("hs")
    reply = api.post(
        HOSTS,
        {
            "userId": "ada",
            "workspaceId": "w",
            "hostSessionId": identifier,
            "agent": {"name": "example", "version": "1.2"},
        },
    ).expect(201)
    assert set(reply) == {"hostSession", "hostToken"} and shapes.token(reply["hostToken"])
    host = shapes.host_session(reply["hostSession"])
    assert (host["id"], host["workspaceId"], host["userId"]) == (identifier, "w", "ada")
    assert host["agent"] == {"name": "example", "version": "1.2"}
    assert host["online"] is False and host["sharedSessionIds"] == []
    assert shapes.host_session(api.get(f"{HOSTS}/{identifier}").expect(200)["hostSession"])["id"] == identifier


def test_what_is_left_out_gets_a_default(api):
    host = api.post(HOSTS, {"userId": "ada"}).expect(201)["hostSession"]
    assert host["workspaceId"] == "default" and shapes.identifier(host["id"]) and "agent" not in host


@pytest.mark.parametrize(
    "change",
    [
        {"userId": 1},
        {"userId": "x" * 129},
        {"hostSessionId": "a{b}"},
        {"hostSessionId": "a b"},
        {"hostSessionId": "a*"},
        {"hostSessionId": "line\nbreak"},
        {"hostSessionId": "x" * 129},
        {"agent": "name"},
        {"workspaceId": []},
        {"agent": {"name": 7}},
        {"userId": "   "},
    ],
)
def test_register_refuses(api, change):
    api.post(HOSTS, {"userId": "ada", "hostSessionId": unique("hs")} | change).expect(400)


def test_a_taken_id_is_a_conflict_unless_its_token_is_sent(api):
    agent = register_host(api)
    body = {"userId": "ada", "hostSessionId": agent.id}
    api.post(HOSTS, body).expect(409, "HOST_SESSION_EXISTS")
    wrong = api.post(HOSTS, body, HostToken(agent.id, "A" * 43))
    assert (wrong.status, wrong.json["code"]) in ((409, "HOST_SESSION_EXISTS"), (403, "INVALID_HOST_TOKEN"))
    again = api.post(HOSTS, body, agent).expect(200)
    assert shapes.host_session(again["hostSession"])["id"] == agent.id


def test_it_lists_its_shared_sessions(api):
    agent = register_host(api)
    made = [share(api, agent).id for _ in range(3)]
    assert sorted(api.get(f"{HOSTS}/{agent.id}").expect(200)["hostSession"]["sharedSessionIds"]) == sorted(made)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "", None),
        ("GET", "/dispatches", None),
        ("POST", "/notifications", {"notifications": []}),
        ("POST", "/dispatches/x", {"state": "started", "attempt": 1}),
    ],
)
def test_the_order_of_checks_for_host_agents(api, method, path, body):
    agent = register_host(api)

    def call(identifier, who):
        return api.request(method, f"{HOSTS}/{identifier}{path}", body, who)

    call(agent.id, None).expect(400, "MISSING_CREDENTIALS")
    call("nobody", None).expect(400, "MISSING_CREDENTIALS")
    call("nobody", agent).expect(404, "HOST_SESSION_NOT_FOUND")
    call(agent.id, register_host(api)).expect(403, "INVALID_HOST_TOKEN")
    call(agent.id, HostToken("", "short")).expect(403, "INVALID_HOST_TOKEN")


def test_get_of_an_unknown_host_session(api):
    api.get(f"{HOSTS}/nobody").expect(404, "HOST_SESSION_NOT_FOUND")


def test_delete_closes_its_shared_sessions(api):
    agent = register_host(api)
    one, two, other = share(api, agent), share(api, agent), share(api)
    with one.stream() as stream:
        assert api.delete(f"{HOSTS}/{agent.id}", agent).expect(200) == {"closed": True}
        assert stream.until("session_closed")[-1].payload == {"status": "closed"}
        stream.wait_end()
    for shared in (one, two):
        api.get(shared.path).expect(409, "SESSION_INACTIVE")
    api.get(other.path).expect(200)
    api.get(f"{HOSTS}/{agent.id}").expect(404, "HOST_SESSION_NOT_FOUND")
    api.post("/api/shared-sessions", {"hostSessionId": agent.id, "hostUserId": "h"}).expect(
        404, "HOST_SESSION_NOT_FOUND"
    )
