"""Says of a recorded history whether the promises were kept. Pure: values in, a verdict out.

| about | what must hold |
|---|---|
| the log | sequence numbers without a hole, ids that rise, nothing behind the session's end |
| a reader | it saw the log's events, in their order, once each, until the end; only `stream_reset` may break that |
| a write | acknowledged: there once, under the id that was answered; failed: not there; unknown: once or not at all |
| a key | all its answers are alike, and it wrote once |
| an approval | one winner, who is the one that the log names |
| a prompt | runs once at most, only when approved, and every run that was begun has one end that says what is known |
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from .history import Call, Entry, Event, History, Outcome, Reading, Reset, Run

RESOLVED = {"prompt_approved": "approve", "prompt_rejected": "reject"}
DECIDED = {*RESOLVED, "prompt_expired", "prompt_withdrawn"}
ENDED = {"prompt_dispatch_completed": "completed", "prompt_dispatch_failed": "failed"}
#: The event that a call writes its text with; who joins and leaves is named by their user id.
WRITES = {
    "message": "message_created",
    "prompt": "prompt_pending_approval",
    "join": "participant_joined",
    "leave": "participant_left",
}
#: Those of which nobody but the recorded clients makes any.
ONLY_CLIENTS = {"message", "prompt"}
#: What may follow the end of a session: the turn that was running then is recorded to its end.
BEHIND_THE_END = {"prompt_dispatch_completed", "prompt_dispatch_failed", "host_session_update"}


@dataclass(frozen=True)
class Problem:
    """A promise that was not kept."""

    rule: str
    session: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what} (session {self.session})"


@dataclass(frozen=True)
class Window:
    """A time, in seconds of the history's clock, whose acknowledged writes a failover is allowed to lose."""

    begin: float
    end: float

    def holds(self, moment: float | None) -> bool:
        return moment is not None and self.begin <= moment <= self.end


@dataclass
class Verdict:
    """What was counted and what was wrong."""

    problems: list[Problem] = field(default_factory=list)
    acknowledged: int = 0
    failed: int = 0
    unknown: int = 0
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    resets: int = 0
    runs: int = 0
    decisions: int = 0

    def add(self, rule: str, session: str, what: str) -> None:
        self.problems.append(Problem(rule, session, what if len(what) < 400 else what[:400] + "..."))

    def confirm(self) -> None:
        """Fails, naming the first few problems and how many of each rule there are."""
        rules = Counter(problem.rule for problem in self.problems)
        shown = "\n".join(str(problem) for problem in self.problems[:20])
        assert not self.problems, f"promises that were not kept: {dict(rules)}\n{shown}"


def check(history: History, forgiven: Iterable[Window] = (), resets: bool = False) -> Verdict:
    """Judges a history.

    Writes acknowledged within a `forgiven` window may be lost, and are counted nevertheless. With `resets` readers may
    have been told that their cursor is unknown, as after a failover that lost what nobody was promised.
    """
    verdict = Verdict()
    windows = list(forgiven)
    for session, log in history.logs.items():
        _check_log(session, log, verdict)
    for reading in history.readings:
        _check_reading(reading, history.logs.get(reading.session, []), resets, verdict)
    by_session: dict[str, list[Call]] = defaultdict(list)
    for call in history.calls:
        by_session[call.session].append(call)
    for session in {*by_session, *history.logs}:
        log, calls = history.logs.get(session, []), by_session[session]
        _check_writes(session, calls, log, windows, verdict)
        _check_list(session, history.listed.get(session), log, verdict)
        _check_decisions(session, calls, log, windows, verdict)
        runs = [run for run in history.runs if run.session == session]
        _check_runs(session, runs, log, verdict)
    return verdict


# The log


def order(identifier: str) -> tuple[int, ...]:
    """An event's id as something to compare."""
    return tuple(int(part) for part in identifier.split("-"))


def _check_log(session: str, log: list[Entry], verdict: Verdict) -> None:
    for before, after in zip(log, log[1:], strict=False):
        if after.seq != before.seq + 1:
            verdict.add("log-hole", session, f"{after.seq} follows {before.seq}")
        if order(after.id) <= order(before.id):
            verdict.reordered += 1
            verdict.add("log-order", session, f"{after.id} follows {before.id}")
        if before.type == "session_closed" and after.type not in BEHIND_THE_END:
            verdict.add("after-the-end", session, f"{after.type} follows the end of the session")


# Readers


