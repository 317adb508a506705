"""The checker itself: it is content with a history that is right, and rejects each forged one by the rule it breaks."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.checker import Window, check
from harness.history import Call, Entry, Event, History, Outcome, Reading, Reset, Run, digest, entry

S = "session"


def log_entry(seq: int, type: str, about: str | None = None, text: str | None = None, **more: str) -> Entry:
    return Entry(f"1700000000{seq:03}-0", seq, type, digest(f"{seq} {type}"), about, text, **more)


def call(action: str, text: str, outcome: Outcome, at: float, **more: object) -> Call:
    made = Call(S, action, text, invoked=at, returned=at + 0.1, outcome=outcome)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def right() -> History:
    """Some of everything, and all of it as it should be."""
    log = [
        log_entry(1, "shared_session_created"),
        log_entry(2, "message_created", "m1", "first"),
        log_entry(3, "message_created", "m2", "keyed"),
        log_entry(4, "message_created", "m3", "unsure"),
        log_entry(5, "prompt_pending_approval", "a1", "do it"),
        log_entry(6, "prompt_approved", "a1", "do it", by="p1"),
        log_entry(7, "prompt_dispatch_started", "a1"),
        log_entry(8, "prompt_dispatch_completed", "a1"),
        log_entry(9, "prompt_pending_approval", "a2", "and that"),
        log_entry(10, "prompt_approved", "a2", "and that", by="p2"),
        log_entry(11, "prompt_dispatch_started", "a2"),
        log_entry(12, "prompt_dispatch_failed", "a2", error="the bridge was lost; the outcome is unknown"),
        log_entry(13, "message_created", "m4", "last"),
        log_entry(14, "participant_joined", "u1", "visitor"),
        log_entry(15, "participant_left", "u1", "visitor"),
    ]
    calls = [
        call("message", "first", Outcome.OK, 1, made="m1", answer="x"),
        call("message", "keyed", Outcome.UNKNOWN, 2, key="k"),
        call("message", "keyed", Outcome.OK, 3, key="k", made="m2", answer="y"),
        call("message", "keyed", Outcome.OK, 4, key="k", made="m2", answer="y"),
        call("message", "unsure", Outcome.UNKNOWN, 5),
        call("message", "also unsure", Outcome.UNKNOWN, 5.5),
        call("message", "refused", Outcome.FAILED, 6, code="UNAVAILABLE"),
        call("message", "last", Outcome.OK, 20, made="m4", answer="z"),
        call("join", "visitor", Outcome.OK, 20.1, made="u1", answer="j"),
        call("leave", "visitor", Outcome.OK, 20.2, made="u1", answer="l"),
        call("prompt", "do it", Outcome.OK, 7, made="a1", answer="p"),
        call("prompt", "and that", Outcome.OK, 8, made="a2", answer="q"),
        call("resolve", "a1", Outcome.OK, 9, decision="approve", by="p1", made="a1"),
        call("resolve", "a1", Outcome.FAILED, 9, decision="reject", by="p2", code="APPROVAL_ALREADY_RESOLVED"),
        call("resolve", "a2", Outcome.UNKNOWN, 10, decision="approve", by="p2"),
    ]
    events = [Event(e.id, e.digest) for e in log]
    readings = [
        Reading(S, "whole", list(events)),
        Reading(S, "left early", events[:5], complete=False),
    ]
    runs = [Run(S, "a1", "b1", reported="completed"), Run(S, "a2", "b1")]
    listed = [(e.about or "", e.text or "") for e in log if e.type == "message_created"]
    return History(calls, readings, runs, {S: log}, {S: listed}, began=0, ended=21)


def rules(history: History, **allowed: object) -> set[str]:
    return {problem.rule for problem in check(history, **allowed).problems}  # type: ignore[arg-type]


def test_a_right_history_is_accepted_and_counted():
    verdict = check(right())
    verdict.confirm()
    assert (verdict.acknowledged, verdict.unknown, verdict.failed) == (7, 2, 1)
    assert (verdict.lost, verdict.doubled, verdict.reordered, verdict.resets) == (0, 0, 0, 0)
    assert (verdict.runs, verdict.decisions) == (2, 1)
    assert right().longest_outage() == pytest.approx(11.0 - 0.1 - 0.0, abs=1.0)


FORGERIES: dict[str, Callable[[History], object]] = {}


def forgery(rule: str) -> Callable[[Callable[[History], object]], Callable[[History], object]]:
    def keep(forge: Callable[[History], object]) -> Callable[[History], object]:
        name = f"{rule} {sum(known.split()[0] == rule for known in FORGERIES)}"
        FORGERIES[name] = forge
        return forge

    return keep


def change(history: History, at: int, **fields: object) -> None:
    """Changes an entry of the log, and what the readers saw of it."""
    log = history.logs[S]
    before = log[at]
    log[at] = Entry(**{**before.__dict__, **fields})
    for reading in history.readings:
        reading.seen = [
            Event(log[at].id, log[at].digest) if isinstance(e, Event) and e.id == before.id else e for e in reading.seen
        ]


def remove(history: History, at: int) -> None:
    """Takes an entry out of the log and away from readers, so that only its absence is wrong."""
    gone = history.logs[S].pop(at)
    for place in range(at, len(history.logs[S])):
        change(history, place, seq=history.logs[S][place].seq - 1)
    for reading in history.readings:
        reading.seen = [e for e in reading.seen if not (isinstance(e, Event) and e.id == gone.id)]
    history.listed[S] = [(e.about or "", e.text or "") for e in history.logs[S] if e.type == "message_created"]


def add(history: History, type: str, about: str | None = None, text: str | None = None, **more: str) -> None:
    """A further entry at the end, which readers saw and lists hold."""
    made = log_entry(len(history.logs[S]) + 1, type, about, text, **more)
    history.logs[S].append(made)
    history.readings[0].seen.append(Event(made.id, made.digest))
    history.listed[S] = [(e.about or "", e.text or "") for e in history.logs[S] if e.type == "message_created"]


@forgery("log-hole")
def _(h: History) -> None:
    change(h, 14, seq=16)


@forgery("log-order")
def _(h: History) -> None:
    change(h, 14, id="1600000000000-0")


@forgery("after-the-end")
def _(h: History) -> None:
    add(h, "session_closed")
    add(h, "session_closed")


@forgery("acknowledged-double")
def _(h: History) -> None:
    add(h, "participant_joined", "u2", "visitor")


@forgery("reader-double")
def _(h: History) -> None:
    h.readings[0].seen.insert(5, h.readings[0].seen[4])


@forgery("reader-gap")
def _(h: History) -> None:
    del h.readings[0].seen[5]


@forgery("reader-gap")
def _(h: History) -> None:
    del h.readings[1].seen[0]


@forgery("reader-order")
def _(h: History) -> None:
    seen = h.readings[0].seen
    seen[5], seen[6] = seen[6], seen[5]


@forgery("reader-short")
def _(h: History) -> None:
    del h.readings[0].seen[-1]


@forgery("reader-changed")
def _(h: History) -> None:
    h.readings[0].seen[3] = Event(h.logs[S][3].id, digest("something else"))


@forgery("reader-ghost")
def _(h: History) -> None:
    h.readings[1].seen.append(Event("1700000000004-7", "x"))


@forgery("reader-reset")
def _(h: History) -> None:
    h.readings[0].seen.insert(5, Reset(h.logs[S][4].id))


@forgery("acknowledged-lost")
def _(h: History) -> None:
    remove(h, 1)


@forgery("acknowledged-double")
def _(h: History) -> None:
    add(h, "message_created", "m9", "first")


@forgery("acknowledged-changed")
def _(h: History) -> None:
    h.calls[0].made = "m7"


@forgery("unknown-double")
def _(h: History) -> None:
    add(h, "message_created", "m9", "unsure")


@forgery("failed-done")
def _(h: History) -> None:
    add(h, "message_created", "m9", "refused")


@forgery("never-asked")
def _(h: History) -> None:
    add(h, "message_created", "m9", "nobody wrote this")


@forgery("key-answers")
def _(h: History) -> None:
    h.calls[3].answer = "another"


@forgery("list-differs")
def _(h: History) -> None:
    h.listed[S].reverse()


@forgery("list-differs")
def _(h: History) -> None:
    h.listed[S].append(("m9", "only in the list"))


@forgery("two-winners")
def _(h: History) -> None:
    h.calls[13].outcome = Outcome.OK


@forgery("winner-differs")
def _(h: History) -> None:
    change(h, 5, type="prompt_rejected", by="p2")


@forgery("decided-twice")
def _(h: History) -> None:
    add(h, "prompt_rejected", "a1", by="p2")


@forgery("decided-by-nobody")
def _(h: History) -> None:
    h.calls[14].outcome = Outcome.FAILED


@forgery("decision-lost")
def _(h: History) -> None:
    h.calls.append(call("resolve", "a3", Outcome.OK, 12, decision="approve", by="p1"))


@forgery("nobody-won")
def _(h: History) -> None:
    late = call("resolve", "a3", Outcome.FAILED, 12, decision="approve", by="p1", code="APPROVAL_ALREADY_RESOLVED")
    h.calls.append(late)


@forgery("ran-twice")
def _(h: History) -> None:
    h.runs.append(copy.copy(h.runs[0]))


@forgery("ran-unapproved")
def _(h: History) -> None:
    h.runs.append(Run(S, "a7", "b1", reported="completed"))


@forgery("ran-untold")
def _(h: History) -> None:
    change(h, 6, type="participant_updated")


@forgery("started-twice")
def _(h: History) -> None:
    add(h, "prompt_dispatch_started", "a1")


@forgery("ended-twice")
def _(h: History) -> None:
    add(h, "prompt_dispatch_failed", "a1", error="unknown")


@forgery("silently-lost")
def _(h: History) -> None:
    change(h, 7, type="participant_updated")


@forgery("completed-unrun")
def _(h: History) -> None:
    del h.runs[0]


@forgery("end-differs")
def _(h: History) -> None:
    h.runs[0].reported = "failed"


@forgery("ambiguity-unsaid")
def _(h: History) -> None:
    change(h, 11, error="it went wrong")


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_history_is_rejected_by_the_rule_it_breaks(name):
    history = right()
    FORGERIES[name](history)
    assert name.split()[0] in rules(history)
    with pytest.raises(AssertionError, match=name.split()[0]):
        check(history).confirm()


def test_every_rule_of_the_checker_has_a_forgery():
    source = Path(check.__code__.co_filename).read_text("utf-8")
    named = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', source))
    assert named == {name.split()[0] for name in FORGERIES}


def test_a_reset_is_accepted_where_history_was_lost():
    history = right()
    log = history.logs[S]
    ghosts = [Event("1700000000005-9", "lost"), Event("1700000000006-9", "lost")]
    whole = history.readings[0].seen
    history.readings[0].seen = [*whole[:4], *ghosts, Reset(log[6].id), *whole[7:]]
    assert rules(history, resets=True) == set()
    assert check(history, resets=True).resets == 1
    history.readings[0].seen = [*whole[:4], *ghosts, Reset(log[6].id), *whole[8:]]
    assert rules(history, resets=True) == {"reader-gap"}, "behind the reset the order holds again"
    history.readings[0].seen = [*whole[:4], *ghosts, *whole[4:]]
    assert rules(history, resets=True) == {"reader-ghost"}, "lost events without a word"
    history.readings[0].seen = [*whole[:4], ghosts[0], whole[4], Reset(log[6].id), *whole[7:]]
    assert rules(history, resets=True) == {"reader-ghost"}, "what is lost is the end of it"


def test_acknowledged_writes_are_forgiven_only_within_their_window():
    history = right()
    remove(history, 1)
    assert rules(history, forgiven=[Window(1.0, 1.2)]) == set()
    assert check(history, forgiven=[Window(1.0, 1.2)]).lost == 1, "forgiven, and counted"
    assert rules(history, forgiven=[Window(2.0, 3.0)]) == {"acknowledged-lost"}


def test_a_history_can_be_kept(tmp_path):
    right().keep(tmp_path / "history.json")
    kept = json.loads((tmp_path / "history.json").read_text())
    assert kept["calls"][0]["outcome"] == "ok" and len(kept["logs"][S]) == 15


def test_an_entry_is_read_as_redis_holds_it():
    message = {"type": "message_created", "payload": {"message": {"id": "m", "text": "t"}, "participant": {"id": "p"}}}
    read = entry({"entry": "5-1", "seq": "3", "data": json.dumps(message)})
    assert (read.id, read.seq, read.type, read.about, read.text) == ("5-1", 3, "message_created", "m", "t")
