"""What is said and asked in a session, what is decided of it, and how it is read."""

from __future__ import annotations

import hashlib
from typing import Any

from .calls import Answer, Call, now, refuse
from .cells import Cell, value
from .membership import Membership
from .values import Approval, Dispatch, Message, Participant, Session
from .visibility import reduced_approval

COMMENTS = ("comment_only", "prompt_with_approval", "prompt_direct")


def prompt_right(mode: str, role: str) -> str | None:
    """The permission matrix: `direct`, `approval` or nothing."""
    if role == "host":
        return "direct"
    by_mode = {"prompt_with_approval": "approval", "prompt_direct": "direct"}
    return by_mode.get(mode) if role == "collaborator" else None


#: What the agent can be set to, and how its sessions begin.
MODES = ("ask", "code")
OPTIONS: dict[str, tuple[Any, ...]] = {"model": ("small", "large"), "loud": (True, False)}
INTRODUCTION = {
    "modes": {"currentModeId": "ask", "availableModes": [{"id": id, "name": id} for id in MODES]},
    "configOptions": [
        {"id": "model", "type": "select", "currentValue": "small", "options": [{"value": v} for v in OPTIONS["model"]]},
        {"id": "loud", "type": "boolean", "currentValue": False},
    ],
}
AGENT = {
    "capabilities": {},
    "mode": "ask",
    "modes": INTRODUCTION["modes"]["availableModes"],  # type: ignore[index]
    "options": INTRODUCTION["configOptions"],
}


