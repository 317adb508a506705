"""Fixtures of the fault tests, and the table of their results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from harness import results
from harness.load import Run
from harness.topologies import kinds
from support.fixtures import processes, pytest_runtest_makereport
from support.nodes import REPOSITORY

__all__ = ["processes", "pytest_runtest_makereport"]


@pytest.fixture
def keep(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Judges a run: its row of the table, and the whole history in a file when something is wrong."""

    def judge(scenario: str, run: Run, **more: object) -> None:
        result = results.of(scenario, run, **more)
        request.node.user_properties.append(("result", asdict(result)))
        if run.verdict.problems:
            run.history.keep(tmp_path / "history.json")
        run.verdict.confirm()
        refused = {code for writer in run.writers for code in writer.refused}
        assert not refused, f"writes were refused for a reason that no fault explains: {refused}"

    yield judge


def pytest_report_header() -> str:
    return f"topologies that nodes can be given: {', '.join(kinds())}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is about a topology that nodes cannot be given yet, or that is not in the short form."""
    absent = [item for item in items if "NOTSET" in item.name]
    config.hook.pytest_deselected(items=absent)
    items[:] = [item for item in items if item not in absent]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = [
        results.Result(**value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == "result"
    ]
    if rows:
        rows.sort(key=lambda row: (row.scenario, row.topology, row.version))
        results.write(rows, REPOSITORY / ".build" / "test-logs")
        terminalreporter.write_sep("-", "faults")
        terminalreporter.write_line(results.table(rows))
