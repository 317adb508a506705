"""The host's bridge: what it is handed, what it reports, and what the agent says."""

from __future__ import annotations

from typing import Any

from .calls import Answer, Call, now, refuse
from .cells import Cell, value
from .permissions import Permissions
from .values import Approval, Session


class Model(Permissions):
    """All the rules."""

    # Attachments

    def attach(self, bridge: str) -> None:
        """A newer attachment fences an older one; another bridge ends the turn that the older one was running."""
        host = self.host
        if host.running and host.attached not in (None, bridge):
            s, a = host.running
            if a.dispatch.state == "started":
                message = "another bridge took over while this prompt was running, so its outcome is unknown"
                at = now()
                self.ends(s, a, at, "turn_failed")
                self.fail(s, a, at, message)
            elif a.dispatch.state == "queued" and not self.is_behind(s, a):
                s.leased = a
                a.dispatch.attempt += 1  # taken back, so that a late report of the older bridge is stale
            host.running = None
        host.attached = bridge
        host.fence += 1
        for s in self.sessions:
            if s.is_active:
                self.announce(s)

    @staticmethod
    def is_behind(s: Session, a: Approval) -> bool:
        """Whether something interrupts that goes before what was handed out."""
        first = s.queue[0] if s.is_active and s.queue else None
        return first is not None and first is not a and first.delivery is not None

    def hand_out(self, again: bool = False) -> dict[str, Any] | None:
        """The dispatch the attached bridge gets now, if any; with `again` also one that an attachment before it got."""
        host = self.host
        if host.attached is None:
            return None
        if host.running:
            s, a = host.running
            over = a.dispatch.state in ("completed", "failed")
            if over or (a.dispatch.state == "queued" and self.is_behind(s, a)):
                host.running = None
            elif not (again and a.dispatch.state == "queued"):
                return None
        if host.running is None:
            waiting = [(a.dispatch.order, s, a) for s in self.sessions if s.is_active for a in s.queue if a.dispatch]
            if not waiting:
                return None
            _, s, a = min(waiting, key=lambda entry: entry[0])
            host.running = (s, a)
        s, a = host.running
        a.dispatch.attempt += 1
        s.leased = a
        host.handed_out[value(a.dispatch.id)] = (s, a)
        return {
            "dispatchId": a.dispatch.id,
            "approvalId": a.id,
            "sharedSessionId": s.id,
            **({"control": a.control} if a.control else {"prompt": a.text}),
            "participant": s.participant(a.author),
            "attempt": a.dispatch.attempt,
        }

    # Reports

    def report(self, token: str | None, dispatch: str, body: dict[str, Any]) -> Answer:
        if body.get("state") not in ("started", "completed", "failed"):
            raise refuse("INVALID_FIELD", "state")
        self.with_host_token(token)
        if dispatch not in self.host.handed_out:
            raise refuse("DISPATCH_NOT_FOUND")
        s, a = self.host.handed_out[dispatch]
        d, state = a.dispatch, body["state"]
        if d.attempt != body["attempt"]:
            raise refuse("DISPATCH_CONFLICT")
        if d.state == state and not (state == "failed" and d.failed_by_service):
            return Answer(200, {"dispatch": d.json()})
        allowed = {"queued": ("started", "failed"), "started": ("completed", "failed")}.get(d.state, ())
        if state not in allowed:
            raise refuse("DISPATCH_CONFLICT")
        at = now()
        about = {"approvalId": a.id, "dispatchId": d.id}
        if state == "started":
            d.state, d.started = "started", at
            s.emit("prompt_dispatch_started", at, about | {"attempt": d.attempt})
        elif state == "completed":
            stop = body.get("stopReason") or "end_turn"
            self.ends(s, a, at, "turn_cancelled" if a.cancelled or stop == "cancelled" else "turn_ended")
            d.state, d.ended, d.stop = "completed", at, stop
            s.emit("prompt_dispatch_completed", at, about | {"stopReason": d.stop} | d.interrupted)
        else:
            self.ends(s, a, at, "turn_failed")
            self.fail(s, a, at, body.get("error") or "the agent failed without saying why", by_service=False)
        return Answer(200, {"dispatch": d.json()})

    def fail(self, s: Session, a: Approval, at: Cell, error: str, by_service: bool = True) -> None:
        d = a.dispatch
        assert d
        d.state, d.ended, d.failed_by_service = "failed", at, by_service
        a.status, a.error = "failed", error
        s.emit("prompt_dispatch_failed", at, {"approvalId": a.id, "dispatchId": d.id, "error": error} | d.interrupted)

    def cancel(self, id: str, call: Call) -> tuple[Answer, str | None]:
        """The answer, and the dispatch that the bridge is to stop. What was handed out counts as running."""
        s, _ = self.enter(id, call, host=True)
        running = self.host.running
        if running is None or running[0] is not s or running[1].dispatch.state not in ("queued", "started"):
            return Answer(202, {"cancelling": False}), None
        running[1].cancelled = True
        self.ends(s, running[1], now(), "turn_cancelled", told=True)
        return Answer(202, {"cancelling": True}), value(running[1].dispatch.id)

    def notify(self, token: str | None, call: Call, notifications: list[dict[str, Any]]) -> Answer:
        self.with_host_token(token)
        self.repeated(call)
        for s in self.sessions:
            if s.is_active:
                at = now()
                for notification in notifications:
                    s.emit("host_session_update", at, {"notification": notification})
        return Answer(202, {"accepted": len(notifications)})

    def host_session(self) -> Answer:
        host = {
            "id": self.host.id,
            "workspaceId": self.host.workspace,
            "userId": "owner",
            "online": self.host.attached is not None,
            "createdAt": Cell("time"),
            "lastSeenAt": Cell("time"),
            "sharedSessionIds": [s.id for s in self.sessions if s.is_active],
        }
        return Answer(200, {"hostSession": host})

    def delete(self, token: str | None) -> Answer:
        """The host session goes, with all that it shares; what becomes of a turn that runs can no longer be told."""
        self.with_host_token(token)
        for s in self.sessions:
            if s.is_active:
                self.end(s)
        self.host.heard.clear()
        if self.host.running and self.host.running[1].dispatch.state == "started":
            s, a = self.host.running
            message = "the host session was removed while this prompt was running, so its outcome is unknown"
            self.fail(s, a, now(), message)
        self.host.running = self.host.attached = None
        return Answer(200, {"closed": True})

    def ticket(self, id: str, call: Call) -> Answer:
        self.enter(id, call)
        return Answer(201, {"ticket": Cell("token"), "expiresAt": Cell("time")})
