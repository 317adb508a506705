"""What the agent asks in the middle of a turn: approvals of kind `permission`, which belong to that turn."""

from __future__ import annotations

from typing import Any

from .calls import Answer, Call, now, refuse
from .cells import Cell
from .conversation import Conversation
from .values import Approval, Participant, Session

NARROWEST = {"approve": ("allow_once", "allow_always"), "reject": ("reject_once", "reject_always")}


def side(option: dict[str, str]) -> str:
    """Which way an option decides; a kind nobody knows lets the agent go on."""
    return "reject" if option["kind"].startswith("reject") else "approve"


def chosen(options: list[dict[str, str]], action: str | None, id: str | None) -> dict[str, str]:
    """The option of this id, or the narrowest that does what is asked."""
    if id is not None:
        option = next((o for o in options if o["optionId"] == id), None)
        if option is None or action not in (None, side(option)):
            raise refuse("INVALID_OPTION")
        return option
    for kind in NARROWEST[action or ""]:
        for option in options:
            if option["kind"] == kind:
                return option
    raise refuse("OPTION_REQUIRED")


class Permissions(Conversation):
    def ask(self, token: str | None, call: Call, body: dict[str, Any]) -> Answer:
        if not body["options"]:
            raise refuse("INVALID_FIELD", "options")
        self.with_host_token(token)
        self.repeated(call)  # the answer is kept with the host session, whatever dispatch the body names
        if body["dispatchId"] not in self.host.handed_out:
            raise refuse("DISPATCH_NOT_FOUND")
        s, prompt = self.host.handed_out[body["dispatchId"]]
        if not s.is_active:
            raise refuse("SESSION_INACTIVE")
        if prompt.dispatch.state != "started" or prompt.cancelled:
            raise refuse("DISPATCH_CONFLICT")
        if len(s.asked) >= self.settings.permissions:
            raise refuse("APPROVAL_LIMIT")
        call_of_tool = body["toolCall"]
        title = call_of_tool.get("title", "").strip() and call_of_tool["title"]
        a = Approval(prompt.author, title or call_of_tool.get("toolCallId") or "a tool call", now())
        a.kind, a.turn, a.tool_call, a.options = "permission", prompt, call_of_tool, body["options"]
        s.approvals.append(a)
        s.emit("permission_requested", a.created, self.told(s, a, a.author))
        return Answer(201, {"approval": s.approval(a)})

    def with_host_token(self, token: str | None) -> None:
        if token is None:
            raise refuse("MISSING_CREDENTIALS")
        if token != self.host.token:
            raise refuse("INVALID_HOST_TOKEN")

    def answer(self, s: Session, a: Approval, p: Participant, body: dict[str, Any]) -> Answer:
        """Whoever may decide has said which way; the agent goes on, nothing is queued."""
        option = chosen(a.options, body.get("action"), body.get("optionId"))
        reason = body.get("reason") or None
        if side(option) == "reject" and self.settings.reason_required and reason is None:
            raise refuse("REASON_REQUIRED")
        a.resolved, a.resolver, a.reason, a.option = now(), p, reason, option["optionId"]
        a.status = "rejected" if side(option) == "reject" else "approved"
        s.emit("permission_resolved", a.resolved, self.told(s, a, p))
        self.tell(a)
        return Answer(200, {"approval": s.approval(a)})

    def tell(self, a: Approval) -> None:
        """What the attached bridge hears of it."""
        if self.host.attached:
            self.host.heard.append(a)

    def ends(self, s: Session, prompt: Approval, at: Cell, reason: str, told: bool = False) -> None:
        """What a turn still asks is withdrawn with it."""
        for a in [a for a in s.asked if a.turn is prompt]:
            self.take_away(s, a, at, reason)
            if told:
                self.tell(a)

    @staticmethod
    def take_away(s: Session, a: Approval, at: Cell, reason: str) -> None:
        a.status, a.resolved, a.reason = "withdrawn", at, reason
        s.emit("permission_withdrawn", at, {"approval": s.approval(a), "reason": reason})

    def asked_for(self, token: str | None, id: str) -> tuple[Session, Approval]:
        self.with_host_token(token)
        for s in self.sessions:
            for a in s.approvals:
                if a.kind == "permission" and a.id.value == id:
                    return s, a
        raise refuse("APPROVAL_NOT_FOUND")

    def look(self, token: str | None, id: str) -> Answer:
        s, a = self.asked_for(token, id)
        name = {"resolvedByName": a.resolver.called} if a.resolver else {}
        return Answer(200, {"approval": s.approval(a)} | name)

    def ask_no_longer(self, token: str | None, id: str) -> Answer:
        s, a = self.asked_for(token, id)
        self.still_pending(a)
        self.take_away(s, a, now(), "agent_withdrew")
        return Answer(200, {"approval": s.approval(a)})
