"""A private redis-server that is full: writes are refused, what is there stays readable, and room makes it whole again."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from support.nodes import Node
from support.scenario import Shared, share
from support.waiting import eventually

#: Little memory, and sessions that are allowed less than all of it.
SETTINGS = {
    "TANDEM_REDIS_MAX_MEMORY": "16MiB",
    "TANDEM_EVENTS_RETAINED_BYTES": "4MiB",
    "TANDEM_LIMITS_NOTIFICATION": "1MiB",
    "TANDEM_LIMITS_MESSAGE_BYTES": "4MiB",
    "TANDEM_LIMITS_APPROVAL_BYTES": "1MiB",
    "TANDEM_LIMITS_ANSWER_BYTES": "1MiB",
    "TANDEM_LIMITS_ATTACHMENT_BYTES": "1MiB",
    "TANDEM_LIMITS_ATTACHMENT": "512KiB",
    "TANDEM_LIMITS_ATTACHMENTS": "1",
    "TANDEM_LIMITS_MESSAGE_TEXT": "100KiB",
}
#: Comments of one session, so few that no bound of a session is met.
EACH = 15
#: Sessions whose comments would take far more memory than there is.
SESSIONS = 15


def test_a_full_redis_refuses_writes_keeps_what_it_has_and_recovers(processes, tmp_path):
    directory = tmp_path / "data"
    node = Node(processes, None, {"TANDEM_DATA_DIRECTORY": str(directory), **SETTINGS}).wait_ready()
    first = share(node.api)
    others = [share(node.api) for _ in range(SESSIONS)]
    written = [first.comment(f"{number} {'x' * 90_000}") for number in range(EACH)]

    fill(others)
    # What clients have in flight counts, too, so at the bound itself it is now full and now not. From here on it is.
    redis_cli(directory, "CONFIG", "SET", "maxmemory", "8mb")
    refused = node.api.post(f"{first.path}/messages", {"text": "x" * 90_000}, first.host, server_error=True)
    refused.expect(503, "UNAVAILABLE")
    assert int(refused.headers["retry-after"]) > 0
    eventually(lambda: node.api.get("/health/ready", server_error=True).status == 503, "the node to be not ready")
    assert node.api.get("/health/live").status == 200
    assert messages(first) == written, "what was acknowledged is still there, and nothing else"

    redis_cli(directory, "CONFIG", "SET", "maxmemory", "256mb")
    node.wait_ready()
    written.append(first.comment("room again"))
    assert messages(first) == written
    with first.stream(since="earliest") as stream:
        told = [stream.until("message_created")[-1].payload["message"] for _ in written]
    assert told == written, "events and messages agree about what was refused"


def fill(sessions: list[Shared]) -> None:
    """Comments on sessions until that is refused for want of memory."""
    for shared in sessions:
        for number in range(EACH):
            text = f"{number} {'y' * 90_000}"
            reply = shared.api.post(f"{shared.path}/messages", {"text": text}, shared.host, server_error=True)
            if reply.status == 503:
                return
            reply.expect(200)
    raise AssertionError("the memory is never full")


def messages(shared: Shared) -> list[dict[str, object]]:
    """All of a session's messages, over all pages."""
    found: list[dict[str, object]] = []
    after: str | None = None
    while True:
        query = {"limit": 10} | ({"after": after} if after else {})
        page = shared.api.get(f"{shared.path}/messages", query=query).expect(200)
        found += page["messages"]
        after = page.get("nextCursor")
        if not after:
            return found


def redis_cli(directory: Path, *command: str) -> None:
    program = shutil.which("redis-cli")
    assert program
    ended = subprocess.run(
        [program, "-s", str(directory / "run" / "redis.sock"), *command], capture_output=True, text=True, timeout=20
    )
    assert ended.stdout.strip() == "OK", ended
