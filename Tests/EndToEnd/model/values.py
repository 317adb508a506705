"""The objects of the contract as the model holds them, and the JSON each must be shown as."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .cells import Cell, value, without_absent
from .visibility import reduced


@dataclass
class Settings:
    """What the nodes under test are configured with."""

    keyed: bool = False
    reason_required: bool = False
    participants: int = 5
    messages: int = 4
    pending: int = 5
    pending_each: int = 3
    invites: int = 2
    sessions: int = 2
    permissions: int = 2
    tokens: int = 8

    @property
    def strict(self) -> bool:
        """Joining again under a present user's id needs that participant's credentials."""
        return self.keyed


@dataclass
class Participant:
    user: str
    name: str | None
    role: str
    joined: Cell
    id: Cell = field(default_factory=lambda: Cell("id"))
    tokens: list[Cell] = field(default_factory=list)
    given: list[Cell] = field(default_factory=list)
    #: Tokens that were given to somebody who proved to be this participant.
    proven: list[Cell] = field(default_factory=list)
    first: Cell | None = None
    may_approve: bool = False
    left: Cell | None = None
    online: bool = False
    was_there_at_the_end: bool = False

    @property
    def called(self) -> str:
        """What a person calls them."""
        return self.name or self.user

    def give_token(self, at_most: int, own: bool = False) -> Cell | None:
        """A further valid token; beyond the limit the oldest stops being one, but never the first, nor one that was given
        to somebody who proved to be this participant when the caller has not. None when there is no room."""
        token = Cell("token")
        if len(self.tokens) >= at_most:
            going = next((t for t in self.tokens[1:] if own or not any(t is p for p in self.proven)), None)
            if going is None:
                return None
            self.tokens = [t for t in self.tokens if t is not going]
        self.tokens = [*self.tokens, token]
        self.first = self.first or token
        self.given.append(token)
        if own:
            self.proven.append(token)
        return token

    def holds(self, token: str) -> bool:
        return token in [value(t) for t in self.tokens]


@dataclass
class Dispatch:
    """`order` is the place of its approval among all of the host session's."""

    order: int
    id: Cell = field(default_factory=lambda: Cell("id"))
    state: str = "queued"
    attempt: int = 0
    started: Cell | None = None
    ended: Cell | None = None
    stop: str | None = None
    failed_by_service: bool = False
    #: The prompt that has interrupted its turn, and who approved that one.
    interrupter: tuple[Approval, Participant] | None = None

    @property
    def interrupted(self) -> dict[str, Any]:
        """What its end says of whoever has interrupted it."""
        if self.interrupter is None:
            return {}
        a, p = self.interrupter
        return {"interruptedByApprovalId": a.id, "interruptedByParticipantId": p.id}

    def json(self) -> dict[str, Any]:
        return without_absent(
            id=self.id,
            state=self.state,
            attempt=self.attempt,
            startedAt=self.started,
            endedAt=self.ended,
            stopReason=self.stop or None,
            **(self.interrupted if self.ended else {}),
        )


@dataclass
class Approval:
    author: Participant
    prompt: str
    created: Cell
    status: str = "pending"
    id: Cell = field(default_factory=lambda: Cell("id"))
    expires: Cell | None = None
    resolved: Cell | None = None
    resolver: Participant | None = None
    reason: str | None = None
    edited: str | None = None
    error: str | None = None
    dispatch: Dispatch | None = None
    kind: str = "prompt"
    delivery: str | None = None
    #: Of a control: what is to be set.
    control: dict[str, Any] | None = None
    #: Of a prompt: its turn was told to stop.
    cancelled: bool = False
    #: Of a permission request: the prompt whose turn waits, what is asked, what may be answered and what was.
    turn: Approval | None = None
    tool_call: dict[str, Any] | None = None
    options: list[dict[str, str]] = field(default_factory=list)
    option: str | None = None

    @property
    def text(self) -> str:
        """What the agent gets."""
        return self.edited or self.prompt


@dataclass
class Message:
    author: Participant
    kind: str
    text: str
    created: Cell
    approval: Approval | None = None
    id: Cell = field(default_factory=lambda: Cell("id"))


@dataclass
class Invite:
    """A scoped invite."""

    role: str
    label: str | None
    most: int | None
    created: Cell
    expires: Cell | None = None
    uses: int = 0
    revoked: Cell | None = None
    id: Cell = field(default_factory=lambda: Cell("id"))
    token: Cell = field(default_factory=lambda: Cell("token"))

    @property
    def is_open(self) -> bool:
        return self.revoked is None and (self.most is None or self.uses < self.most)


