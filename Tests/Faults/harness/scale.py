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

#: Seconds a scenario of the long form may take beyond what it needs.
SLACK = 300


def amount(short: float, long: float) -> float:
    """So much of something in this run: never less than the short form's."""
    return max(short, long * PART) if LONG else short


def count(short: int, long: int) -> int:
    return round(amount(short, long))


def deployments(*wanted: str, in_short: tuple[str, ...] = ()) -> pytest.MarkDecorator:
    """Parametrizes `kind` and `version`: each wanted topology that nodes can be given, on each version of the server.

    The short form has the system's server, and the topologies of `in_short` on the others, too.
    """
    pairs: list[tuple[str, Version]] = [
        (kind, version)
        for kind in kinds()
        if kind in wanted
        for version in VERSIONS
        if LONG or version == SYSTEM or kind in in_short
    ]
    return pytest.mark.parametrize(
        ("kind", "version"), pairs, ids=[f"{kind}-{version.name}" for kind, version in pairs]
    )
