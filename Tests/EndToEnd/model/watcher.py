"""An open stream of a session, and what of the session's events it is to show."""

from __future__ import annotations

from dataclasses import dataclass

from support.streams import Stream

from .values import Event, Participant, Session


@dataclass
class Watcher:
    """An open stream and how many of the session's events it has shown."""

    stream: Stream
    session: Session
    participant: Participant
    #: What was there when it was opened is shown as it was to be seen then.
    past: int
    role: str
    updates: str
    seen: int = 0
    ended: bool = False

    @property
    def sees_less(self) -> bool:
        return self.role == "viewer" and self.updates == "reduced"

    def passed(self, event: Event) -> None:
        """An event changes what may be seen of those after it."""
        self.seen += 1
        if self.seen > self.past and event.type == "session_updated":
            self.updates = event.payload["session"]["viewerUpdates"]
        elif self.seen > self.past and event.type == "participant_updated":
            if event.payload["participant"]["id"] is self.participant.id:
                self.role = event.payload["participant"]["role"]
