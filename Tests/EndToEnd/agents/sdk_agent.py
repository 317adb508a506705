"""A small agent on the public Python SDK of the Agent Client Protocol, as a third party would write one.

What it does depends on the words of the prompt: `permission` asks first, `long` works until it is cancelled,
`crash` ends the process, `fail` answers with an error, `refuse` refuses; anything else streams a few chunks.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any
from uuid import uuid4

from acp import (
    PROTOCOL_VERSION,
    InitializeResponse,
    NewSessionResponse,
    PromptResponse,
    RequestError,
    plan_entry,
    run_agent,
    start_tool_call,
    text_block,
    tool_content,
    update_agent_message_text,
    update_agent_thought_text,
    update_plan,
    update_tool_call,
)
from acp.interfaces import Agent
from acp.schema import AgentCapabilities, Implementation, PermissionOption, ToolCallUpdate


class SDKAgent(Agent):
    """One connection's agent; turns of different sessions are independent."""

    def __init__(self) -> None:
        self._client: Any = None
        self._cancelled: dict[str, asyncio.Event] = {}

    def on_connect(self, conn: Any) -> None:
        self._client = conn

    async def initialize(self, protocol_version: int, **_: Any) -> InitializeResponse:
        return InitializeResponse(
            protocol_version=PROTOCOL_VERSION,
            agent_capabilities=AgentCapabilities(),
            agent_info=Implementation(name="sdk-agent", version="1.0.0"),
        )

    async def new_session(self, cwd: str, **_: Any) -> NewSessionResponse:
        assert os.path.isabs(cwd)
        identifier = uuid4().hex
        self._cancelled[identifier] = asyncio.Event()
        return NewSessionResponse(session_id=identifier)

    async def cancel(self, session_id: str, **_: Any) -> None:
        self._cancelled[session_id].set()

    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> PromptResponse:
        words = " ".join(block.text for block in prompt if block.type == "text").split()
        self._cancelled[session_id].clear()

        async def say(update: Any) -> None:
            await self._client.session_update(session_id=session_id, update=update)

        if "crash" in words:
            os._exit(7)
        if "fail" in words:
            raise RequestError.internal_error({"error": "the model is not available"})
        if "refuse" in words:
            return PromptResponse(stop_reason="refusal")
        if "long" in words:
            await say(update_agent_message_text("working"))
            await self._cancelled[session_id].wait()
            await say(update_agent_message_text("stopping"))
            return PromptResponse(stop_reason="cancelled")
        await say(update_agent_thought_text("thinking about it"))
        await say(update_plan([plan_entry("do it", status="in_progress")]))
        await say(start_tool_call("call-1", "Write a file", kind="edit", status="pending"))
        if "permission" in words:
            answer = await self._client.request_permission(
                session_id=session_id,
                tool_call=ToolCallUpdate(tool_call_id="call-1", title="Write a file"),
                options=[
                    PermissionOption(option_id="yes", name="Yes", kind="allow_once"),
                    PermissionOption(option_id="no", name="No", kind="reject_once"),
                ],
            )
            await say(update_agent_message_text(f"permission: {getattr(answer.outcome, 'option_id', 'cancelled')}"))
        await say(update_tool_call("call-1", status="completed", content=[tool_content(text_block("written"))]))
        for word in ("Hello ", "from ", "the ", "SDK: ", " ".join(words)):
            await say(update_agent_message_text(word))
        return PromptResponse(stop_reason="end_turn")


if __name__ == "__main__":
    asyncio.run(run_agent(SDKAgent()))