class Conversation(Membership):
    def comment(self, id: str, call: Call, text: str) -> Answer:
        text = text.strip()
        if not text:
            raise refuse("EMPTY_MESSAGE")
        s, p = self.enter(id, call)
        if not (p.role == "host" or (p.role == "collaborator" and s.mode in COMMENTS)):
            raise refuse("COMMENT_NOT_ALLOWED")
        if len(s.messages) >= self.settings.messages:
            raise refuse("MESSAGE_LIMIT")
        m = Message(p, "comment", text, now())
        s.messages.append(m)
        s.emit("message_created", m.created, {"message": s.message(m), "participant": s.participant(p)})
        return Answer(200, {"message": s.message(m)})

    def prompt(self, id: str, call: Call, text: str, delivery: str | None = None) -> Answer:
        text = text.strip()
        if not text:
            raise refuse("EMPTY_PROMPT")
        if delivery not in (None, "queue", "interrupt"):
            raise refuse("INVALID_FIELD", "delivery")
        return self.propose(id, call, text, delivery="interrupt" if delivery == "interrupt" else None)

    def control(self, id: str, call: Call, body: dict[str, Any]) -> Answer:
        """A change of how the agent works."""
        kind, wanted = body["kind"], body["value"]
        if kind == "mode":
            return self.propose(
                id, call, f"Set the agent's mode to {wanted}.", {"kind": "mode", "value": wanted}, wanted in MODES
            )
        shown = wanted if isinstance(wanted, str) else str(wanted).lower()
        sentence = f"Set the agent's option {body['id']} to {shown}."
        return self.propose(id, call, sentence, body, wanted in OPTIONS.get(body["id"], ()))

    def propose(
        self,
        id: str,
        call: Call,
        text: str,
        control: dict[str, Any] | None = None,
        is_offered: bool = True,
        delivery: str | None = None,
    ) -> Answer:
        s, p = self.enter(id, call)
        right = prompt_right(s.mode, p.role)
        if right is None:
            raise refuse("PROMPT_NOT_ALLOWED")
        if not is_offered:
            raise refuse("CONTROL_NOT_AVAILABLE")
        if len(s.pending) + len(s.queue) >= self.settings.pending:
            raise refuse("APPROVAL_LIMIT")
        if right == "approval":
            if sum(a.author is p for a in s.pending) >= self.settings.pending_each:
                raise refuse("APPROVAL_LIMIT")
            if len(s.messages) >= self.settings.messages and control is None:
                raise refuse("MESSAGE_LIMIT")
        at = now()
        a = Approval(p, text, at, kind="control" if control else "prompt", control=control, delivery=delivery)
        s.approvals.append(a)
        if right == "approval":
            a.expires = Cell("time", at, s.timeout * 1000) if s.timeout else None
            if control is None:
                s.messages.append(Message(p, "prompt", text, at, a))
            s.emit("prompt_pending_approval", at, self.told(s, a, p))
        else:
            a.status, a.resolved, a.resolver = "approved", at, p
            place = self.enqueue(s, a, p)
            s.emit("prompt_approved", at, self.told(s, a, p) | place)
        return Answer(200, {"status": a.status, "approval": s.approval(a)})

    @staticmethod
    def told(s: Session, a: Approval, p: Participant) -> dict[str, Any]:
        return {"approval": s.approval(a), "participant": s.participant(p)}

    def enqueue(self, s: Session, a: Approval, p: Participant) -> dict[str, int]:
        """Puts an approved prompt at the end of the queue, or before all of it; its place there, counted from 1."""
        self.approved += 1
        if a.delivery is None:
            a.dispatch = Dispatch(self.approved)
            return {"position": len(s.queue)}
        self.interrupt(s, a, p)
        a.dispatch = Dispatch(-self.approved)
        return {"position": 1}

    def interrupt(self, s: Session, by: Approval, p: Participant) -> None:
        """The turn that runs is stopped; what was only handed out is taken back."""
        a = s.leased
        d = a.dispatch if a else None
        if d and d.state == "queued":
            d.attempt += 1
        elif a and d and d.state == "started" and a.kind == "prompt" and not a.cancelled:
            a.cancelled, d.interrupter = True, (by, p)
            self.ends(s, a, now(), "turn_cancelled", told=True)
            self.stopped = value(d.id)

    def ends(self, s: Session, prompt: Approval, at: Cell, reason: str, told: bool = False) -> None:
        raise NotImplementedError

    @staticmethod
    def find(s: Session, id: str) -> Approval:
        a = next((a for a in s.approvals if a.id.value == id), None)
        if a is None:
            raise refuse("APPROVAL_NOT_FOUND")
        return a

    @staticmethod
    def still_pending(a: Approval) -> None:
        if a.status == "pending":
            return
        how = [a.status, *([f"by {a.resolver.called}"] if a.resolver else [])]
        raise refuse("APPROVAL_ALREADY_RESOLVED", *how)

    def decide(self, id: str, call: Call, approval: str, body: dict[str, Any]) -> Answer:
        option = body.get("optionId")
        if option is None and "action" not in body:
            raise refuse("INVALID_BODY", "action")
        if body.get("action", "approve") not in ("approve", "reject"):
            raise refuse("INVALID_ACTION")
        edited, shown = body.get("editedPrompt"), body.get("promptHash")
        if edited is not None:
            edited = edited.strip()
            if not edited:
                raise refuse("INVALID_FIELD", "editedPrompt")
        if shown is not None and (len(shown) != 64 or set(shown.lower()) - set("0123456789abcdef")):
            raise refuse("INVALID_FIELD", "promptHash")
        s, p = self.enter(id, call)
        if p.role != "host" and not p.may_approve:
            raise refuse("HOST_REQUIRED")
        a = self.find(s, approval)
        if option is not None if a.kind != "permission" else edited or shown:
            raise refuse("INVALID_FIELD")
        if a.kind == "control" and edited:
            raise refuse("INVALID_FIELD")
        self.still_pending(a)
        if a.kind == "permission":
            return self.answer(s, a, p, body)
        if shown is not None and shown.lower() != hashlib.sha256(a.prompt.encode()).hexdigest():
            raise refuse("PROMPT_CHANGED")
        reason = body.get("reason") or None
        if body["action"] == "reject" and self.settings.reason_required and reason is None:
            raise refuse("REASON_REQUIRED")
        a.resolved, a.resolver, a.reason = now(), p, reason
        place: dict[str, int] = {}
        if body["action"] == "approve":
            a.status, a.edited = "approved", edited
            place = self.enqueue(s, a, p)
        else:
            a.status = "rejected"
        s.emit(f"prompt_{a.status}", a.resolved, self.told(s, a, p) | place)
        return Answer(200, {"approval": s.approval(a)})

    def answer(self, s: Session, a: Approval, p: Participant, body: dict[str, Any]) -> Answer:
        raise NotImplementedError

    def withdraw(self, id: str, call: Call, approval: str) -> Answer:
        s, p = self.enter(id, call)
        a = self.find(s, approval)
        if a.author is not p or a.kind == "permission":
            raise refuse("AUTHOR_REQUIRED")
        self.still_pending(a)
        a.status, a.resolved, a.resolver = "withdrawn", now(), p
        s.emit("prompt_withdrawn", a.resolved, self.told(s, a, p))
        return Answer(200, {"approval": s.approval(a)})

    def take_back(self, id: str, call: Call, approval: str) -> Answer:
        """Out of the queue, before it has started."""
        s, p = self.enter(id, call)
        a = self.find(s, approval)
        if a.author is not p and p.role != "host" and not p.may_approve:
            raise refuse("AUTHOR_REQUIRED")
        if a.dispatch is None or a.dispatch.state != "queued":
            raise refuse("DISPATCH_CONFLICT")
        at = now()
        a.status, a.error = "withdrawn", f"withdrawn from the queue by {p.called}"
        a.dispatch.state, a.dispatch.ended, a.dispatch.failed_by_service = "failed", at, True
        s.emit("prompt_withdrawn", at, self.told(s, a, p))
        return Answer(200, {"approval": s.approval(a)})

    def expire(self, s: Session, a: Approval) -> None:
        """The time of a pending approval is over; nobody calls."""
        a.status, a.resolved = "expired", now()
        s.emit("prompt_expired", a.resolved, self.told(s, a, a.author))

    # Reading

    def snapshot(self, id: str, call: Call) -> Answer:
        s, less = self.read(id, call)
        approvals = [s.approval(a) for a in reversed(s.approvals)]
        return Answer(
            200,
            {
                "session": s.json(),
                "participants": [s.participant(p) for p in s.participants],
                "approvals": [reduced_approval(a) for a in approvals] if less else approvals,
                "agent": AGENT | self.turn(s),
                "cursor": s.events[-1].entry,
            },
        )

    @staticmethod
    def turn(s: Session) -> dict[str, Any]:
        a = s.leased
        if a is None or a.kind != "prompt" or a.dispatch is None or a.dispatch.state != "started":
            return {}
        return {"turn": {"dispatchId": a.dispatch.id, "startedAt": a.dispatch.started}}

    def participants(self, id: str, call: Call) -> Answer:
        s, _ = self.read(id, call)
        return Answer(200, {"participants": [s.participant(p) for p in s.participants]})

    def queued(self, id: str, call: Call) -> Answer:
        s, _ = self.read(id, call)
        queue = [{"position": at, "approval": s.approval(a)} for at, a in enumerate(s.queue, 1)]
        return Answer(200, {"queue": queue})

    def messages(self, id: str, call: Call) -> list[dict[str, Any]]:
        s, _ = self.read(id, call)
        return [s.message(m) for m in s.messages]

    def listed(self, call: Call, status: str | None) -> list[dict[str, Any]]:
        self.with_key(call)
        return [s.json() for s in reversed(self.sessions) if status in (None, s.status)]

    def export(self, id: str, call: Call) -> list[dict[str, Any]]:
        s, less = self.read(id, call, ended=True)
        return [line for e in s.events if (line := s.envelope(e, less))]
