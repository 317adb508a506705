"""Random histories, the last part: the agent asks for permission, and everybody tries to answer."""

from __future__ import annotations

from typing import Any

from .cells import value
from .driver import HOSTS
from .histories import Histories
from .machine import NOBODY, WRONG, action, how, keys, one, someone

OPTIONS = {
    "all": [("yes", "allow_once"), ("always", "allow_always"), ("no", "reject_once"), ("never", "reject_always")],
    "broad": [("always", "allow_always"), ("never", "reject_always")],
    "odd": [("sure", "whatever")],
    "none": [],
}
TOOLS = [
    {"toolCallId": "t1", "title": "Write a file", "kind": "edit", "rawInput": {"n": [1, {}]}},
    {"toolCallId": "t2"},
]
tokens = [*["right"] * 8, "wrong", None]


class AgentHistories(Histories):
    """Every rule."""

    def bearer(self, token: str | None) -> str | None:
        return {"right": self.model.host.token, "wrong": WRONG}.get(token or "")

    @action(
        12,
        which=one,
        options=["all", "all", "broad", "odd", "odd", "none"],
        tool=TOOLS,
        token=tokens,
        key=keys,
    )
    def ask(self, which, options, tool, token, key) -> None:
        running = self.model.host.running
        if which < 6 and not (running and running[1].dispatch.state == "started"):
            return
        dispatch, _ = self.dispatch(which)
        offered = [{"optionId": id, "name": id.title(), "kind": kind} for id, kind in OPTIONS[options]]
        body: dict[str, Any] = {"dispatchId": dispatch, "toolCall": tool, "options": offered}
        bearer, path = self.bearer(token), f"{HOSTS}/{self.model.host.id}/permissions"
        rule = lambda call: self.model.ask(bearer, call, body)  # noqa: E731
        self.driver.call("POST", path, rule, body, bearer=bearer, key=key, caller=bearer or "")

    @action(
        10,
        at=one,
        by=someone,
        how=how,
        which=one,
        what=[None, None, "approve", "approve", "reject", "maybe"],
        option=["yes", "no", None, None, None, "other"],
        reason=[None, "because", "because"],
        key=keys,
    )
    def answer(self, at, by, how, which, what, option, reason, key) -> None:
        s = next((s for s in self.model.sessions if s.asked), self.pick(at))
        among = s.asked or [a for a in s.approvals if a.kind == "permission"]
        if not among and which < 6:
            return
        target = value(among[which % len(among)].id) if among else NOBODY
        body = ({} if what is None else {"action": what}) | ({} if option is None else {"optionId": option})
        body |= {} if reason is None else {"reason": reason}
        self._decide(s, self.decider(s, by, how, which), target, body, key)

    @action(
        8,
        at=one,
        options=["all", "broad", "odd"],
        what=[None, None, "approve", "reject"],
        option=["yes", "no", "sure", None, None],
        reason=[None, "because"],
        answered=[True, True, False],
    )
    def work(self, at, options, what, option, reason, answered) -> None:
        """A turn as it should go: it runs, the agent asks, and somebody who may decide answers."""
        model = self.model
        if model.host.attached is None:
            self.driver.attach("a")
        s = self.pick(at)
        if model.host.running is None and s.is_active:
            self._prompt(s, s.participants.index(s.host), "right", "work")
        if model.host.running is None:
            return
        if model.host.running[1].dispatch.state == "queued":
            self.report(0, "started", 0, None, "right")
        s = model.host.running[0]
        self.ask(0, options, TOOLS[0], "right", None)
        if answered and s.asked and s.is_active:
            self.answer(at, 0, "right", 0, what, option, reason, None)

    def request_id(self, which: int) -> str:
        known = [a for s in self.model.sessions for a in s.approvals if a.kind == "permission" or which == 6]
        return value(known[which % len(known)].id) if known and which < 7 else NOBODY

    @action(2, which=one, token=tokens)
    def ask_no_longer(self, which, token) -> None:
        target, bearer = self.request_id(which), self.bearer(token)
        path = f"{HOSTS}/{self.model.host.id}/permissions/{target}"
        self.driver.call("DELETE", path, lambda _: self.model.ask_no_longer(bearer, target), bearer=bearer)

    @action(2, which=one, token=tokens)
    def look_at_request(self, which, token) -> None:
        target, bearer = self.request_id(which), self.bearer(token)
        path = f"{HOSTS}/{self.model.host.id}/permissions/{target}"
        self.driver.call("GET", path, lambda _: self.model.look(bearer, target), bearer=bearer)
