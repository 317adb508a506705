"""Sessions, who is in them, and what lets others in."""

from __future__ import annotations

from typing import Any

from .calls import Answer, Call, Rules, now, refuse
from .cells import Cell
from .values import Approval, Invite, Participant, Session

MODES = ("view_only", "comment_only", "prompt_with_approval", "prompt_direct")
MOST_MINUTES = 30 * 24 * 60
MINUTE = 60_000


def minutes(body: dict[str, Any]) -> int | None:
    """The asked-for life; absent or not positive is none."""
    asked = body.get("expiresInMinutes")
    if asked is not None and asked > MOST_MINUTES:
        raise refuse("INVALID_FIELD", "expiresInMinutes")
    return asked if asked is not None and asked > 0 else None


def seconds(body: dict[str, Any]) -> int | None:
    asked = body.get("approvalTimeoutSeconds")
    if asked is not None and asked > MOST_MINUTES * 60:
        raise refuse("INVALID_FIELD", "approvalTimeoutSeconds")
    return asked if asked is not None and asked > 0 else None


def mode(body: dict[str, Any]) -> str | None:
    asked = body.get("mode")
    if asked is not None and asked not in MODES:
        raise refuse("INVALID_FIELD", "mode")
    return asked


def updates(body: dict[str, Any]) -> str | None:
    asked = body.get("viewerUpdates")
    if asked is not None and asked not in ("all", "reduced"):
        raise refuse("INVALID_FIELD", "viewerUpdates")
    return asked


