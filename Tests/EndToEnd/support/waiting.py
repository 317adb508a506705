"""Waiting for a thing to become true, with a deadline.

Nothing else in this suite pauses, but for a page that is looked at (`browser`) and clients that try again what failed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Seconds granted to something that should be quick. Generous, because two test runs may share a slow machine;
#: nothing asserts that it was used up or not.
PATIENCE = 20.0

#: Seconds between two looks, and between two tries of a client.
PAUSE = 0.02


class Deadline:
    """A point in time, so that several waits can share one budget."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self._end

    def wait_until(self, look: Callable[[], bool]) -> None:
        """Returns when `look` is true or the time is over, for a caller that then asserts something telling."""
        while not self.passed and not look():
            time.sleep(PAUSE)


def eventually(look: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """The first truthy answer of `look`. Fails, naming `what` and the last answer, when none comes in time."""
    deadline = Deadline(seconds)
    while True:
        answer = look()
        if answer:
            return answer
        if deadline.passed:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}; last answer: {answer!r}")
        time.sleep(PAUSE)


async def eventually_async(look: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """As `eventually`, letting other tasks of the loop run in between."""
    deadline = Deadline(seconds)
    while True:
        answer = look()
        if answer:
            return answer
        if deadline.passed:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}; last answer: {answer!r}")
        await asyncio.sleep(PAUSE)


def holds(look: Callable[[], bool], what: str, seconds: float) -> None:
    """Fails as soon as `look` is false within `seconds`: for things that must not happen."""
    deadline = Deadline(seconds)
    while not deadline.passed:
        if not look():
            raise AssertionError(f"did not hold: {what}")
        time.sleep(PAUSE)
