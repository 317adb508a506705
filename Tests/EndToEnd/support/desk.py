"""Where somebody hosts whose bridge may be lost, and who goes on with `--resume`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from .client import API
from .host import Host
from .nodes import REPOSITORY, START, binary
from .processes import Processes, clean_environment
from .scenario import Shared
from .waiting import eventually

AGENT = REPOSITORY / "Tests" / "EndToEnd" / "agents" / "noting_agent.py"


class Desk:
    """Where somebody hosts: a directory, the state of their programs, and an agent that notes what it runs."""

    def __init__(self, processes: Processes, api: API, place: Path, base: str | None = None) -> None:
        self.processes = processes
        self.api = api
        self.notes = place / "notes"
        self.work = place / "work"
        self.work.mkdir()
        self.state = place / "state"
        self.environment = {"XDG_STATE_HOME": str(self.state)}
        self.base = base or api.next_base()

    @property
    def command(self) -> list[str]:
        return [sys.executable, str(AGENT), str(self.notes)]

    def host(self, *arguments: str, base: str | None = None) -> Host:
        return Host(
            self.processes, self.api, self.command, "--cwd", str(self.work), *arguments, server=base or self.base,
            environment=self.environment,
        )  # fmt: skip

    def fails(self, *arguments: str) -> str:
        """What a bridge says that does not begin."""
        named = ["--server", self.base, "--json", "--cwd", str(self.work)]
        child = self.processes.start(
            "host",
            [binary(), "host", *named, *arguments, "--", *self.command],
            environment=clean_environment(self.environment),
        )
        assert child.wait(START) != 0
        return child.tail()

    def ran(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def go(self) -> None:
        Path(f"{self.notes}.go").touch()

    @property
    def journals(self) -> list[Path]:
        return list((self.state / "tandem" / "hosts").glob("*.json"))


def end_of(shared: Shared, approval: str, seconds: float = 60) -> dict[str, Any]:
    """The dispatch of an approval, once it is over."""

    def over() -> dict[str, Any] | None:
        found = shared.api.get(shared.path, shared.host).expect(200)["approvals"]
        dispatch = next(a for a in found if a["id"] == approval).get("dispatch")
        ended = dispatch and dispatch["state"] in ("completed", "failed")
        return next(a for a in found if a["id"] == approval) if ended else None

    return eventually(over, "the dispatch to be over", seconds)