@dataclass
class Event:
    """One entry of a session's log; `subject` is who it is about."""

    type: str
    timestamp: Cell
    payload: dict[str, Any]
    entry: Cell = field(default_factory=lambda: Cell("entry"))


@dataclass
class Session:
    host_session: str
    workspace: str
    host_user: str
    mode: str
    created: Cell
    expires: Cell | None = None
    timeout: int | None = None
    viewer_updates: str = "all"
    status: str = "active"
    id: Cell = field(default_factory=lambda: Cell("id"))
    invite: Cell = field(default_factory=lambda: Cell("token"))
    host_online: bool = False
    participants: list[Participant] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    invites: list[Invite] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    #: What was handed out last.
    leased: Approval | None = None

    @property
    def is_active(self) -> bool:
        return self.status == "active"

    @property
    def present(self) -> list[Participant]:
        return [p for p in self.participants if p.left is None]

    @property
    def host(self) -> Participant:
        return next(p for p in self.participants if p.role == "host")

    @property
    def pending(self) -> list[Approval]:
        """Prompts and controls that wait for a decision."""
        return [a for a in self.approvals if a.status == "pending" and a.kind != "permission"]

    @property
    def asked(self) -> list[Approval]:
        """Permission requests that wait for an answer."""
        return [a for a in self.approvals if a.status == "pending" and a.kind == "permission"]

    @property
    def queue(self) -> list[Approval]:
        """What waits for its dispatch, in the order of approval."""
        waiting = [a for a in self.approvals if a.dispatch and a.dispatch.state == "queued"]
        return sorted(waiting, key=lambda a: a.dispatch.order if a.dispatch else 0)

    def emit(self, type: str, now: Cell, payload: dict[str, Any]) -> None:
        self.events.append(Event(type, now, payload))

    # JSON

    def envelope(self, e: Event, less: bool) -> dict[str, Any] | None:
        """An event as it is sent, with `less` to viewers; nothing when they do not get it."""
        payload = reduced(e.type, e.payload) if less else e.payload
        if payload is None:
            return None
        return {"type": e.type, "sharedSessionId": self.id, "timestamp": e.timestamp, "payload": payload}

    def json(self) -> dict[str, Any]:
        return without_absent(
            id=self.id,
            workspaceId=self.workspace,
            hostUserId=self.host_user,
            hostSessionId=self.host_session,
            mode=self.mode,
            approvalRequired=self.mode == "prompt_with_approval",
            createdAt=self.created,
            expiresAt=self.expires,
            approvalTimeoutSeconds=self.timeout,
            viewerUpdates=self.viewer_updates,
            status=self.status,
        )

    def participant(self, p: Participant, token: Cell | None = None) -> dict[str, Any]:
        return without_absent(
            id=p.id,
            sharedSessionId=self.id,
            userId=p.user,
            displayName=p.name,
            role=p.role,
            canApprove=True if p.may_approve else None,
            joinedAt=p.joined,
            leftAt=p.left,
            online=p.online and p.left is None,
            accessToken=token,
        )

    def approval(self, a: Approval) -> dict[str, Any]:
        return without_absent(
            id=a.id,
            sharedSessionId=self.id,
            participantId=a.author.id,
            kind=a.kind,
            prompt=a.prompt,
            status=a.status,
            createdAt=a.created,
            expiresAt=a.expires,
            resolvedAt=a.resolved,
            resolvedByParticipantId=a.resolver.id if a.resolver else None,
            reason=a.reason,
            editedPrompt=a.edited,
            errorMessage=a.error,
            dispatch=a.dispatch.json() if a.dispatch else None,
            dispatchId=a.turn.dispatch.id if a.turn and a.turn.dispatch else None,
            toolCall=a.tool_call,
            options=a.options or None,
            optionId=a.option,
            delivery=a.delivery,
            control=a.control,
        )

    def message(self, m: Message) -> dict[str, Any]:
        return without_absent(
            id=m.id,
            sharedSessionId=self.id,
            participantId=m.author.id,
            authorUserId=m.author.user,
            kind=m.kind,
            text=m.text,
            createdAt=m.created,
            approvalId=m.approval.id if m.approval else None,
        )

    def invite_json(self, i: Invite) -> dict[str, Any]:
        return without_absent(
            id=i.id,
            sharedSessionId=self.id,
            label=i.label,
            role=i.role,
            maxUses=i.most,
            uses=i.uses,
            createdAt=i.created,
            expiresAt=i.expires,
            revokedAt=i.revoked,
        )