def _check_reading(reading: Reading, log: list[Entry], may_be_reset: bool, verdict: Verdict) -> None:
    places = {entry.id: at for at, entry in enumerate(log)}
    parts: list[tuple[Reset | None, list[Event]]] = [(None, [])]
    for seen in reading.seen:
        if isinstance(seen, Reset):
            parts.append((seen, []))
        else:
            parts[-1][1].append(seen)
    verdict.resets += len(parts) - 1
    if len(parts) > 1 and not may_be_reset:
        verdict.add("reader-reset", reading.session, f"{reading.reader} was reset, although nothing was lost")
    for number, (reset, events) in enumerate(parts):
        last = number == len(parts) - 1
        _check_part(reading, reset, events, log, places, last, verdict)


def _check_part(
    reading: Reading,
    reset: Reset | None,
    events: list[Event],
    log: list[Entry],
    places: dict[str, int],
    last: bool,
    verdict: Verdict,
) -> None:
    def wrong(rule: str, what: str) -> None:
        verdict.add(rule, reading.session, f"{reading.reader}: {what}")

    expected = 0 if reset is None else places[reset.cursor] + 1 if reset.cursor in places else None
    seen: set[str] = set()
    ghosts: list[str] = []
    for event in events:
        at = places.get(event.id)
        if event.id in seen:
            verdict.doubled += 1
            wrong("reader-double", f"{event.id} came twice")
        elif at is None:
            ghosts.append(event.id)
        elif log[at].digest != event.digest:
            wrong("reader-changed", f"{event.id} is another event in the log")
        elif ghosts and not last:
            wrong("reader-ghost", f"{event.id} came after {ghosts[-1]}, which the log does not have, without a reset")
        elif expected is not None and at < expected:
            verdict.reordered += 1
            wrong("reader-order", f"{event.id} came after {log[expected - 1].id}")
        else:
            if expected is not None and at > expected:
                verdict.lost += at - expected
                wrong("reader-gap", f"{at - expected} events before {event.id} never came")
            expected = at + 1
        seen.add(event.id)
    if ghosts and last:
        wrong("reader-ghost", f"{ghosts} are not in the log, and the reader was never told so")
    if last and reading.complete and expected is not None and expected < len(log):
        verdict.lost += len(log) - expected
        wrong("reader-short", f"the last {len(log) - expected} events never came")


# Writes


def _check_writes(session: str, calls: list[Call], log: list[Entry], windows: list[Window], verdict: Verdict) -> None:
    for action, type in WRITES.items():
        written: dict[str, list[str]] = defaultdict(list)
        for entry in log:
            if entry.type == type and entry.text is not None and entry.about is not None:
                written[entry.text].append(entry.about)
        asked: dict[str, list[Call]] = defaultdict(list)
        for call in calls:
            if call.action == action:
                asked[call.text].append(call)
        for text, attempts in asked.items():
            _check_write(session, text, attempts, written.get(text, []), windows, verdict)
        for text in written.keys() - asked.keys() if action in ONLY_CLIENTS else ():
            verdict.add("never-asked", session, f"{text!r} was written, and nobody asked for it")


def _check_write(
    session: str, text: str, attempts: list[Call], there: list[str], windows: list[Window], verdict: Verdict
) -> None:
    known = [call for call in attempts if call.outcome == Outcome.OK]
    # Each attempt of a text has the same key: several attempts without one would be several writes.
    if known:
        verdict.acknowledged += 1
    elif any(call.outcome == Outcome.UNKNOWN for call in attempts):
        verdict.unknown += 1
    else:
        verdict.failed += 1
        if there:
            verdict.add("failed-done", session, f"{text!r} was refused ({attempts[0].code}) and is there")
    answers = {(call.made, call.answer) for call in known}
    if len(answers) > 1 and not any(window.holds(call.returned) for window in windows for call in known):
        verdict.add("key-answers", session, f"{text!r} got {len(answers)} different answers to one key")
    if len(there) > 1:
        verdict.doubled += len(there) - 1
        rule = "acknowledged-double" if known else "unknown-double"
        verdict.add(rule, session, f"{text!r} is there {len(there)} times")
    if known and not there:
        verdict.lost += 1
        if not all(any(window.holds(call.returned) for window in windows) for call in known):
            verdict.add("acknowledged-lost", session, f"{text!r} was acknowledged and is not there")
    elif known and not {call.made for call in known} & set(there):
        verdict.add("acknowledged-changed", session, f"{text!r} is there, but not under the id that was answered")


