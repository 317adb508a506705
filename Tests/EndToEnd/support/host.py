"""`tandem host --json` as a child process, with the session it shares."""

from __future__ import annotations

import json
import re
from typing import Any

from .client import API, Credentials, HostToken
from .nodes import START, binary
from .processes import Process, Processes, clean_environment
from .scenario import Shared
from .sse import Frame
from .waiting import eventually

SHARED_FIELDS = {
    "type",
    "server",
    "sharedSessionId",
    "inviteToken",
    "hostSessionId",
    "hostParticipantId",
    "hostAccessToken",
    "inviteURL",
}


class Host:
    """A bridge around an agent. Its first line says what it shares; every further line is an event."""

    def __init__(
        self,
        processes: Processes,
        api: API,
        agent: list[str],
        *arguments: str,
        server: str | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.api = api
        self.server = server or api.next_base()
        self.process: Process = processes.start(
            "host",
            [binary(), "host", "--server", self.server, "--json", *arguments, "--", *agent],
            # Its journal belongs to the test, not to who runs it.
            environment=clean_environment({"XDG_STATE_HOME": str(processes.directory / "state")} | (environment or {})),
        )
        self.first: dict[str, Any] = json.loads(self.process.line(0, START))

    @property
    def shared(self) -> Shared:
        """What it shares, in the form every other test uses. The host session's token stays with the bridge."""
        first = self.first
        session = self.api.get(f"/api/shared-sessions/{first['sharedSessionId']}").expect(200)["session"]
        return Shared(
            self.api,
            first["sharedSessionId"],
            first["inviteToken"],
            Credentials(first["hostParticipantId"], first["hostAccessToken"]),
            HostToken(first["hostSessionId"], ""),
            session,
            {},
        )

    def check_first_line(self) -> None:
        assert set(self.first) == SHARED_FIELDS and self.first["type"] == "shared", self.first
        pattern = re.escape(f"{self.server}/s/{self.first['sharedSessionId']}#invite={self.first['inviteToken']}")
        assert re.fullmatch(pattern, self.first["inviteURL"]), self.first["inviteURL"]

    @property
    def printed(self) -> list[dict[str, Any]]:
        """The events it has printed so far."""
        return [json.loads(line) for line in self.process.lines[1:]]

    def wait_printed(self, type: str, count: int = 1) -> dict[str, Any]:
        """The event number `count` of a type, as soon as it is printed."""

        def look():
            found = [e for e in self.printed if e["type"] == type]
            return found[count - 1] if len(found) >= count else None

        return eventually(look, f"{count} printed {type}", 60)


def updates(frames: list[Frame]) -> list[dict[str, Any]]:
    """The `update` objects of the agent's notifications among these frames."""
    notifications = [f.payload["notification"] for f in frames if f.type == "host_session_update"]
    notifications = [n for n in notifications if n["method"] != "_tandem/agent"]
    assert all(n["method"] == "session/update" and n["jsonrpc"] == "2.0" for n in notifications), notifications
    return [n["params"]["update"] for n in notifications]


def spoken(frames: list[Frame]) -> str:
    """What the agent said, its chunks joined."""
    return "".join(u["content"]["text"] for u in updates(frames) if u["sessionUpdate"] == "agent_message_chunk")


def turn(frames: list[Frame]) -> list[str]:
    """The types of a turn's frames, repeated updates once, presence of the host left out."""
    types = [f.type for f in frames if f.type not in ("host_online", "host_offline")]
    return [type for at, type in enumerate(types) if at == 0 or type != types[at - 1]]


def run_to_its_end(host: Host, text: str, answer: str = "allow") -> list[Any]:
    """A prompt of the host, its questions answered with an option; every frame up to the end of its turn."""
    shared = host.shared
    with shared.stream(shared.host) as stream:
        shared.prompt(text, shared.host)
        frames = []
        while not frames or frames[-1].type not in ("prompt_dispatch_completed", "prompt_dispatch_failed"):
            frames.append(stream.next(60))
            if frames[-1].type == "permission_requested":
                shared.answer(frames[-1].payload["approval"]["id"], answer)
    return frames
