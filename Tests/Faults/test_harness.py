"""The whole harness, on a Redis in which somebody meddles: what goes wrong there must be found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from harness.deployment import Deployment
from harness.load import Run, Shape
from harness.topologies import Single
from harness.versions import SYSTEM
from support.waiting import eventually_async


def comments(client: Any, key: str) -> list[tuple[str, dict[str, str]]]:
    return [e for e in client.xrange(key) if e[1]["event"].split(" ")[1] == "message_created"]


async def take_an_event_away(run: Run, topology: Single, key: str) -> None:
    """A comment that was acknowledged and told is lost."""
    topology.only.client.xdel(key, comments(topology.only.client, key)[3][0])


async def write_twice(run: Run, topology: Single, key: str) -> None:
    """A comment is there twice."""
    client = topology.only.client
    place, fields = comments(client, key)[0]
    messages = key.replace(":events", ":messages")
    newest, seq = client.xrevrange(key, count=1)[0][0].split("-")
    again = f"{newest}-{int(seq) + 2}"
    client.xadd(key, {"event": fields["event"].replace(place, again, 1)}, id=again)
    client.xadd(messages, client.xrange(messages, place, place)[0][1], id=again)


async def nothing(run: Run, topology: Single, key: str) -> None:
    """All is well."""


MEDDLING: list[tuple[Callable[[Run, Single, str], Awaitable[None]], set[str]]] = [
    (take_an_event_away, {"log-hole", "reader-ghost", "acknowledged-lost"}),
    (write_twice, {"log-hole", "acknowledged-double", "reader-short"}),
    (nothing, set()),
]


@pytest.mark.parametrize(("meddle", "found"), MEDDLING, ids=[meddle.__name__ for meddle, _ in MEDDLING])
def test_what_is_done_behind_the_services_back_is_found(processes, monkeypatch, meddle, found):
    monkeypatch.setattr("harness.load.RECOVERY", 5.0)
    topology = Single(processes, SYSTEM)
    deployment = Deployment(processes, topology, 1)
    run = Run(deployment, Shape(sessions=1, readers=2, writes=40))

    async def harm(run: Run) -> None:
        enough = run.writers[0]
        await eventually_async(lambda: enough.acknowledged > 10, "some comments")
        run.stop.set()  # so that nothing hides what is done
        key = f"tandem:{{{run.rooms[0].id}}}:events"
        seen = run.history.readings[0].seen
        await eventually_async(
            lambda: len(seen) == len(topology.stored(run.rooms[0].id)), "the reader to have all of them"
        )
        await meddle(run, topology, key)

    monkeypatch.setattr(Run, "_recovered", _at_once)
    verdict = run.play(harm)
    rules = {problem.rule for problem in verdict.problems}
    assert found <= rules and bool(rules) == bool(found), verdict.problems[:5]
    topology.remove()


async def _at_once(_: Run) -> None:
    """Nobody writes any more."""