def _check_list(session: str, listed: list[tuple[str, str]] | None, log: list[Entry], verdict: Verdict) -> None:
    if listed is None:
        return
    told = [(entry.about, entry.text) for entry in log if entry.type == "message_created"]
    if [tuple(message) for message in listed] != told:
        verdict.add("list-differs", session, f"{len(told)} comments were told, {len(listed)} are listed, or otherwise")


# Approvals


def _check_decisions(
    session: str, calls: list[Call], log: list[Entry], windows: list[Window], verdict: Verdict
) -> None:
    decided: dict[str, list[Entry]] = defaultdict(list)
    for entry in log:
        if entry.type in DECIDED and entry.about is not None:
            decided[entry.about].append(entry)
    for about, entries in decided.items():
        if len(entries) > 1:
            verdict.add("decided-twice", session, f"approval {about}: {[entry.type for entry in entries]}")
    asked: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        if call.action == "resolve":
            asked[call.text].append(call)
    for about, attempts in asked.items():
        _check_decision(session, about, attempts, decided.get(about, []), windows, verdict)


def _check_decision(
    session: str, about: str, attempts: list[Call], told: list[Entry], windows: list[Window], verdict: Verdict
) -> None:
    def wrong(rule: str, what: str) -> None:
        verdict.add(rule, session, f"approval {about}: {what}")

    winners = [call for call in attempts if call.outcome == Outcome.OK]
    if len({call.key or f"{at}" for at, call in enumerate(winners)}) > 1:
        wrong("two-winners", f"{len(winners)} callers were told that theirs is the decision")
    forgiven = winners and all(any(window.holds(call.returned) for window in windows) for call in winners)
    if winners:
        verdict.decisions += 1
        if not told and not forgiven:
            wrong("decision-lost", "a decision was acknowledged and is not in the log")
    beaten = any(call.code == "APPROVAL_ALREADY_RESOLVED" for call in attempts)
    if beaten and not told and not windows:
        wrong("nobody-won", "somebody was told that it is resolved, and it is not")
    if told and told[0].type in RESOLVED:
        won = RESOLVED[told[0].type]
        if winners and not forgiven and all((call.decision, call.by) != (won, told[0].by) for call in winners):
            wrong("winner-differs", f"the log has {won} by {told[0].by}")
        possible = [call for call in attempts if call.outcome != Outcome.FAILED]
        if not any((call.decision, call.by) == (won, told[0].by) for call in possible):
            wrong("decided-by-nobody", f"{won} by {told[0].by}, which nobody asked for, or was refused")


# Runs


def _check_runs(session: str, runs: list[Run], log: list[Entry], verdict: Verdict) -> None:
    verdict.runs += len(runs)
    approved = {entry.about for entry in log if entry.type == "prompt_approved"}
    started = Counter(entry.about for entry in log if entry.type == "prompt_dispatch_started")
    ends: dict[str | None, list[Entry]] = defaultdict(list)
    for entry in log:
        if entry.type in ENDED:
            ends[entry.about].append(entry)
    by_approval: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_approval[run.approval].append(run)
    for about, its in by_approval.items():
        if len(its) > 1:
            verdict.doubled += len(its) - 1
            verdict.add("ran-twice", session, f"approval {about} ran {len(its)} times")
        if about not in approved:
            verdict.add("ran-unapproved", session, f"approval {about} ran without being approved")
        if not started[about]:
            verdict.add("ran-untold", session, f"approval {about} ran, and the log does not say so")
        _check_end(session, about, its[-1], ends[about], verdict)
    for about in approved:
        if started[about] > 1:
            verdict.add("started-twice", session, f"approval {about} has {started[about]} starts")
        if len(ends[about]) > 1:
            verdict.add("ended-twice", session, f"approval {about} has {len(ends[about])} ends")
        if not ends[about]:
            verdict.lost += 1
            verdict.add("silently-lost", session, f"approval {about} was approved and has no end")
        elif ends[about][0].type == "prompt_dispatch_completed" and about not in by_approval:
            verdict.add("completed-unrun", session, f"approval {about} is said to be completed and never ran")


def _check_end(session: str, about: str, run: Run, ends: list[Entry], verdict: Verdict) -> None:
    if not ends:
        return
    told = ENDED[ends[0].type]
    if run.reported is not None:
        if told != run.reported:
            verdict.add("end-differs", session, f"approval {about} {run.reported}, and the log says {told}")
    elif not run.unsure and "unknown" not in (ends[0].error or ""):
        verdict.add("ambiguity-unsaid", session, f"approval {about} was cut off; the log: {told}, {ends[0].error!r}")
