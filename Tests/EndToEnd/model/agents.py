"""Random histories, the last part: the agent asks for permission, and everybody tries to answer."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .calls import Who
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
tokens = st.sampled_from([*["right"] * 8, "wrong", None])


class AgentHistories(Histories):
    """Every rule."""

    def bearer(self, token: str | None) -> str | None:
        return {"right": self.model.host.token, "wrong": WRONG}.get(token or "")

    @action(
        6,
        which=one,
        options=st.sampled_from(["all", "all", "all", "broad", "odd", "none"]),
        tool=st.sampled_from(TOOLS),
        token=tokens,
        key=keys,
    )
    def ask(self, which, options, tool, token, key) -> None:
        dispatch, _ = self.dispatch(which)
        offered = [{"optionId": id, "name": id.title(), "kind": kind} for id, kind in OPTIONS[options]]
        body: dict[str, Any] = {"dispatchId": dispatch, "toolCall": tool, "options": offered}
        bearer, path = self.bearer(token), f"{HOSTS}/{self.model.host.id}/permissions"
        rule = lambda call: self.model.ask(bearer, call, body)  # noqa: E731
        self.driver.call("POST", path, rule, body, bearer=bearer, key=key, caller=bearer or "")

    @action(
        6,
        at=one,
        by=someone,
        how=how,
        which=one,
        what=st.sampled_from([None, None, "approve", "reject", "maybe"]),
        option=st.sampled_from(["yes", "no", "always", None, "other"]),
        reason=st.sampled_from([None, "because"]),
        key=keys,
    )
    def answer(self, at, by, how, which, what, option, reason, key) -> None:
        s = self.pick(at)
        among = s.asked or [a for a in s.approvals if a.kind == "permission"]
        if not among and which < 6:
            return
        target = value(among[which % len(among)].id) if among else NOBODY
        body = ({} if what is None else {"action": what}) | ({} if option is None else {"optionId": option})
        body |= {} if reason is None else {"reason": reason}
        who = self.who(s, by, how)
        # Mostly somebody who may.
        deciders = [p for p in s.present if p.role == "host" or p.may_approve]
        if which < 5 and deciders:
            p = deciders[which % len(deciders)]
            who = Who(value(p.id), value(p.tokens[-1]))
        self._decide(s, who, target, body, key)

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
