"""How much: the short form is part of every test run, the long one is for the figures.

`TANDEM_FAULTS=long` is the long form, `TANDEM_FAULTS_PART=0.1` a tenth of it, `TANDEM_FAULTS_SEED=7` other choices.
"""

from __future__ import annotations

import os

import pytest

from .topologies import kinds
from .versions import SYSTEM, VERSIONS, Version

LONG = os.environ.get("TANDEM_FAULTS") == "long"
PART = float(os.environ.get("TANDEM_FAULTS_PART", "1"))
SEED = int(os.environ.get("TANDEM_FAULTS_SEED", "1"))


def amount(short: float, long: float) -> float:
    """So much of something in this run: never less than the short form's."""
    return max(short, long * PART) if LONG else short


def count(short: int, long: int) -> int:
    return round(amount(short, long))


def limit(long: float) -> pytest.MarkDecorator:
    """Seconds after which a test is given up; `long` is what its long form needs, and it may need as much again."""
    return pytest.mark.timeout(300 + 2 * long if LONG else 300)


def deployments(*wanted: str, short: tuple[str, ...] = ("single-system",)) -> pytest.MarkDecorator:
    """Parametrizes `kind` and `version`: each wanted topology that nodes can be given, on each version of the server.

    The short form has those of `short`, named as the tests are.
    """
    pairs: dict[str, tuple[str, Version]] = {
        f"{kind}-{version.name}": (kind, version) for kind in kinds() if kind in wanted for version in VERSIONS
    }
    kept = {name: pair for name, pair in pairs.items() if LONG or name in short}
    return pytest.mark.parametrize(("kind", "version"), list(kept.values()), ids=list(kept))


def versions() -> pytest.MarkDecorator:
    """Parametrizes `version`: all of them, in the short form the system's."""
    return pytest.mark.parametrize("version", VERSIONS if LONG else [SYSTEM], ids=lambda version: version.name)
