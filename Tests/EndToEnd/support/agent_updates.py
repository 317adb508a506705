"""What an agent says and does, sent by a test in its place."""

from __future__ import annotations

from typing import Any

from .scenario import Shared


def message(text: str, id: str = "m") -> dict[str, Any]:
    return {"sessionUpdate": "agent_message_chunk", "messageId": id, "content": {"type": "text", "text": text}}


def thought(text: str) -> dict[str, Any]:
    return {"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": text}}


def tool(id: str, title: str, **more: Any) -> dict[str, Any]:
    return {"sessionUpdate": "tool_call", "toolCallId": id, "title": title} | more


def send(shared: Shared, *updates: dict[str, Any]) -> None:
    """All of them at once, in order."""
    notifications = [
        {"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "s", "update": update}}
        for update in updates
    ]
    path = f"/api/host-sessions/{shared.agent.id}/notifications"
    shared.api.post(path, {"notifications": notifications}, shared.agent).expect(202)
