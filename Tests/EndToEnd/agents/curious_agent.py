"""An agent that asks too much: `flood` 200 questions at once, `huge` one that nobody could read, `odd` no form at all.

Plain JSON lines, because no library lets an agent be this rude.
"""

from __future__ import annotations

import json
import sys
from typing import Any

waiting: dict[int, str] = {}
said: list[str] = []
turn: Any = None


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def ask(number: int, schema: Any) -> None:
    waiting[number] = "asked"
    params = {"sessionId": "s", "mode": "form", "message": f"Question {number}?", "requestedSchema": schema}
    send({"id": number, "method": "elicitation/create", "params": params})


def begin(word: str) -> None:
    one = {"type": "object", "properties": {"a": {"type": "string"}}}
    if word == "flood":
        for number in range(200):
            ask(number, one)
    elif word == "huge":
        text = "x" * 300
        ask(0, {"type": "object", "properties": {f"f{i}": {"type": "string", "title": text} for i in range(3_000)}})
    elif word == "odd":
        ask(0, {"type": "object", "properties": {"a": {"type": "object", "properties": {}}}})


def end_when_told() -> None:
    global turn
    if turn is None or any(state == "asked" for state in waiting.values()):
        return
    text = " ".join(f"{said.count(word)} {word};" for word in sorted(set(said)))
    update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": f"Told: {text}"}}
    send({"method": "session/update", "params": {"sessionId": "s", "update": update}})
    send({"id": turn, "result": {"stopReason": "end_turn"}})
    turn = None


for line in sys.stdin:
    message = json.loads(line)
    method = message.get("method")
    if method == "initialize":
        send({"id": message["id"], "result": {"protocolVersion": 1}})
    elif method == "session/new":
        send({"id": message["id"], "result": {"sessionId": "s"}})
    elif method == "session/prompt":
        turn = message["id"]
        waiting.clear()
        said.clear()
        begin(message["params"]["prompt"][0]["text"])
        end_when_told()
    elif method is None and message.get("id") in waiting:
        waiting[message["id"]] = "told"
        said.append(message["result"]["action"] if "result" in message else f"error {message['error']['code']}")
        end_when_told()
