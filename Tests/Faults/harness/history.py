"""A recorded history: what clients asked and were told, what readers saw, what ran, and what Redis holds at the end.

All of it is plain data, so that a history can be forged by a test and kept in a file when a run fails.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Outcome(StrEnum):
    """What a client knows of its request."""

    OK = "ok"
    #: The service says, or it is plain, that nothing was done.
    FAILED = "failed"
    #: No answer, or one that says so.
    UNKNOWN = "unknown"


@dataclass
class Call:
    """One request that changes something; a repeat with the same Idempotency-Key is a call of its own."""

    session: str
    #: `message`, `prompt`, `join`, `leave` or `resolve`.
    action: str
    #: What it writes, unlike what any other call writes but for its own repeats; of `resolve` the approval's id.
    text: str
    key: str | None = None
    client: str = ""
    invoked: float = 0.0
    returned: float | None = None
    outcome: Outcome = Outcome.UNKNOWN
    #: The status and code that were answered; 0 for no answer at all.
    status: int = 0
    code: str | None = None
    #: The id of what was made, or of what was resolved.
    made: str | None = None
    #: A digest of the whole answer, for repeats.
    answer: str | None = None
    #: Of `resolve`: what was asked for (`approve`, `reject`), and by whom.
    decision: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class Event:
    """An event as a reader got it."""

    id: str
    digest: str
    at: float = 0.0


@dataclass(frozen=True)
class Reset:
    """A `stream_reset`: the reader was told that it goes on after `cursor`."""

    cursor: str | None
    at: float = 0.0


@dataclass
class Reading:
    """Everything one reader saw of one session, over all its connections."""

    session: str
    reader: str
    seen: list[Event | Reset] = field(default_factory=list)
    #: Connections that were opened, and whether the reader was there until the end.
    connects: int = 0
    complete: bool = True


@dataclass(frozen=True)
class Entry:
    """An event as Redis holds it."""

    id: str
    seq: int
    type: str
    digest: str
    #: The id of the message, approval or participant it is about, and that one's text or user id.
    about: str | None = None
    text: str | None = None
    #: Who resolved, why a dispatch failed.
    by: str | None = None
    error: str | None = None


@dataclass
class Run:
    """A bridge was granted the start of a prompt: from here on the agent works."""

    session: str
    approval: str
    bridge: str
    at: float = 0.0
    #: `completed` or `failed`, once that was acknowledged; none when the bridge was killed before.
    reported: str | None = None
    #: An end was sent that nobody answered.
    unsure: bool = False


@dataclass
class History:
    """One run of one scenario."""

    calls: list[Call] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    #: Session to its events, oldest first.
    logs: dict[str, list[Entry]] = field(default_factory=dict)
    #: Session to its comments as they are listed at the end: id and text.
    listed: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    #: When the load began and ended.
    began: float = 0.0
    ended: float = 0.0

    def keep(self, path: Path) -> None:
        """Writes all of it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1))

    def delays(self) -> list[float]:
        """How long after its acknowledgement each comment reached each reader, in seconds, the shortest first."""
        acknowledged = {c.made: c.returned for c in self.calls if c.action == "message" and c.outcome == Outcome.OK}
        found: list[float] = []
        for reading in self.readings:
            times = {
                made.id: acknowledged[made.about]
                for made in self.logs.get(reading.session, [])
                if made.about in acknowledged and made.type == "message_created"
            }
            for seen in reading.seen:
                if isinstance(seen, Event) and (at := times.get(seen.id)) is not None:
                    found.append(max(0.0, seen.at - at))
        return sorted(found)

    def longest_outage(self) -> float:
        """The longest time in which some session that is always written to had no write acknowledged, in seconds."""
        longest = 0.0
        for session in {reading.session for reading in self.readings}:
            acknowledged = sorted(
                call.returned
                for call in self.calls
                if call.session == session and call.outcome == Outcome.OK and call.returned is not None
            )
            marks = [self.began, *acknowledged, max(self.ended, self.began)]
            longest = max([longest, *(after - before for before, after in zip(marks, marks[1:], strict=False))])
        return longest


def digest(text: str | bytes) -> str:
    """A short digest: of an event's bytes, of an answer."""
    return hashlib.blake2b(text if isinstance(text, bytes) else text.encode(), digest_size=12).hexdigest()


def entry(stored: dict[str, str]) -> Entry:
    """An entry of a session's stream in Redis, its id as `entry`."""
    event = json.loads(stored["data"])
    payload: dict[str, Any] = event["payload"]
    about = payload.get("message") or payload.get("approval") or payload.get("participant") or {}
    return Entry(
        id=stored["entry"],
        seq=int(stored["seq"]),
        type=event["type"],
        digest=digest(stored["data"]),
        about=about.get("id") or payload.get("approvalId"),
        text=about.get("text") or about.get("prompt") or about.get("userId"),
        by=about.get("resolvedByParticipantId"),
        error=payload.get("error"),
    )
