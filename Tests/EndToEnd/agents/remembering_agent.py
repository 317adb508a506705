"""An agent on the public Python SDK that keeps its conversations in a file: it lists, loads, resumes and closes them.

Arguments: the file, then words: `noresume` offers no session/resume, `noload` no session/load, `signin` wants a sign-in
first, `endless` replays without end. Prompts are answered with what it knows of its session; `die` ends the process.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from acp import (
    PROTOCOL_VERSION,
    InitializeResponse,
    LoadSessionResponse,
    NewSessionResponse,
    PromptResponse,
    RequestError,
    run_agent,
    update_agent_message_text,
    update_user_message_text,
)
from acp.interfaces import Agent
from acp.schema import (
    AgentCapabilities,
    AuthMethodAgent,
    Implementation,
    ListSessionsResponse,
    McpCapabilities,
    ResumeSessionResponse,
    SessionCapabilities,
    SessionInfo,
)

STORE = Path(sys.argv[1])
WORDS = set(sys.argv[2:])


class RememberingAgent(Agent):
    def __init__(self) -> None:
        self._client: Any = None
        self._signed_in = "signin" not in WORDS
        #: What each session was opened with.
        self._opened: dict[str, Any] = {}

    def on_connect(self, conn: Any) -> None:
        self._client = conn

    def _read(self) -> dict[str, Any]:
        return json.loads(STORE.read_text()) if STORE.exists() else {}

    def _note(self, session: str, change: dict[str, Any]) -> None:
        STORE.write_text(json.dumps(self._read() | {session: self._read().get(session, {}) | change}))

    async def initialize(self, protocol_version: int, **_: Any) -> InitializeResponse:
        offers: dict[str, Any] = {"list": {}, "close": {}, "additionalDirectories": {}}
        if "noresume" not in WORDS:
            offers["resume"] = {}
        return InitializeResponse(
            protocol_version=PROTOCOL_VERSION,
            agent_capabilities=AgentCapabilities(
                load_session="noload" not in WORDS,
                mcp_capabilities=McpCapabilities(http=True, sse=False),
                session_capabilities=SessionCapabilities.model_validate(offers),
            ),
            auth_methods=[AuthMethodAgent(id="browser", name="Browser")],
            agent_info=Implementation(name="remembering-agent", version="1.0.0"),
        )

    async def authenticate(self, method_id: str, **_: Any) -> None:
        self._signed_in = method_id == "browser"

    def _open(self, session: str, cwd: str, servers: Any, directories: Any) -> None:
        if not self._signed_in:
            raise RequestError.auth_required()
        plain = [server.model_dump(by_alias=True, exclude_none=True) for server in servers or []]
        self._opened[session] = {"servers": plain, "directories": directories or []}
        self._note(session, {"cwd": cwd})

    async def new_session(
        self, cwd: str, additional_directories=None, mcp_servers=None, **_: Any
    ) -> NewSessionResponse:
        session = uuid4().hex
        self._open(session, cwd, mcp_servers, additional_directories)
        self._note(session, {"said": [], "updatedAt": f"2026-01-{len(self._read()):02}T00:00:00Z"})
        return NewSessionResponse(session_id=session)

    async def _say(self, session: str, update: Any) -> None:
        await self._client.session_update(session_id=session, update=update)

    async def load_session(
        self, cwd: str, session_id: str, mcp_servers=None, additional_directories=None, **_: Any
    ) -> LoadSessionResponse:
        if session_id not in self._read():
            raise RequestError.resource_not_found(session_id)
        self._open(session_id, cwd, mcp_servers, additional_directories)
        while "endless" in WORDS:
            await self._say(session_id, update_agent_message_text("again and again " * 500))
        for prompt, answer in self._read()[session_id]["said"]:
            await self._say(session_id, update_user_message_text(prompt))
            await self._say(session_id, update_agent_message_text(answer))
        return LoadSessionResponse()

    async def resume_session(
        self, session_id: str, cwd: str, additional_directories=None, mcp_servers=None, **_: Any
    ) -> ResumeSessionResponse:
        self._open(session_id, cwd, mcp_servers, additional_directories)
        return ResumeSessionResponse()

    async def list_sessions(self, cwd: str | None = None, cursor: str | None = None, **_: Any) -> ListSessionsResponse:
        known = [(name, entry) for name, entry in self._read().items() if cwd in (None, entry["cwd"])]
        at = int(cursor or 0)
        found = [
            SessionInfo(session_id=name, cwd=entry["cwd"], title=f"number {n}", updated_at=entry["updatedAt"])
            for n, (name, entry) in enumerate(known)
        ]
        return ListSessionsResponse(
            sessions=found[at : at + 2], next_cursor=str(at + 2) if at + 2 < len(found) else None
        )

    async def close_session(self, session_id: str, **_: Any) -> None:
        self._note(session_id, {"closed": True})

    async def cancel(self, session_id: str, **_: Any) -> None:
        pass

    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> PromptResponse:
        text = prompt[0].text
        if text == "die":
            os._exit(9)
        said = self._read()[session_id]["said"]
        answer = f"{len(said)} before; {json.dumps(self._opened[session_id])}"
        await self._say(session_id, update_agent_message_text(answer))
        self._note(session_id, {"said": [*said, [text, answer]]})
        return PromptResponse(stop_reason="end_turn")


if __name__ == "__main__":
    asyncio.run(run_agent(RememberingAgent(), use_unstable_protocol=True))
