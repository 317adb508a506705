"""An agent that shows its secrets in every way the protocol has. Only the standard library; no SDK.

The first word of a prompt says how: `chunks` in the pieces of a message, with other updates in between, `tools` in a
tool call and a plan, `ask` in a permission request, `fail` in an error, `stop` in the reason why the turn ended,
`flood` in so many updates that the bridge has to hold the agent back, `huge` in a tool call of 16 MiB.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

#: Made up, in the form that a forge gives out.
TOKEN = "ghp_" + "aB3" * 12
#: What the test puts into the environment.
VARIABLE = os.environ.get("BUILD_PASSWORD", "no such variable")
FLOOD = 2_000


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
    sys.stdout.flush()


def update(what: str, **fields: Any) -> None:
    send({"method": "session/update", "params": {"sessionId": "s", "update": {"sessionUpdate": what} | fields}})


def say(text: str, kind: str = "agent_message_chunk") -> None:
    update(kind, content={"type": "text", "text": text})


def call(**fields: Any) -> dict[str, Any]:
    return {"toolCallId": "c", "title": f"push with {TOKEN}"} | fields


def run(word: str) -> dict[str, Any]:
    match word:
        case "chunks":
            for at, character in enumerate(f"It is {TOKEN}, or {VARIABLE}. password={VARIABLE}\nDone."):
                say(character)
                if at % 7 == 0:
                    update("usage_update", used=at, size=200_000)
                    say(character, "agent_thought_chunk")
        case "tools":
            update("tool_call", **call(rawInput={"env": {"API_KEY": "k-1"}, "command": f"login {VARIABLE}"}))
            update("tool_call_update", toolCallId="c", rawOutput={TOKEN: ["x", {"y": f"<{TOKEN}>"}]})
            update("plan", entries=[{"content": TOKEN, "priority": "low", "status": "pending"}])
        case "ask":
            update("tool_call", **call(rawInput={"command": f"curl https://ada:{VARIABLE}@example.com"}))
            options = [{"optionId": "y", "name": f"Use {TOKEN}", "kind": "allow_once"}]
            params = {"sessionId": "s", "toolCall": {"toolCallId": "c"}, "options": options}
            send({"id": 0, "method": "session/request_permission", "params": params})
            say("answered: " + json.loads(sys.stdin.readline())["result"]["outcome"]["optionId"])
        case "fail":
            return {"error": {"code": -32603, "message": "Internal error", "data": f"bad token {TOKEN}"}}
        case "stop":
            return {"result": {"stopReason": f"refused_{TOKEN}"}}
        case "flood":
            for number in range(FLOOD):
                say(f"{TOKEN} {number}\n")
        case "huge":
            update("tool_call", **call(rawInput={"text": f"{TOKEN} " * (16 * 1024 * 1024 // 41 - 100)}))
    return {"result": {"stopReason": "end_turn"}}


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        match message.get("method"):
            case "initialize":
                info = {"name": "leaky", "version": TOKEN}
                answer: dict[str, Any] = {"result": {"protocolVersion": 1, "agentInfo": info}}
            case "session/new":
                answer = {"result": {"sessionId": "s"}}
            case "session/prompt":
                answer = run(message["params"]["prompt"][0]["text"].split()[0])
            case _:
                continue
        send({"id": message["id"]} | answer)


if __name__ == "__main__":
    main()
