"""An agent that notes each prompt it is given in a file, so that a test sees what ran however its bridge ends.

The file is its only argument. A prompt that begins with `hold` ends when a file of the same name and `.go` is there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
    sys.stdout.flush()


def main() -> None:
    notes = sys.argv[1]
    for line in sys.stdin:
        message = json.loads(line)
        result: dict[str, Any] = {}
        match message.get("method"):
            case "initialize":
                result = {"protocolVersion": 1}
            case "session/new":
                result = {"sessionId": "s"}
            case "session/prompt":
                text = message["params"]["prompt"][0]["text"]
                with open(notes, "a", encoding="utf-8") as file:
                    file.write(text + "\n")
                while text.startswith("hold") and not os.path.exists(notes + ".go"):
                    time.sleep(0.02)
                result = {"stopReason": "end_turn"}
            case _:
                continue
        send({"id": message["id"], "result": result})


if __name__ == "__main__":
    main()
