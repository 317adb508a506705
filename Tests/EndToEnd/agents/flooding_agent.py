"""An agent whose state grows without end when it is prompted with "flood", and which refuses one of the modes it offers."""

from __future__ import annotations

import json
import sys

MODES = [{"id": id, "name": id} for id in ("plain", "stubborn")]


def write(message: dict) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
    sys.stdout.flush()


def update(kind: str, **fields) -> None:
    params = {"sessionId": "s", "update": {"sessionUpdate": kind} | fields}
    write({"method": "session/update", "params": params})


def flood() -> None:
    for number in range(1, 31):
        names = [f"command-{n}" for n in range(40 * number)]
        update("available_commands_update", availableCommands=[{"name": n, "description": "x" * 9} for n in names])
        values = [{"value": f"v{n}", "name": "x" * 50} for n in range(20 * number)]
        options = [{"id": f"o{n}", "name": "o", "currentValue": "v0", "options": values} for n in range(10)]
        update("config_option_update", configOptions=options)
        update("plan", entries=[{"content": "x" * 1000, "priority": "low", "status": "pending"}] * (5 * number))
        update("usage_update", used=number, size=100, _meta={"x": "x" * 3000 * number})


for line in sys.stdin:
    request = json.loads(line)
    method, id = request.get("method"), request.get("id")
    if method == "initialize":
        write({"id": id, "result": {"protocolVersion": 1, "agentCapabilities": {}}})
    elif method == "session/new":
        modes = {"currentModeId": "plain", "availableModes": MODES}
        write({"id": id, "result": {"sessionId": "s", "modes": modes}})
    elif method == "session/set_mode":
        write({"id": id, "error": {"code": -32602, "message": "no such mode after all"}})
    elif method == "session/prompt":
        if "flood" in json.dumps(request["params"]["prompt"]):
            flood()
        write({"id": id, "result": {"stopReason": "end_turn"}})
    elif id is not None:
        write({"id": id, "error": {"code": -32601, "message": "Method not found"}})