class Membership(Rules):
    def create(self, call: Call, body: dict[str, Any], token: str | None) -> Answer:
        """`token` is the host session's that comes along."""
        if not body["hostSessionId"].strip():
            raise refuse("MISSING_HOST_SESSION_ID")
        if not body["hostUserId"].strip():
            raise refuse("MISSING_HOST_USER_ID")
        wanted, seen, asked, timeout = mode(body), updates(body), minutes(body), seconds(body)
        self.with_key(call)
        self.repeated(call)
        if body["hostSessionId"] != self.host.id:
            raise refuse("HOST_SESSION_NOT_FOUND")
        if self.settings.keyed and token != self.host.token:
            raise refuse("HOST_TOKEN_REQUIRED")
        if sum(s.is_active for s in self.sessions) >= self.settings.sessions:
            raise refuse("SESSION_LIMIT")
        at = now()
        s = Session(
            self.host.id,
            body.get("workspaceId") or self.host.workspace,
            body["hostUserId"].strip(),
            wanted or "prompt_with_approval",
            at,
            Cell("time", at, asked * MINUTE) if asked else None,
            timeout,
            seen or "all",
        )
        host = Participant(s.host_user, (body.get("hostDisplayName") or "").strip() or None, "host", at)
        access = host.give_token(self.settings.tokens)
        s.participants.append(host)
        self.sessions.append(s)
        s.emit("shared_session_created", at, {"session": s.json()})
        s.emit("participant_joined", at, {"participant": s.participant(host)})
        if self.host.attached:
            self.announce(s)
        reply = {"session": s.json(), "inviteToken": s.invite, "hostParticipant": s.participant(host, access)}
        return Answer(201, reply)

    @staticmethod
    def announce(s: Session) -> None:
        """The bridge is attached; told once."""
        if not s.host_online:
            s.host_online = True
            s.emit("host_online", now(), {"hostSessionId": s.host_session})

    def update(self, id: str, call: Call, body: dict[str, Any]) -> Answer:
        wanted, seen, asked, timeout = mode(body), updates(body), minutes(body), seconds(body)
        s, _ = self.enter(id, call, host=True)
        at = now()
        s.mode = wanted or s.mode
        s.viewer_updates = seen or s.viewer_updates
        if "expiresInMinutes" in body:
            # No session lives longer than the maximum from its creation, however late somebody asks for all of it.
            base = s.created if asked == MOST_MINUTES else at
            s.expires = Cell("time", base, asked * MINUTE) if asked else None
        if "approvalTimeoutSeconds" in body:
            s.timeout = timeout
        s.emit("session_updated", at, {"session": s.json()})
        return Answer(200, {"session": s.json()})

    def close(self, id: str, call: Call) -> Answer:
        s, _ = self.enter(id, call, host=True)
        self.end(s)
        return Answer(200, {"closed": True, "session": s.json()})

    def run_out(self, s: Session) -> None:
        """A session's time is over; nobody calls. It has ended then, and is told of a little later."""
        self.end(s, status="expired")

    def end(self, s: Session, leaving: Participant | None = None, status: str = "closed") -> None:
        """What is open in a session ends with it; a turn that runs is recorded to its end."""
        at = now()
        s.status = status
        left = at if status == "closed" else now()
        for p in s.present:
            p.left, p.was_there_at_the_end = left, True
        if leaving:
            s.emit("participant_left", at, {"participant": s.participant(leaving)})
        for a in s.pending:
            a.status, a.resolved = "expired", at
            s.emit("prompt_expired", at, {"approval": s.approval(a), "participant": s.participant(a.author)})
        for a in s.asked:
            self.take_away(s, a, at, f"session_{status}")
            self.tell(a)
        for a in s.queue:
            self.fail(s, a, at, "session closed")
        s.emit("session_closed", at, {"status": status})

    # What ends with a session is told elsewhere.

    def fail(self, s: Session, a: Approval, at: Cell, error: str) -> None:
        raise NotImplementedError

    def take_away(self, s: Session, a: Approval, at: Cell, reason: str) -> None:
        raise NotImplementedError

    def tell(self, a: Approval) -> None:
        raise NotImplementedError

    def join(self, id: str, call: Call, body: dict[str, Any]) -> Answer:
        user = body["userId"].strip()
        if not user:
            raise refuse("MISSING_USER_ID")
        role = body.get("role", "collaborator")
        if role not in ("host", "collaborator", "viewer"):
            raise refuse("INVALID_FIELD", "role")
        s = self.session(id)
        self.repeated(call)
        if not s.is_active:
            raise refuse("SESSION_INACTIVE")
        scoped = next((i for i in s.invites if i.token.value == body["inviteToken"]), None)
        if not (scoped.is_open if scoped else s.invite.value == body["inviteToken"]):
            raise refuse("INVALID_INVITE_TOKEN")
        if user == s.host_user:
            raise refuse("HOST_IDENTITY_RESERVED")
        there = next((p for p in s.present if p.user == user), None)
        if there:
            own = call.who is not None and call.who.id == there.id.value and there.holds(call.who.token)
            if scoped or ((self.settings.strict or there.may_approve) and not own):
                raise refuse("USER_ALREADY_JOINED")
            token = there.give_token(self.settings.tokens, own)
            if token is None:
                raise refuse("USER_ALREADY_JOINED")
            return Answer(200, {"session": s.json(), "participant": s.participant(there, token)})
        if len(s.present) >= self.settings.participants:
            raise refuse("SESSION_FULL")
        at = now()
        role = "viewer" if role == "viewer" or (scoped and scoped.role == "viewer") else "collaborator"
        p = Participant(user, (body.get("displayName") or "").strip() or None, role, at)
        token = p.give_token(self.settings.tokens)
        s.participants.append(p)
        if scoped:
            scoped.uses += 1
        s.emit("participant_joined", at, {"participant": s.participant(p)})
        return Answer(200, {"session": s.json(), "participant": s.participant(p, token)})

    def leave(self, id: str, call: Call) -> Answer:
        s, p = self.enter(id, call)
        if p.role == "host":
            self.end(s, leaving=p)
        else:
            p.left = now()
            s.emit("participant_left", p.left, {"participant": s.participant(p)})
        return Answer(200, {"participant": s.participant(p)})

    def remove(self, id: str, call: Call, participant: str) -> Answer:
        s, host = self.enter(id, call, host=True)
        p = self.member(s, participant)
        if p is host:
            raise refuse("INVALID_FIELD", "host")
        p.left = now()
        payload = {"participant": s.participant(p), "removedByParticipantId": host.id}
        s.emit("participant_left", p.left, payload)
        return Answer(200, {"participant": s.participant(p)})

    def change(self, id: str, call: Call, participant: str, body: dict[str, Any]) -> Answer:
        role, may = body.get("role"), body.get("canApprove")
        if role is None and may is None:
            raise refuse("INVALID_BODY", "role")
        if role not in (None, "collaborator", "viewer"):
            raise refuse("INVALID_FIELD", "role")
        s, host = self.enter(id, call, host=True)
        p = self.member(s, participant)
        if p is host:
            raise refuse("INVALID_FIELD", "role")
        role, asked = role or p.role, may
        may = p.may_approve if may is None else may
        if role == "viewer":
            if asked:
                raise refuse("INVALID_FIELD", "canApprove")
            may = False
        if (role, may) != (p.role, p.may_approve):
            if may and not p.may_approve:
                self.trust_first_token(p)
            p.role, p.may_approve = role, may
            s.emit("participant_updated", now(), {"participant": s.participant(p)})
        return Answer(200, {"participant": s.participant(p)})

    def hand_over(self, id: str, call: Call, participant: str) -> Answer:
        s, host = self.enter(id, call, host=True)
        p = self.member(s, participant)
        if p is host:
            raise refuse("INVALID_FIELD", "newHostParticipantId")
        self.trust_first_token(p)
        at = now()
        host.role, p.role, p.may_approve, s.host_user = "collaborator", "host", False, p.user
        s.emit("participant_updated", at, {"participant": s.participant(host)})
        s.emit("participant_updated", at, {"participant": s.participant(p)})
        s.emit("session_updated", at, {"session": s.json()})
        return Answer(200, {"session": s.json(), "participant": s.participant(p)})

    # Invites

    def rotate(self, id: str, call: Call) -> Answer:
        s, _ = self.enter(id, call, host=True)
        s.invite = Cell("token")
        return Answer(200, {"inviteToken": s.invite})

    def make_invite(self, id: str, call: Call, body: dict[str, Any]) -> Answer:
        role, most = body.get("role", "collaborator"), body.get("maxUses")
        if role not in ("collaborator", "viewer"):
            raise refuse("INVALID_FIELD", "role")
        if most is not None and not 1 <= most <= 1_000_000:
            raise refuse("INVALID_FIELD", "maxUses")
        asked = minutes(body)
        s, _ = self.enter(id, call, host=True)
        if len(s.invites) >= self.settings.invites:
            raise refuse("INVITE_LIMIT")
        at = now()
        ends = Cell("time", at, asked * MINUTE) if asked else None
        i = Invite(role, (body.get("label") or "").strip() or None, most, at, ends)
        s.invites.append(i)
        return Answer(201, {"invite": s.invite_json(i), "inviteToken": i.token})

    def list_invites(self, id: str, call: Call) -> Answer:
        s, _ = self.enter(id, call, host=True)
        return Answer(200, {"invites": [s.invite_json(i) for i in s.invites]})

    def revoke(self, id: str, call: Call, invite: str) -> Answer:
        s, _ = self.enter(id, call, host=True)
        i = next((i for i in s.invites if i.id.value == invite), None)
        if i is None:
            raise refuse("INVITE_NOT_FOUND")
        i.revoked = i.revoked or now()
        return Answer(200, {"invite": s.invite_json(i)})
