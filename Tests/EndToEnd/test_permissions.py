"""Who may comment and prompt: every mode with every role, as the contract's table says."""

from __future__ import annotations

import itertools

import pytest

from support import shapes
from support.scenario import share

COMMENTS = {
    ("host", "view_only"),
    ("host", "comment_only"),
    ("host", "prompt_with_approval"),
    ("host", "prompt_direct"),
    ("collaborator", "comment_only"),
    ("collaborator", "prompt_with_approval"),
    ("collaborator", "prompt_direct"),
}
PROMPTS = {
    ("host", "view_only"): "approved",
    ("host", "comment_only"): "approved",
    ("host", "prompt_with_approval"): "approved",
    ("host", "prompt_direct"): "approved",
    ("collaborator", "prompt_with_approval"): "pending",
    ("collaborator", "prompt_direct"): "approved",
}
PAIRS = list(
    itertools.product(
        ["host", "collaborator", "viewer"], ["view_only", "comment_only", "prompt_with_approval", "prompt_direct"]
    )
)


def acting(api, role, mode):
    shared = share(api, mode=mode)
    return shared, shared.host if role == "host" else shared.join(role=role)


@pytest.mark.parametrize(("role", "mode"), PAIRS)
def test_comments(api, role, mode):
    shared, who = acting(api, role, mode)
    reply = api.post(f"{shared.path}/messages", {"text": " hello "}, who)
    listed = api.get(f"{shared.path}/messages").expect(200)["messages"]
    if (role, mode) not in COMMENTS:
        reply.expect(403, "COMMENT_NOT_ALLOWED")
        assert listed == []
        return
    message = shapes.message(reply.expect(200)["message"])
    assert (message["kind"], message["participantId"]) == ("comment", who.id)
    assert listed == [message]


@pytest.mark.parametrize(("role", "mode"), PAIRS)
def test_prompts(api, role, mode):
    shared, who = acting(api, role, mode)
    with shared.stream() as stream:
        reply = api.post(f"{shared.path}/prompts", {"prompt": "do it"}, who)
        if (role, mode) not in PROMPTS:
            reply.expect(403, "PROMPT_NOT_ALLOWED")
            assert shared.snapshot()["approvals"] == []
            return
        answer = reply.expect(200)
        status = PROMPTS[role, mode]
        assert set(answer) == {"status", "approval"} and answer["status"] == status
        approval = shapes.approval(answer["approval"])
        assert (approval["status"], approval["prompt"], approval["participantId"]) == (status, "do it", who.id)
        event = stream.expect({"pending": "prompt_pending_approval", "approved": "prompt_approved"}[status])
        assert event.payload["approval"]["id"] == approval["id"]
        assert event.payload["participant"]["id"] == who.id
        messages = api.get(f"{shared.path}/messages").expect(200)["messages"]
        if status == "pending":
            assert [(m["kind"], m["text"], m["approvalId"]) for m in map(shapes.message, messages)] == [
                ("prompt", "do it", approval["id"])
            ]
        else:
            assert messages == [] and approval["resolvedByParticipantId"] == who.id
            assert shared.approval(approval["id"])["dispatch"]["state"] == "queued"
