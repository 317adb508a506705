"""Control while live: delegates, handing the host's role over, scoped invites, what was shown, and the queue."""

from __future__ import annotations

import hashlib

from support.client import Credentials
from support.scenario import share


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_delegate_decides_as_the_host_does(api):
    shared = share(api)
    dora, author = shared.join("dora"), shared.join("carl")
    pending = shared.prompt("please", author)
    path = f"{shared.path}/approvals/{pending['id']}"
    with shared.stream() as stream:
        changed = api.patch(f"{shared.path}/participants/{dora.id}", {"canApprove": True}, shared.host).expect(200)
        assert changed["participant"]["canApprove"] is True and changed["participant"]["role"] == "collaborator"
        stream.expect("participant_updated")
        api.post(path, {"action": "approve"}, dora).expect(200)
        assert stream.expect("prompt_approved").payload["participant"]["id"] == dora.id
    late = api.post(path, {"action": "reject"}, shared.host).expect(409, "APPROVAL_ALREADY_RESOLVED")
    assert "approved by dora" in late["error"]
    api.patch(f"{shared.path}/participants/{dora.id}", {"canApprove": False}, shared.host).expect(200)
    other = shared.prompt("again", author)
    api.post(f"{shared.path}/approvals/{other['id']}", {"action": "approve"}, dora).expect(403, "HOST_REQUIRED")


def test_an_invite_leads_to_nobody_who_decides(api):
    shared = share(api)
    dora = shared.join("dora")
    impostor = shared.join("dora")
    assert impostor.id == dora.id and impostor.token != dora.token
    api.post(f"{shared.path}/host", {"newHostParticipantId": dora.id}, shared.host).expect(200)
    api.post(f"{shared.path}/messages", {"text": "x"}, impostor).expect(403, "INVALID_PARTICIPANT_TOKEN")
    body = {"inviteToken": shared.invite, "userId": "dora"}
    api.post(f"{shared.path}/join", body).expect(403, "HOST_IDENTITY_RESERVED")


def test_the_hosts_role_moves_in_one_step(api):
    shared = share(api)
    dora = shared.join("dora")
    with shared.stream() as stream:
        body = api.post(f"{shared.path}/host", {"newHostParticipantId": dora.id}, shared.host).expect(200)
        assert body["session"]["hostUserId"] == "dora" and body["participant"]["role"] == "host"
        roles = [stream.expect("participant_updated").payload["participant"]["role"] for _ in range(2)]
        assert roles == ["collaborator", "host"]
        stream.expect("session_updated")
    api.post(f"{shared.path}/host", {"newHostParticipantId": dora.id}, shared.host).expect(403, "HOST_REQUIRED")
    api.post(f"{shared.path}/host", {"newHostParticipantId": dora.id}, dora).expect(400, "INVALID_FIELD")
    api.delete(shared.path, who=dora).expect(200)


def test_scoped_invites(api):
    shared = share(api)
    made = api.post(f"{shared.path}/invites", {"role": "viewer", "maxUses": 1, "label": "Team"}, shared.host).expect(
        201
    )
    assert made["invite"]["uses"] == 0 and made["invite"]["label"] == "Team" and len(made["inviteToken"]) == 43
    join = {"inviteToken": made["inviteToken"], "userId": "vera", "role": "collaborator"}
    joined = api.post(f"{shared.path}/join", join).expect(200)
    assert joined["participant"]["role"] == "viewer"
    vera = Credentials(joined["participant"]["id"], joined["participant"]["accessToken"])
    api.post(f"{shared.path}/join", {**join, "userId": "else"}).expect(403, "INVALID_INVITE_TOKEN")
    listed = api.get(f"{shared.path}/invites", who=shared.host).expect(200)["invites"]
    assert [invite["uses"] for invite in listed] == [1] and "inviteToken" not in listed[0]
    api.get(f"{shared.path}/invites", who=vera).expect(403, "HOST_REQUIRED")
    second = api.post(f"{shared.path}/invites", {}, shared.host).expect(201)
    api.delete(f"{shared.path}/invites/{second['invite']['id']}", who=shared.host).expect(200)
    api.post(f"{shared.path}/join", {"inviteToken": second["inviteToken"], "userId": "x"}).expect(
        403, "INVALID_INVITE_TOKEN"
    )
    api.delete(f"{shared.path}/invites/{vera.id}", who=shared.host).expect(404, "INVITE_NOT_FOUND")
    for body in ({"maxUses": 0}, {"role": "host"}, {"label": "x" * 65}):
        api.post(f"{shared.path}/invites", body, shared.host).expect(400, "INVALID_FIELD")


def test_what_was_shown_is_what_is_approved(api):
    shared = share(api)
    pending = shared.prompt("rm -rf build", shared.join())
    path = f"{shared.path}/approvals/{pending['id']}"
    api.post(path, {"action": "approve", "promptHash": "x"}, shared.host).expect(400, "INVALID_FIELD")
    api.post(path, {"action": "approve", "promptHash": sha256("ls")}, shared.host).expect(409, "PROMPT_CHANGED")
    api.post(path, {"action": "approve", "promptHash": sha256("rm -rf build")}, shared.host).expect(200)


def test_a_pending_approval_has_its_time(api):
    shared = share(api)
    body = api.patch(shared.path, {"approvalTimeoutSeconds": 1}, shared.host).expect(200)
    assert body["session"]["approvalTimeoutSeconds"] == 1
    author = shared.join()
    with shared.stream() as stream:
        pending = shared.prompt("soon", author)
        assert "expiresAt" in pending
        expired = stream.expect("prompt_pending_approval", "prompt_expired").payload["approval"]
    assert (expired["id"], expired["status"]) == (pending["id"], "expired")
    late = api.post(f"{shared.path}/approvals/{pending['id']}", {"action": "approve"}, shared.host)
    late.expect(409, "APPROVAL_ALREADY_RESOLVED")


def test_the_queue_is_visible_and_prompts_can_be_taken_back(api):
    shared = share(api)
    author = shared.join()
    ids = []
    for text in ("one", "two", "three"):
        ids.append(shared.prompt(text, author)["id"])
        shared.resolve(ids[-1])
    queue = api.get(f"{shared.path}/queue", who=author).expect(200)["queue"]
    assert [(entry["position"], entry["approval"]["id"]) for entry in queue] == list(enumerate(ids, 1))
    api.delete(f"{shared.path}/queue/{ids[1]}", who=shared.join()).expect(403, "AUTHOR_REQUIRED")
    taken = api.delete(f"{shared.path}/queue/{ids[1]}", who=author).expect(200)["approval"]
    assert taken["status"] == "withdrawn"
    api.delete(f"{shared.path}/queue/{ids[1]}", who=shared.host).expect(409, "DISPATCH_CONFLICT")
    queue = api.get(f"{shared.path}/queue", who=author).expect(200)["queue"]
    assert [entry["approval"]["id"] for entry in queue] == [ids[0], ids[2]]
