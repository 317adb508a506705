"""What viewers do not see while `viewerUpdates` is `reduced`: thoughts, and what is raw in the agent's tool calls."""

from __future__ import annotations

from typing import Any

RAW = ("rawInput", "rawOutput")


def without_raw(value: dict[str, Any]) -> dict[str, Any]:
    return {name: inner for name, inner in value.items() if name not in RAW}


def reduced_approval(approval: dict[str, Any]) -> dict[str, Any]:
    """An approval as viewers get it."""
    return approval | {"toolCall": without_raw(approval["toolCall"])} if "toolCall" in approval else approval


def reduced(type: str, payload: dict[str, Any]) -> dict[str, Any] | None:
    """An event's payload as viewers get it; nothing when they do not get the event."""
    if type == "host_session_update":
        notification = payload["notification"]
        update = notification["params"]["update"]
        if update["sessionUpdate"] == "agent_thought_chunk":
            return None
        return {"notification": notification | {"params": {"update": without_raw(update)}}}
    return payload | {"approval": reduced_approval(payload["approval"])} if "approval" in payload else payload
