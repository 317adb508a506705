"""The objects of the contract, field by field. A reply with a field more, or one less, does not pass."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
IDENTIFIER = re.compile(r"[A-Za-z0-9._:-]{1,128}")

Check = Callable[[Any], bool]


def matching(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def one_of(*values: str) -> Check:
    return lambda value: value in values


def text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


uuid, time, token, identifier = matching(UUID), matching(TIME), matching(TOKEN), matching(IDENTIFIER)
mode = one_of("view_only", "comment_only", "prompt_with_approval", "prompt_direct")

#: Names ending in `?` may be absent.
SESSION = {
    "id": uuid,
    "workspaceId": text,
    "hostUserId": text,
    "hostSessionId": identifier,
    "mode": mode,
    "approvalRequired": flag,
    "createdAt": time,
    "expiresAt?": time,
    "approvalsNeeded?": number,
    "viewerUpdates": one_of("all", "reduced"),
    "status": one_of("active", "closed", "expired"),
}
PARTICIPANT = {
    "id": uuid,
    "sharedSessionId": uuid,
    "userId": text,
    "displayName?": text,
    "role": one_of("host", "collaborator", "viewer"),
    "canApprove?": flag,
    "joinedAt": time,
    "leftAt?": time,
    "online": flag,
}
MESSAGE = {
    "id": uuid,
    "sharedSessionId": uuid,
    "participantId": uuid,
    "authorUserId": text,
    "kind": one_of("comment", "prompt", "system"),
    "text": text,
    "createdAt": time,
    "approvalId?": uuid,
}
DISPATCH = {
    "id": identifier,
    "state": one_of("queued", "started", "completed", "failed"),
    "attempt": number,
    "startedAt?": time,
    "endedAt?": time,
    "stopReason?": text,
    "interruptedByApprovalId?": uuid,
    "interruptedByParticipantId?": uuid,
}
APPROVAL = {
    "id": uuid,
    "sharedSessionId": uuid,
    "participantId": uuid,
    "kind": one_of("prompt", "control", "permission", "question"),
    "delivery?": one_of("interrupt"),
    "control?": dict,
    "prompt": text,
    "status": one_of("pending", "approved", "rejected", "failed", "withdrawn", "expired"),
    "createdAt": time,
    "expiresAt?": time,
    "resolvedAt?": time,
    "resolvedByParticipantId?": uuid,
    "reason?": text,
    "editedPrompt?": text,
    "errorMessage?": text,
    "dispatch?": dict,
    "dispatchId?": uuid,
    "toolCall?": dict,
    "options?": list,
    "optionId?": text,
    "question?": dict,
    "answer?": dict,
    "content?": list,
    "votes?": number,
}
HOST_SESSION = {
    "id": identifier,
    "workspaceId": text,
    "userId": text,
    "agent?": dict,
    "online": flag,
    "createdAt": time,
    "lastSeenAt": time,
    "sharedSessionIds": list,
}
EVENT = {"type": text, "sharedSessionId": uuid, "timestamp": time, "payload": dict}
HOST_EVENT = {"type": text, "hostSessionId": identifier, "timestamp": time, "payload": dict}


def check(value: Any, shape: dict[str, Any], *also: str) -> Any:
    """`value`, when it has exactly the fields of `shape` (and the tokens named in `also`)."""
    assert isinstance(value, dict), value
    required = {name for name in shape if not name.endswith("?")} | set(also)
    optional = {name.removesuffix("?") for name in shape if name.endswith("?")}
    assert required <= set(value), f"missing {sorted(required - set(value))} in {value}"
    assert set(value) <= required | optional, (
        f"beyond the contract: {sorted(set(value) - required - optional)}: {value}"
    )
    for name, expected in shape.items():
        name = name.removesuffix("?")
        if name in value:
            fits = isinstance(value[name], expected) if isinstance(expected, type) else expected(value[name])
            assert fits, f"{name} = {value[name]!r} in {value}"
    for name in also:
        assert token(value[name]), f"{name} = {value[name]!r} is no token"
    return value


def session(value: Any, *also: str) -> Any:
    check(value, SESSION, *also)
    assert value["approvalRequired"] == (value["mode"] == "prompt_with_approval")
    return value


def participant(value: Any, *also: str) -> Any:
    return check(value, PARTICIPANT, *also)


def message(value: Any) -> Any:
    check(value, MESSAGE)
    assert ("approvalId" in value) == (value["kind"] == "prompt"), value
    return value


def approval(value: Any) -> Any:
    check(value, APPROVAL)
    if "dispatch" in value:
        check(value["dispatch"], DISPATCH)
    resolved = {"resolvedAt", "resolvedByParticipantId"} & set(value)
    if value["status"] == "pending":
        assert not resolved, value
    if value["status"] in ("approved", "rejected", "failed"):
        assert len(resolved) == 2, value
    return value


def dispatch(value: Any) -> Any:
    return check(value, DISPATCH)


def host_session(value: Any, *also: str) -> Any:
    return check(value, HOST_SESSION, *also)


def event(value: Any) -> Any:
    return check(value, EVENT)
