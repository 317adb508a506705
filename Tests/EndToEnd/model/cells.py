"""Expected JSON with holes: comparing it to what a server says fills the holes, once."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from support import shapes

FORMS = {
    "id": shapes.uuid,
    "identifier": shapes.identifier,
    "time": shapes.time,
    "token": shapes.token,
    "entry": shapes.matching(re.compile(r"\d+-\d+")),
}


class Mismatch(AssertionError):
    """The server said something else than the model."""


class Cell:
    """A value the server chooses. Unbound until it is seen for the first time.

    Ids and tokens are never chosen twice; `Vault` sees to that. A time may be `milliseconds` after another one.
    """

    def __init__(self, kind: str, base: Cell | None = None, milliseconds: int = 0) -> None:
        self.kind = kind
        self.value: str | None = None
        self._base = base
        self._milliseconds = milliseconds

    def bind(self, value: Any, vault: Vault, where: str) -> None:
        if self.value is None:
            if not FORMS[self.kind](value):
                raise Mismatch(f"{where}: {value!r} is no {self.kind}")
            vault.take(self.kind, value, where)
            self.value = value
            if self._base is not None:
                vault.later.append((self, where))
        elif value != self.value:
            raise Mismatch(f"{where}: {value!r}, but it was {self.value!r} before")

    def check_distance(self, where: str) -> bool:
        """Whether the distance to the base could be checked yet."""
        if self._base is None or self._base.value is None or self.value is None:
            return False
        apart = (moment(self.value) - moment(self._base.value)).total_seconds() * 1000
        if round(apart) != self._milliseconds:
            raise Mismatch(f"{where}: {self.value} is {apart} ms after {self._base.value}, not {self._milliseconds}")
        return True

    def __repr__(self) -> str:
        return f"<{self.kind} {self.value or '?'}>"


class Vault:
    """What has been chosen so far: no id and no token comes twice."""

    def __init__(self) -> None:
        self._taken: dict[str, str] = {}
        self.later: list[tuple[Cell, str]] = []

    def take(self, kind: str, value: str, where: str) -> None:
        if kind in ("time", "entry"):  # two sessions may have an event in the same millisecond
            return
        if value in self._taken:
            raise Mismatch(f"{where}: {value} was given to {self._taken[value]} before")
        self._taken[value] = where

    def check_distances(self) -> None:
        """Checks the times that are to be a given time after another, as far as both are known."""
        self.later = [(cell, where) for cell, where in self.later if not cell.check_distance(where)]


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def compare(expected: Any, actual: Any, vault: Vault, where: str) -> None:
    """Fails unless `actual` is exactly `expected`: every field, no further one, and the same types."""
    if isinstance(expected, Cell):
        expected.bind(actual, vault, where)
    elif isinstance(expected, dict):
        if not isinstance(actual, dict) or set(expected) != set(actual):
            raise Mismatch(f"{where}: fields {shown(actual)}, not {sorted(expected)}\n{actual}")
        for name, inner in expected.items():
            compare(inner, actual[name], vault, f"{where}.{name}")
    elif isinstance(expected, list):
        if not isinstance(actual, list) or len(expected) != len(actual):
            raise Mismatch(f"{where}: {actual}, not {expected}")
        for at, inner in enumerate(expected):
            compare(inner, actual[at], vault, f"{where}[{at}]")
    elif type(expected) is not type(actual) or expected != actual:
        raise Mismatch(f"{where}: {actual!r}, not {expected!r}")


def shown(value: Any) -> Any:
    return sorted(value) if isinstance(value, dict) else value


def value(cell: Cell) -> str:
    """A cell's value, which must be known by now."""
    assert cell.value is not None, cell
    return cell.value


def without_absent(**fields: Any) -> dict[str, Any]:
    """An object whose fields without a value are left out, as the contract has it."""
    return {name: content for name, content in fields.items() if content is not None}
