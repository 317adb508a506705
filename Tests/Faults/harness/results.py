"""The figures of each scenario, as a table for people and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .load import Run


@dataclass
class Result:
    """One scenario on one topology and version."""

    scenario: str
    topology: str
    version: str
    #: How long the load ran.
    seconds: float = 0.0
    acknowledged: int = 0
    unknown: int = 0
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    #: The longest time in which some session had no write acknowledged, in seconds.
    outage: float = 0.0
    #: What else there is to say.
    more: dict[str, Any] = field(default_factory=dict)


def of(scenario: str, run: Run, **more: Any) -> Result:
    history, verdict, topology = run.history, run.verdict, run.deployment.topology
    counted: dict[str, Any] = {"resets": verdict.resets} if verdict.resets else {}
    if delays := history.delays():
        counted["p99 delay"] = f"{delays[len(delays) * 99 // 100] * 1000:.0f} ms"
        counted["longest delay"] = f"{delays[-1]:.1f} s"
    if verdict.decisions:
        counted |= {"decisions": verdict.decisions, "runs": verdict.runs}
    return Result(
        scenario,
        topology.name,
        topology.version.told,
        round(history.ended - history.began, 1),
        verdict.acknowledged,
        verdict.unknown,
        verdict.lost,
        verdict.doubled,
        verdict.reordered,
        round(history.longest_outage(), 2) if run.writers else 0.0,
        counted | run.counted | more,
    )


COLUMNS = ["scenario", "topology", "version", "seconds", "acknowledged", "unknown", "lost", "doubled", "reordered"]


def table(results: list[Result]) -> str:
    """All results as a table in Markdown."""
    rows = [[*COLUMNS, "longest outage", "more"]]
    rows.append(["---"] * len(rows[0]))
    for result in results:
        more = ", ".join(f"{name} {value}" for name, value in result.more.items())
        rows.append([*(str(getattr(result, name)) for name in COLUMNS), f"{result.outage} s", more])
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in rows)


def write(results: list[Result], directory: Path) -> None:
    """`faults.md` and `faults.json`."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "faults.md").write_text(table(results) + "\n")
    (directory / "faults.json").write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")
