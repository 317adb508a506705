"""A call as the model sees it, its answer, and the order of checks that all calls have in common."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .cells import Cell, value
from .values import Participant, Session, Settings

STATUS = {
    **dict.fromkeys(
        """INVALID_BODY INVALID_FIELD INVALID_ACTION MISSING_CREDENTIALS MISSING_HOST_SESSION_ID
        MISSING_HOST_USER_ID MISSING_USER_ID EMPTY_MESSAGE EMPTY_PROMPT REASON_REQUIRED INVALID_OPTION
        OPTION_REQUIRED""".split(),
        400,
    ),
    "API_KEY_REQUIRED": 401,
    **dict.fromkeys(
        """INVALID_API_KEY INVALID_HOST_TOKEN HOST_TOKEN_REQUIRED INVALID_PARTICIPANT_TOKEN INVALID_INVITE_TOKEN
        HOST_IDENTITY_RESERVED HOST_REQUIRED AUTHOR_REQUIRED COMMENT_NOT_ALLOWED PROMPT_NOT_ALLOWED""".split(),
        403,
    ),
    **dict.fromkeys(
        """SESSION_NOT_FOUND HOST_SESSION_NOT_FOUND PARTICIPANT_NOT_FOUND APPROVAL_NOT_FOUND DISPATCH_NOT_FOUND
        INVITE_NOT_FOUND""".split(),
        404,
    ),
    **dict.fromkeys(
        """SESSION_INACTIVE PARTICIPANT_INACTIVE APPROVAL_ALREADY_RESOLVED USER_ALREADY_JOINED SESSION_FULL
        MESSAGE_LIMIT APPROVAL_LIMIT SESSION_LIMIT DISPATCH_CONFLICT PROMPT_CHANGED CONTROL_NOT_AVAILABLE
        INVITE_LIMIT""".split(),
        409,
    ),
    "IDEMPOTENCY_KEY_REUSED": 422,
}


@dataclass(frozen=True)
class Who:
    """A participant's credentials as they are sent."""

    id: str
    token: str


@dataclass(frozen=True)
class Repeat:
    """What makes a POST repeatable."""

    key: str
    route: str
    caller: str
    body: bytes

    @property
    def scope(self) -> tuple[str, str, str]:
        return self.key, self.route, self.caller


@dataclass(frozen=True)
class Call:
    """Who calls, and with what: participant's credentials, API key (`right`, `wrong` or none), `Idempotency-Key`."""

    who: Who | None = None
    api_key: str | None = None
    repeat: Repeat | None = None


@dataclass
class Answer:
    """What must come back. With `exact` it is that very body; an error's sentence must hold all of `mentions`."""

    status: int
    body: Any = None
    code: str | None = None
    mentions: tuple[str, ...] = ()
    exact: Any = None


@dataclass(frozen=True)
class Sent:
    """A request as it went out, to be sent once more."""

    method: str
    path: str
    raw: bytes | None
    headers: dict[str, str]
    rule: Callable[[Call], Answer]
    call: Call

    def changed(self) -> Sent:
        """The same with another body: a field more, which nobody looks at."""
        assert self.call.repeat
        raw = json.dumps(json.loads(self.raw or b"{}") | {"more": 1}, ensure_ascii=False).encode()
        return replace(self, raw=raw, call=replace(self.call, repeat=replace(self.call.repeat, body=raw)))


