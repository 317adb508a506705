"""Playing histories, and finding the shortest part of one that still goes wrong."""

from __future__ import annotations

import random
from collections.abc import Callable

from .machine import Machine


class Broken(AssertionError):
    """A history in which the server left the rules."""


def steps_of(seed: str, count: int) -> list[int]:
    """The steps of a history. Each number stands for itself, so the others stay what they are when one is left out."""
    chance = random.Random(seed)
    return [chance.getrandbits(32) for _ in range(count)]


def play(machine: type[Machine], seed: str, steps: list[int]) -> Broken | None:
    """What goes wrong in a history, with all that was done in it; nothing when it keeps the rules."""
    history = machine(seed)
    try:
        for step in steps:
            history.act(step)
        history.finish()
    except AssertionError as problem:
        done = "\n".join(f"  {line}" for line in history.driver.story)
        broken = Broken(f"{type(problem).__name__}: {problem}\nWhat was done:\n{done}")
        broken.__cause__ = problem
        return broken
    finally:
        history.end()
    return None


def shrink(steps: list[int], goes_wrong: Callable[[list[int]], bool], tries: int = 120) -> list[int]:
    """Leaves out whatever may be left out: halves first, then smaller pieces, at last single steps."""
    size = len(steps)
    while size := size // 2 or (1 if size == 1 and len(steps) > 1 else 0):
        at, found = 0, False
        while at < len(steps) and tries > 0:
            fewer = steps[:at] + steps[at + size :]
            tries -= 1
            if goes_wrong(fewer):
                steps, found = fewer, True
            else:
                at += size
        if tries == 0 or (size == 1 and not found):
            break
        if size == 1:
            size = 2  # single steps once more: one may only have been needed by another
    return steps
