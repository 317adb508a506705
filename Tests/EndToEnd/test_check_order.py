"""The order of checks: for every operation of a participant the first that fails answers, and no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from support.client import Credentials
from support.scenario import ROOT, share

NOBODY = "00000000-0000-4000-8000-000000000000"
ANY_TOKEN = "A" * 43


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    body: dict[str, Any] | None


OPERATIONS = [
    Operation("close", "DELETE", "", None),
    Operation("update", "PATCH", "", {"mode": "view_only"}),
    Operation("leave", "POST", "/leave", {}),
    Operation("comment", "POST", "/messages", {"text": "x"}),
    Operation("prompt", "POST", "/prompts", {"prompt": "x"}),
    Operation("resolve", "POST", f"/approvals/{NOBODY}", {"action": "approve"}),
    Operation("withdraw", "POST", f"/approvals/{NOBODY}/withdraw", {}),
    Operation("cancel", "POST", "/cancel", {}),
    Operation("rotate", "POST", "/invite", {}),
    Operation("ticket", "POST", "/stream-tickets", {}),
    Operation("change role", "PATCH", f"/participants/{NOBODY}", {"role": "viewer"}),
    Operation("remove", "DELETE", f"/participants/{NOBODY}", None),
    Operation("stream", "GET", "/stream", None),
]
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.name)


def call(api, operation, session_id, who=None, body=None):
    content = operation.body if body is None else body
    return api.request(operation.method, f"{ROOT}/{session_id}{operation.path}", content, who)


@each_operation
def test_missing_credentials_come_before_everything_about_the_session(api, operation):
    shared = share(api)
    call(api, operation, shared.id).expect(400, "MISSING_CREDENTIALS")
    call(api, operation, NOBODY).expect(400, "MISSING_CREDENTIALS")
    shared.close()
    call(api, operation, shared.id).expect(400, "MISSING_CREDENTIALS")


@each_operation
def test_the_session_comes_before_the_participant(api, operation):
    shared = share(api)
    bogus = Credentials(NOBODY, ANY_TOKEN)
    call(api, operation, NOBODY, shared.host).expect(404, "SESSION_NOT_FOUND")
    call(api, operation, NOBODY, bogus).expect(404, "SESSION_NOT_FOUND")
    shared.close()
    call(api, operation, shared.id, bogus).expect(409, "SESSION_INACTIVE")
    call(api, operation, shared.id, shared.host).expect(409, "SESSION_INACTIVE")


@each_operation
def test_the_participant_comes_before_the_token_and_the_token_before_the_state(api, operation):
    shared = share(api)
    stranger = share(api).join()
    call(api, operation, shared.id, Credentials(NOBODY, ANY_TOKEN)).expect(404, "PARTICIPANT_NOT_FOUND")
    call(api, operation, shared.id, stranger).expect(404, "PARTICIPANT_NOT_FOUND")
    guest = shared.join()
    call(api, operation, shared.id, Credentials(guest.id, ANY_TOKEN)).expect(403, "INVALID_PARTICIPANT_TOKEN")
    api.post(f"{shared.path}/leave", None, guest).expect(200)
    call(api, operation, shared.id, Credentials(guest.id, ANY_TOKEN)).expect(403, "INVALID_PARTICIPANT_TOKEN")
    call(api, operation, shared.id, guest).expect(409, "PARTICIPANT_INACTIVE")


@pytest.mark.parametrize("name", ["close", "update", "resolve", "cancel", "rotate", "change role", "remove"])
def test_the_host_is_required_before_what_is_asked_for_is_looked_at(api, name):
    operation = next(o for o in OPERATIONS if o.name == name)
    shared = share(api)
    call(api, operation, shared.id, shared.join()).expect(403, "HOST_REQUIRED")


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.body], ids=lambda o: o.name)
def test_a_malformed_request_comes_before_missing_credentials(api, operation):
    path = f"{ROOT}/{NOBODY}{operation.path}"
    api.request(operation.method, path, raw=b'{"half').expect(400, "INVALID_BODY")
    api.request(operation.method, path, raw=b"{}", headers={"Content-Type": "text/plain"}).expect(
        415, "UNSUPPORTED_MEDIA_TYPE"
    )
    api.request(operation.method, path, raw=b"[]").expect(400, "INVALID_BODY")


@pytest.mark.parametrize(("participant", "token"), [(None, "x"), ("x", None), ("", ""), ("", "x"), ("x", "")])
def test_half_a_pair_of_credentials_is_a_bad_request(api, participant, token):
    body = {"text": "x"}
    if participant is not None:
        body["participantId"] = participant
    if token is not None:
        body["participantToken"] = token
    api.post(f"{share(api).path}/messages", body).expect(400)


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Basic eDp5", "Bearer no-dot", "Bearer .", "Bearer a.", "Bearer .b"]
)
def test_an_authorization_that_is_no_pair_is_a_bad_request(api, header):
    reply = api.post(f"{share(api).path}/messages", {"text": "x"}, headers={"Authorization": header})
    assert reply.status == 400, reply.content
