"""`tandem serve` as child processes."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from .client import API
from .processes import Process, Processes, clean_environment
from .waiting import eventually

REPOSITORY = Path(__file__).resolve().parents[3]
LISTENING = re.compile(r"listening on (http://\S+:\d+)")

#: Seconds a node may take to its first line: a debug build on a busy machine is slow to load.
START = 60.0


def binary() -> str:
    """The tandem executable under test: TANDEM_BINARY, else the repository's debug build. Missing is a failure."""
    path = Path(os.environ.get("TANDEM_BINARY") or REPOSITORY / ".build" / "debug" / "tandem")
    assert path.is_file(), f"no tandem executable at {path}: run `swift build`, or name one in TANDEM_BINARY"
    return str(path)


class Node:
    """One node. Its address is what its first line of output says."""

    def __init__(
        self,
        processes: Processes,
        redis_url: str | None,
        settings: dict[str, Any] | None = None,
        arguments: list[str] | None = None,
        port: int = 0,
        wrapper: list[str] | None = None,
    ) -> None:
        environment = clean_environment({name: str(value) for name, value in (settings or {}).items()})
        argv = [
            *(wrapper or []),
            binary(),
            "serve",
            "--port",
            str(port),
            *(["--redis", redis_url] if redis_url else []),
            *(arguments or []),
        ]
        self.process: Process = processes.start("node", argv, environment=environment)

    @property
    def base(self) -> str:
        """Its address; waits for the line that says it."""
        line = self.process.line(0, START)
        match = LISTENING.fullmatch(line)
        assert match, f"the first line is {line!r}\n{self.process.tail()}"
        return match[1]

    @property
    def api(self) -> API:
        return API([self.base])

    def wait_ready(self) -> Node:
        api = self.api
        eventually(lambda: api.get("/health/ready", server_error=True).status == 200, "the node to be ready")
        return self

    def metrics(self) -> dict[str, float]:
        """Its metrics now: `name{labels}` -> value."""
        reply = self.api.get("/metrics")
        assert reply.status == 200
        lines = [line for line in reply.content.decode().splitlines() if line and not line.startswith("#")]
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def start_nodes(processes: Processes, count: int, redis_url: str, settings: dict[str, Any] | None = None) -> list[Node]:
    """Several nodes on one Redis, started together and all ready."""
    nodes = [Node(processes, redis_url, settings) for _ in range(count)]
    return [node.wait_ready() for node in nodes]
