"""An agent that does what real ones were seen to do: noise on standard output, its own ids from 0, odd messages,
requests nobody advertised, updates at any moment, many and large ones. Only the standard library; no SDK.
"""

from __future__ import annotations

import json
import sys
from typing import Any

FLOOD = 3000
LARGE = 700_000


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0"} | message, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def read() -> dict[str, Any]:
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


def update(session: str, kind: str, **fields: Any) -> None:
    send({"method": "session/update", "params": {"sessionId": session, "update": {"sessionUpdate": kind} | fields}})


def say(session: str, text: str) -> None:
    update(session, "agent_message_chunk", content={"type": "text", "text": text})


def ask(identifier: Any, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """A request of the agent's own; other messages that come first are not expected here."""
    send({"id": identifier, "method": method, "params": params})
    answer = read()
    assert answer.get("id") == identifier and "method" not in answer, answer
    return answer


def run(session: str, words: list[str]) -> dict[str, Any]:
    if "noise" in words:
        print("Welcome to this agent! {not json")
        print("\r\n   \r")
        print('"a string"')
        print("[]")
        send({"method": "_vendor/telemetry", "params": {"n": 1}})
        send({"id": 991, "result": {"to": "nobody"}})
        update(session, "never_heard_of", anything={"n": 12345678901234567890})
        say(session, "after the noise")
    if "requests" in words:
        for identifier in (0, "a string", None, 7):
            answer = ask(identifier, "_vendor/x", {}) if identifier is not None else {"error": {"code": -32601}}
            say(session, f"{identifier}: {answer['error']['code']}; ")
        answer = ask(0, "fs/read_text_file", {"sessionId": session, "path": "/etc/hostname"})
        say(session, f"file: {answer['error']['code']}; ")
    if "flood" in words:
        for number in range(FLOOD):
            say(session, f"{number} ")
            if number % 500 == 499:
                update(session, "tool_call", toolCallId=f"c{number}", title=f"after {number}")
    if "large" in words:
        say(session, "é" * (LARGE // 2))
        update(session, "tool_call", toolCallId="large", title="t", rawOutput={"text": "x" * LARGE})
        say(session, "after the large ones")
    return {"stopReason": "end_turn"}


def main() -> None:
    while True:
        message = read()
        method, identifier = message.get("method"), message.get("id")
        if method == "initialize":
            send({"id": identifier, "result": {"protocolVersion": 1}})
        elif method == "session/new":
            update("s1", "available_commands_update", availableCommands=[])
            send({"id": identifier, "result": {"sessionId": "s1"}})
        elif method == "session/prompt":
            words = message["params"]["prompt"][0]["text"].split()
            send({"id": identifier, "result": run("s1", words)})
            update("s1", "session_info_update", title="after the turn")
        elif identifier is not None:
            send({"id": identifier, "error": {"code": -32601, "message": "Method not found"}})


if __name__ == "__main__":
    main()
