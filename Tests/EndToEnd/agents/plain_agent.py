"""An agent for tests of what it gets and what people see of it. Only the standard library; no SDK.

What it does depends on the first word of the prompt: `environment` says the variables it was started with, `command`
tells of a command and then asks with nothing but its id, `large` does the same with a very long one. It says which
answer it got.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

#: What it wants to run. The characters turn text around and hide in it.
COMMAND = "rm -rf build\u202e\u200b && make"
#: A text of which no node takes all.
LARGE = "".join(f"echo {number}\n" for number in range(20_000))
OPTIONS = [
    {"optionId": "yes", "name": "Run it", "kind": "allow_once"},
    {"optionId": "always", "name": "Reject", "kind": "allow_always"},
    {"optionId": "no", "name": "Do not run it", "kind": "reject_once"},
]


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
    sys.stdout.flush()


def update(what: str, **fields: Any) -> None:
    send({"method": "session/update", "params": {"sessionId": "s", "update": {"sessionUpdate": what} | fields}})


def say(text: str) -> None:
    update("agent_message_chunk", content={"type": "text", "text": text})


def ask(command: str) -> None:
    update("tool_call", toolCallId="call", title="Clean up", kind="execute", rawInput={"command": command})
    params = {"sessionId": "s", "toolCall": {"toolCallId": "call"}, "options": OPTIONS}
    send({"id": 0, "method": "session/request_permission", "params": params})
    outcome = json.loads(sys.stdin.readline())["result"]["outcome"]
    say(f"answered: {outcome.get('optionId', outcome['outcome'])}.")


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        match message.get("method"):
            case "initialize":
                result: dict[str, Any] = {"protocolVersion": 1}
            case "session/new":
                result = {"sessionId": "s"}
            case "session/prompt":
                word = message["params"]["prompt"][0]["text"].split()[0]
                if word == "environment":
                    say(json.dumps(dict(os.environ)))
                elif word in ("command", "large"):
                    ask(COMMAND if word == "command" else LARGE)
                result = {"stopReason": "end_turn"}
            case _:
                continue
        send({"id": message["id"], "result": result})


if __name__ == "__main__":
    main()
