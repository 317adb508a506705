"""Approvals: decided once, by the host; withdrawn by their author."""

from __future__ import annotations

import pytest

from support import shapes
from support.scenario import share

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(("action", "status"), [("approve", "approved"), ("reject", "rejected")])
def test_the_host_decides(api, action, status):
    shared = share(api)
    pending = shared.prompt("please", shared.join())
    with shared.stream() as stream:
        reply = api.post(
            f"{shared.path}/approvals/{pending['id']}", {"action": action, "reason": "because"}, shared.host
        )
        body = reply.expect(200)
        assert set(body) == {"approval"}
        decided = shapes.approval(body["approval"])
        assert (decided["id"], decided["status"], decided["reason"]) == (pending["id"], status, "because")
        assert decided["resolvedByParticipantId"] == shared.host.id
        assert decided["prompt"] == "please" and decided["createdAt"] == pending["createdAt"]
        event = stream.expect(f"prompt_{status}")
        assert event.payload["approval"]["status"] == status
        assert event.payload["participant"]["id"] == shared.host.id, "the event names the resolver"
    kept = shapes.approval(shared.approval(pending["id"]))
    assert kept["status"] == status and ("dispatch" in kept) == (action == "approve")


def test_a_decision_is_final(api):
    shared = share(api)
    guest = shared.join()
    for first in ("approve", "reject"):
        pending = shared.prompt("once", guest)
        shared.resolve(pending["id"], first)
        for second in ("approve", "reject"):
            api.post(f"{shared.path}/approvals/{pending['id']}", {"action": second}, shared.host).expect(
                409, "APPROVAL_ALREADY_RESOLVED"
            )


def test_only_the_host_decides(api):
    shared = share(api)
    author = shared.join()
    pending = shared.prompt("mine", author)
    for who in (author, shared.join(), shared.join(role="viewer")):
        api.post(f"{shared.path}/approvals/{pending['id']}", {"action": "approve"}, who).expect(403, "HOST_REQUIRED")
    assert shared.approval(pending["id"])["status"] == "pending"


def test_the_order_of_the_approvals_own_checks(api):
    shared = share(api)
    guest = shared.join()
    unknown = f"{shared.path}/approvals/{NOBODY}"
    api.post(unknown, {"action": "maybe"}).expect(400, "INVALID_ACTION")
    api.post(unknown, {"action": "approve"}, guest).expect(403, "HOST_REQUIRED")
    api.post(unknown, {"action": "approve"}, shared.host).expect(404, "APPROVAL_NOT_FOUND")


def test_an_approval_of_another_session_is_not_found(api):
    one, two = share(api), share(api)
    pending = one.prompt("there", one.join())
    api.post(f"{two.path}/approvals/{pending['id']}", {"action": "approve"}, two.host).expect(404, "APPROVAL_NOT_FOUND")


@pytest.mark.parametrize("body", [{}, {"action": 1}, {"action": None}])
def test_an_action_that_is_missing_or_no_string_is_refused(api, body):
    shared = share(api)
    pending = shared.prompt("x", shared.join())
    assert api.post(f"{shared.path}/approvals/{pending['id']}", body, shared.host).status == 400


def test_the_host_may_edit_what_is_run(api):
    shared = share(api)
    pending = shared.prompt("rm -rf everything", shared.join())
    decided = shapes.approval(shared.resolve(pending["id"], editedPrompt="ls"))
    assert (decided["prompt"], decided["editedPrompt"]) == ("rm -rf everything", "ls")


def test_the_author_withdraws_while_it_is_pending(api):
    shared = share(api)
    author = shared.join()
    pending = shared.prompt("oh no", author)
    target = f"{shared.path}/approvals/{pending['id']}/withdraw"
    api.post(target, None, shared.host).expect(403, "AUTHOR_REQUIRED")
    with shared.stream() as stream:
        withdrawn = api.post(target, None, author).expect(200)["approval"]
        assert shapes.approval(withdrawn)["status"] == "withdrawn"
        event = stream.expect("prompt_withdrawn")
        assert event.payload["approval"]["id"] == pending["id"]
    api.post(target, None, author).expect(409, "APPROVAL_ALREADY_RESOLVED")
    api.post(f"{shared.path}/approvals/{pending['id']}", {"action": "approve"}, shared.host).expect(
        409, "APPROVAL_ALREADY_RESOLVED"
    )
    assert "dispatch" not in shared.approval(pending["id"])