class Refused(Exception):
    """The call is answered before it changes anything: with an error, or with the first answer to a repeat."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def refuse(code: str, *mentions: str) -> Refused:
    return Refused(Answer(STATUS[code], code=code, mentions=mentions))


@dataclass
class HostSession:
    """The one host session of a run."""

    id: str
    token: str
    workspace: str
    attached: str | None = None
    fence: int = 0
    running: tuple[Session, Any] | None = None
    heard: list[Any] = field(default_factory=list)
    handed_out: dict[str, tuple[Session, Any]] = field(default_factory=dict)


class Rules:
    """The model's state, and the checks in the contract's order."""

    def __init__(self, settings: Settings, host: HostSession) -> None:
        self.settings = settings
        self.host = host
        self.sessions: list[Session] = []
        self.kept: dict[tuple[str, str, str], tuple[bytes, int, Any]] = {}
        self.approved = 0
        #: The dispatch whose turn the last step has interrupted.
        self.stopped: str | None = None

    def session(self, id: str) -> Session:
        for session in self.sessions:
            if session.id.value == id:
                return session
        raise refuse("SESSION_NOT_FOUND")

    def repeated(self, call: Call) -> None:
        """A repeat within its time gets the first answer and changes nothing; another body is refused."""
        if call.repeat is None or call.repeat.scope not in self.kept:
            return
        body, status, answer = self.kept[call.repeat.scope]
        if body != call.repeat.body:
            raise refuse("IDEMPOTENCY_KEY_REUSED")
        raise Refused(Answer(status, exact=answer))

    def keep(self, repeat: Repeat, status: int, answer: Any) -> None:
        """Only what succeeded is remembered: what was refused may be tried again."""
        self.kept.setdefault(repeat.scope, (repeat.body, status, answer))

    @staticmethod
    def caller(session: Session, who: Who) -> Participant:
        p = next((p for p in session.participants if p.id.value == who.id), None)
        if p is None:
            raise refuse("PARTICIPANT_NOT_FOUND")
        if not p.holds(who.token):
            raise refuse("INVALID_PARTICIPANT_TOKEN")
        if p.left is not None:
            raise refuse("PARTICIPANT_INACTIVE")
        return p

    def enter(self, session_id: str, call: Call, host: bool = False) -> tuple[Session, Participant]:
        """The checks of every call by a participant."""
        if call.who is None:
            raise refuse("MISSING_CREDENTIALS")
        session = self.session(session_id)
        self.repeated(call)
        if not session.is_active:
            raise refuse("SESSION_INACTIVE")
        p = self.caller(session, call.who)
        if host and p.role != "host":
            raise refuse("HOST_REQUIRED")
        return session, p

    def with_key(self, call: Call) -> None:
        """Lists, creation and registration need an API key in `keyed` access; a wrong one is refused in any."""
        if call.api_key == "wrong":
            raise refuse("INVALID_API_KEY")
        if self.settings.keyed and call.api_key is None:
            raise refuse("API_KEY_REQUIRED")

    def read(self, session_id: str, call: Call, ended: bool = False) -> tuple[Session, bool]:
        """The checks of every read of one session, with `ended` also of one that has ended.

        Answers the session, and whether the reader sees no more than viewers do.
        """
        trusted = self.settings.keyed and call.api_key == "right"
        if call.api_key == "wrong":
            raise refuse("INVALID_API_KEY")
        if self.settings.keyed and not trusted and call.who is None:
            raise refuse("API_KEY_REQUIRED")
        session = self.session(session_id)
        if not session.is_active and not ended:
            raise refuse("SESSION_INACTIVE")
        reader = None if trusted or call.who is None else self.reader(session, call.who)
        is_viewer = not trusted and (reader is None or reader.role == "viewer")
        return session, is_viewer and session.viewer_updates == "reduced"

    def reader(self, session: Session, who: Who) -> Participant:
        """Whoever reads with credentials; wrong ones are refused also where none are needed."""
        p = next((p for p in session.participants if p.id.value == who.id), None)
        if p and p.was_there_at_the_end and p.holds(who.token):
            return p
        return self.caller(session, who)

    @staticmethod
    def member(session: Session, id: str) -> Participant:
        """Somebody named in a path, who is still there."""
        p = next((p for p in session.participants if p.id.value == id), None)
        if p is None:
            raise refuse("PARTICIPANT_NOT_FOUND")
        if p.left is not None:
            raise refuse("PARTICIPANT_INACTIVE")
        return p

    @staticmethod
    def trust_first_token(p: Participant) -> None:
        """Whoever may decide keeps only the token that made them: later ones are given out for an invite alone."""
        if p.first is None or not p.tokens or value(p.tokens[0]) != value(p.first):
            raise refuse("FIRST_TOKEN_REQUIRED")
        p.tokens = [p.first]


def now() -> Cell:
    """The one moment at which a call happens: every time it sets is the same."""
    return Cell("time")
