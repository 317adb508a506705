"""An agent on the public Python SDK that has its client do everything: read and write files, and run commands.

A prompt is `read PATH`, `write PATH TEXT`, `run COMMAND` (waits for the end), `leave COMMAND` (does not), or `offered`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from acp import (
    PROTOCOL_VERSION,
    InitializeResponse,
    NewSessionResponse,
    PromptResponse,
    RequestError,
    run_agent,
    update_agent_message_text,
)
from acp.interfaces import Agent
from acp.schema import AgentCapabilities


class ToolAgent(Agent):
    def on_connect(self, conn: Any) -> None:
        self._client = conn

    async def initialize(self, protocol_version: int, client_capabilities: Any = None, **_: Any) -> InitializeResponse:
        self._offered = client_capabilities
        return InitializeResponse(protocol_version=PROTOCOL_VERSION, agent_capabilities=AgentCapabilities())

    async def new_session(self, cwd: str, **_: Any) -> NewSessionResponse:
        return NewSessionResponse(session_id="s")

    async def cancel(self, session_id: str, **_: Any) -> None:
        pass

    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> PromptResponse:
        word, _, rest = prompt[0].text.partition(" ")
        try:
            said = await self._do(session_id, word, rest)
        except RequestError as error:
            said = f"error {error.code}: {error}"
        await self._client.session_update(session_id=session_id, update=update_agent_message_text(said))
        return PromptResponse(stop_reason="end_turn")

    async def _do(self, session: str, word: str, rest: str) -> str:
        client = self._client
        if word == "offered":
            files = self._offered.fs
            return f"{files.read_text_file} {files.write_text_file} {self._offered.terminal}"
        if word == "read":
            return (await client.read_text_file(session_id=session, path=rest)).content
        if word == "write":
            path, _, text = rest.partition(" ")
            await client.write_text_file(session_id=session, path=path, content=text)
            return "written"
        terminal = await client.create_terminal(session_id=session, command="/bin/sh", args=["-c", rest])
        if word == "leave":
            return terminal.terminal_id
        ended = await client.wait_for_terminal_exit(session_id=session, terminal_id=terminal.terminal_id)
        output = await client.terminal_output(session_id=session, terminal_id=terminal.terminal_id)
        await client.release_terminal(session_id=session, terminal_id=terminal.terminal_id)
        return f"{ended.exit_code}: {output.output}"


if __name__ == "__main__":
    asyncio.run(run_agent(ToolAgent()))
