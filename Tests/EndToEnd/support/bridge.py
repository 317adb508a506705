"""A host's bridge played by the test: attaches, takes dispatches, reports; and misbehaves when told to."""

from __future__ import annotations

from typing import Any

from . import shapes
from .client import API, HostToken, Reply
from .sse import Frame
from .streams import Stream
from .waiting import PATIENCE

HOSTS = "/api/host-sessions"


class Bridge:
    """One attachment of a host session. Making it attaches, which fences any older one.

    With a name it is known again when it reconnects, and keeps the turn it runs.
    """

    def __init__(self, api: API, agent: HostToken, base: str | None = None, name: str | None = None) -> None:
        self.api = api
        self.agent = agent
        self.path = f"{HOSTS}/{agent.id}"
        query = {"bridgeId": name} if name else None
        self.stream = Stream(base or api.next_base(), f"{self.path}/dispatches", agent, query=query)
        first = self._next()
        assert first.type == "attached" and set(first.payload) == {"fence"}, first
        self.fence = first.payload["fence"]

    def _next(self, seconds: float = PATIENCE) -> Frame:
        frame = self.stream.next(seconds)
        shapes.check(frame.event, shapes.HOST_EVENT)
        assert frame.event["hostSessionId"] == self.agent.id
        return frame

    def take(self, seconds: float = PATIENCE, past_cancels: bool = False) -> dict[str, Any]:
        """The next dispatch that is delivered; cancels before it are passed over where they may come."""
        frame = self._next(seconds)
        while past_cancels and frame.type == "cancel":
            frame = self._next(seconds)
        assert frame.type == "dispatch", frame
        shapes.check(
            frame.payload,
            {
                "dispatchId": shapes.identifier,
                "approvalId": shapes.uuid,
                "sharedSessionId": shapes.uuid,
                "prompt": shapes.text,
                "participant": dict,
                "attempt": shapes.number,
            },
        )
        shapes.participant(frame.payload["participant"])
        return frame.payload

    def expect_cancel(self, dispatch_id: str) -> None:
        frame = self._next()
        assert (frame.type, frame.payload) == ("cancel", {"dispatchId": dispatch_id}), frame

    def report(self, dispatch: dict[str, Any], state: str, *, attempt: Any = None, **more: Any) -> Reply:
        body = {"state": state, "attempt": dispatch["attempt"] if attempt is None else attempt} | more
        return self.api.post(f"{self.path}/dispatches/{dispatch['dispatchId']}", body, self.agent)

    def start(self, dispatch: dict[str, Any]) -> dict[str, Any]:
        return shapes.dispatch(self.report(dispatch, "started").expect(200)["dispatch"])

    def complete(self, dispatch: dict[str, Any], reason: str = "end_turn") -> dict[str, Any]:
        return shapes.dispatch(self.report(dispatch, "completed", stopReason=reason).expect(200)["dispatch"])

    def run(self, dispatch: dict[str, Any]) -> None:
        self.start(dispatch)
        self.complete(dispatch)

    @property
    def delivered(self) -> list[dict[str, Any]]:
        """Every dispatch this attachment was ever sent."""
        return [frame.payload for frame in self.stream.frames if frame.type == "dispatch"]

    def crash(self) -> None:
        """Gone without a word."""
        self.stream.close()

    def __enter__(self) -> Bridge:
        return self

    def __exit__(self, *_: object) -> None:
        self.crash()
