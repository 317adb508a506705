"""Streams of several sessions on one connection, and what every one of them has to keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .client import Credentials
from .scenario import Shared
from .sse import Frame
from .streams import Stream

PATH = "/api/streams"


def ask(shared: Shared, who: Credentials | str | None = None, cursor: str | None = None) -> str:
    """One session as the stream takes it; `who` may be a stream ticket."""
    who = who or shared.host
    credential = who if isinstance(who, str) else f"{who.id}.{who.token}"
    return f"{shared.id},{credential}" + (f",{cursor}" if cursor else "")


class Combined(Stream):
    """An open stream of several sessions. Each id it got is checked to be the cursor of all of them."""

    def __init__(
        self, base: str, asks: Sequence[str], since: str | None = None, *, in_header: bool = False, **more: Any
    ) -> None:
        self.sessions = [a.split(",")[0] for a in asks]
        headers = more.pop("headers", {}) | ({"Tandem-Sessions": " ".join(asks)} if in_header else {})
        headers |= {"Last-Event-ID": since} if since else {}
        query = {} if in_header else {"session": list(asks)}
        super().__init__(
            base, PATH, headers=headers, query=query | more.pop("query", {}), tells_positions=True, **more
        )

    @property
    def cursor(self) -> str:
        """What a client would resume from."""
        assert self.parser.last_id
        return self.parser.last_id

    def opened(self) -> dict[str, list[Frame]]:
        """The frames a connection begins with, by type: up to the last of its `connected` and refusals."""
        found: dict[str, list[Frame]] = {"connected": [], "stream_refused": []}
        while sum(map(len, found.values())) < len(self.sessions):
            frame = self.next()
            assert frame.id is None, frame
            found.setdefault(frame.type, []).append(frame)
        return found

    def of(self, session: str) -> list[Frame]:
        """The events of one session so far that are kept, in the order they came."""
        return [f for f in self.frames if f.id and f.event["sharedSessionId"] == session]

    def own_ids(self, session: str) -> list[str]:
        """The ids of one session's events, taken out of the combined ones."""
        at = self.sessions.index(session)
        return [f.id.split(",")[at] for f in self.of(session) if f.id]

    def check_ids(self) -> None:
        """With each frame only the part of its own session moves on, and none ever goes back."""
        before = None
        for frame in self.frames:
            if frame.id is None:
                continue
            parts = frame.id.split(",")
            assert len(parts) == len(self.sessions), frame
            if before:
                at = self.sessions.index(frame.event["sharedSessionId"])
                for n, (old, new) in enumerate(zip(before, parts, strict=True)):
                    assert order(new) > order(old) if n == at else order(new) >= order(old), (before, parts, frame)
            before = parts


def order(cursor: str) -> tuple[int, ...]:
    return () if cursor in ("-", "earliest") else tuple(int(part) for part in cursor.split("-"))
