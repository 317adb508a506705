"""Fixtures of every suite: children that end with their scope, and whose last words a failed test shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .processes import Processes

_running: list[Processes] = []


def scope(tmp_path_factory: pytest.TempPathFactory, name: str) -> Iterator[Processes]:
    """Children that end when whatever uses this does."""
    processes = Processes(tmp_path_factory.mktemp(name))
    _running.append(processes)
    yield processes
    processes.end_all()
    _running.remove(processes)


@pytest.fixture
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Children of one test."""
    yield from scope(tmp_path_factory, "test")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """A failed test shows the last lines of every process that was running."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for processes in _running:
            report.sections.append(("logs of the processes", processes.tails()))
