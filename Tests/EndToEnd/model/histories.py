"""Random histories, continued: what is said, asked, decided, run, and read."""

from __future__ import annotations

import hashlib
from typing import Any

from .calls import Answer, Call, Refused, Who
from .cells import Mismatch, compare, value
from .driver import HOSTS, ROOT
from .machine import NOBODY, WRONG, action, flags, how, keys, one, someone, texts
from .people import People
from .values import Approval, Session

reading = [None, None, "right", "right", "wrong"]
edits = [None, None, " edited\n", " "]
hashes = [None, None, None, "right", "upper", "other", "x"]
reports = ["started", "started", "started", "completed", "completed", "failed", "paused"]
UPDATES = {
    "thought": {"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": "hm"}},
    "message": {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "yes"}},
    "tool": {
        "sessionUpdate": "tool_call",
        "toolCallId": "t0",
        "rawInput": {"path": "/"},
        "rawOutput": [],
        "title": "x",
    },
}


class Histories(People):
    """Every rule."""

    # What is said and asked

    @action(8, at=one, by=someone, how=how, text=texts, in_body=flags, key=keys)
    def comment(self, at, by, how, text, in_body, key) -> None:
        s = self.pick(at)
        rule = lambda call: self.model.comment(value(s.id), call, text)  # noqa: E731
        path, who = self.path(s, "/messages"), self.who(s, by, how)
        self.driver.call("POST", path, rule, {"text": text}, who, in_body=in_body, key=key)

    def _prompt(
        self,
        s: Session,
        by: int,
        how: str,
        text: str,
        in_body: bool = False,
        key: str | None = None,
        delivery: str | None = None,
    ) -> None:
        rule = lambda call: self.stopping(self.model.prompt(value(s.id), call, text, delivery))  # noqa: E731
        path, who = self.path(s, "/prompts"), self.who(s, by, how)
        body = {"prompt": text} | ({"delivery": delivery} if delivery else {})
        self.driver.call("POST", path, rule, body, who, in_body=in_body, key=key)

    def stopping(self, answer: Answer) -> Answer:
        """The bridge hears of the turn that was interrupted, if it is attached; else when it attaches."""
        stop, self.model.stopped = self.model.stopped, None
        self.driver.stops = [stop] if stop and self.model.host.attached else []
        return answer

    @action(
        4,
        at=one,
        by=someone,
        how=how,
        text=texts,
        in_body=flags,
        key=keys,
        delivery=[*[None] * 8, "queue", "interrupt", "later"],
    )
    def prompt(self, at, by, how, text, in_body, key, delivery) -> None:
        self._prompt(self.pick(at), by, how, text, in_body, key, delivery)

    @action(1, at=one, by=[0, 2, 2, 3], text=["stop", "instead"])
    def steer(self, at, by, text) -> None:
        """A prompt that interrupts."""
        self._prompt(self.pick(at), by, "right", text, delivery="interrupt")

    @action(
        1,
        at=one,
        by=someone,
        how=how,
        key=keys,
        body=[
            {"kind": "mode", "value": "code"},
            {"kind": "mode", "value": "fly"},
            {"kind": "option", "id": "model", "value": "large"},
            {"kind": "option", "id": "loud", "value": True},
            {"kind": "option", "id": "model", "value": True},
        ],
    )
    def control(self, at, by, how, key, body) -> None:
        s = self.pick(at)
        rule = lambda call: self.model.control(value(s.id), call, body)  # noqa: E731
        self.driver.call("POST", self.path(s, "/controls"), rule, body, self.who(s, by, how), key=key)

    @action(
        7,
        at=one,
        by=[2, 2, 3, 4],
        texts=[["build"], ["test"], ["build", "test"]],
    )
    def propose(self, at, by, texts) -> None:
        """Plain prompts, so that there is something to decide."""
        for text in texts:
            self._prompt(self.pick(at), by, "right", text)

    # Decisions

    @action(6, at=one, which=one, action=["approve", "approve", "reject"], reason=["so", "so", ""])
    def settle_one(self, at, which, action, reason) -> None:
        """The host, or somebody the host trusts, decides on what is pending."""
        s = self.pick(at)
        deciders = [p for p in s.present if p.role == "host" or p.may_approve]
        if not s.pending or not deciders:
            return
        p, a = deciders[which % len(deciders)], s.pending[which % len(s.pending)]
        self._decide(
            s, self.who(s, s.participants.index(p), "right"), value(a.id), {"action": action, "reason": reason}
        )

    def decider(self, s: Session, by: int, how: str, which: int) -> Who | None:
        """Mostly somebody who may decide, sometimes anybody at all."""
        deciders = [p for p in s.present if p.role == "host" or p.may_approve]
        if which < 5 and deciders:
            return self.who(s, s.participants.index(deciders[by % len(deciders)]), "right")
        return self.who(s, by, how)

    def _decide(self, s: Session, who: Who | None, target: str, body: dict[str, Any], key: str | None = None) -> None:
        rule = lambda call: self.stopping(self.model.decide(value(s.id), call, target, body))  # noqa: E731
        self.driver.call("POST", self.path(s, f"/approvals/{target}"), rule, body, who, key=key)

    @action(
        5,
        at=one,
        by=someone,
        how=how,
        which=one,
        action=["approve", "approve", "approve", "reject", "maybe"],
        reason=[None, "because", ""],
        edited=edits,
        shown=hashes,
        key=keys,
    )
    def decide(self, at, by, how, which, action, reason, edited, shown, key) -> None:
        s = self.pick(at)
        target = self.approval_id(s, which, s.pending)
        body: dict[str, Any] = {"action": action}
        body |= {} if reason is None else {"reason": reason}
        body |= {} if edited is None else {"editedPrompt": edited}
        if shown:
            text = next((a.prompt for a in s.approvals if a.id.value == target), "")
            digest = hashlib.sha256((text + ("!" if shown == "other" else "")).encode()).hexdigest()
            body["promptHash"] = {"upper": digest.upper(), "x": "x"}.get(shown, digest)
        self._decide(s, self.decider(s, by, how, which), target, body, key)

    @action(3, at=one, by=someone, how=how, which=one, key=keys)
    def withdraw(self, at, by, how, which, key) -> None:
        s = self.pick(at)
        target = self.approval_id(s, which, s.pending)
        rule = lambda call: self.model.withdraw(value(s.id), call, target)  # noqa: E731
        path, who = self.path(s, f"/approvals/{target}/withdraw"), self.who(s, by, how)
        self.driver.call("POST", path, rule, {}, who, key=key)

    @action(3, at=one, by=someone, how=how, which=one)
    def take_back(self, at, by, how, which) -> None:
        s = self.pick(at)
        target = self.approval_id(s, which, s.queue)
        rule = lambda call: self.model.take_back(value(s.id), call, target)  # noqa: E731
        self.driver.call("DELETE", self.path(s, f"/queue/{target}"), rule, None, self.who(s, by, how))

    @action(1, at=one, by=[2, 3], rare=flags)
    def run_out_of_time(self, at, by, rare) -> None:
        """A prompt with a second to be decided in, and nobody who does."""
        s = self.pick(at)
        p = s.participants[by % len(s.participants)]
        if rare or not s.is_active or s.mode != "prompt_with_approval" or p.role != "collaborator" or p.left:
            return
        host = self.who(s, s.participants.index(s.host), "right")
        self._update(s, host, {"approvalTimeoutSeconds": 1})
        known = len(s.approvals)
        self._prompt(s, by, "right", "soon")
        for a in s.approvals[known:]:
            self.model.expire(s, a)
            self.driver.settle()
        self._update(s, host, {"approvalTimeoutSeconds": 0})

    # The bridge and its agent

    @action(2, name=["a", "a", "b"])
    def attach(self, name) -> None:
        self.driver.attach(name)

    def dispatch(self, which: int) -> tuple[str, int]:
        """A dispatch id and its attempt: mostly the one that is out."""
        host = self.model.host
        known = [(id, a.dispatch.attempt) for id, (_, a) in host.handed_out.items() if a.dispatch]
        if which == 7 or not known:
            return NOBODY, 1
        if host.running and which < 5:
            a: Approval = host.running[1]
            return value(a.dispatch.id), a.dispatch.attempt
        return known[which % len(known)]

    @action(
        4,
        which=one,
        state=reports,
        off=[0, 0, 0, 0, 0, 0, -1, 1],
        said=[None, "max_tokens", "cancelled", ""],
        token=[*["right"] * 6, "wrong", None],
    )
    def report(self, which, state, off, said, token) -> None:
        target, attempt = self.dispatch(which)
        body = {"state": state, "attempt": attempt + off}
        if said is not None:
            body |= {"error": said} if state == "failed" else {"stopReason": said}
        bearer = {"right": self.model.host.token, "wrong": WRONG}.get(token or "")
        path = f"{HOSTS}/{self.model.host.id}/dispatches/{target}"
        self.driver.call("POST", path, lambda call: self.model.report(bearer, target, body), body, bearer=bearer)

    @action(6, steps=[1, 1, 1, 2, 3])
    def proceed(self, steps) -> None:
        """The bridge goes on as it should."""
        for _ in range(steps):
            if self.model.host.running:
                state = self.model.host.running[1].dispatch.state
                self.report(0, "started" if state == "queued" else "completed", 0, None, "right")

    @action(3, at=one, by=someone, how=how, key=keys)
    def cancel(self, at, by, how, key) -> None:
        s = self.pick(at)

        def rule(call: Call) -> Answer:
            answer, stop = self.model.cancel(value(s.id), call)
            self.driver.stops = [stop] if stop and self.model.host.attached else []
            return answer

        self.driver.call("POST", self.path(s, "/cancel"), rule, {}, self.who(s, by, how), key=key)

    @action(
        kinds=[[], ["thought"], ["message", "tool"], ["tool", "thought", "message"]],
        token=[*["right"] * 6, "wrong", None],
        key=keys,
    )
    def notify(self, kinds, token, key) -> None:
        bearer = {"right": self.model.host.token, "wrong": WRONG}.get(token or "")
        method = {"jsonrpc": "2.0", "method": "session/update"}
        notifications = [method | {"params": {"update": UPDATES[kind]}} for kind in kinds]
        path = f"{HOSTS}/{self.model.host.id}/notifications"
        rule = lambda call: self.model.notify(bearer, call, notifications)  # noqa: E731
        body = {"notifications": notifications}
        self.driver.call("POST", path, rule, body, bearer=bearer, key=key, caller=bearer or "")

    # Repeats and tickets

    @action(5, which=range(31), other=[False, False, False, True])
    def repeat(self, which, other) -> None:
        """A POST with an Idempotency-Key goes out once more, perhaps much later, perhaps with another body."""
        kept = [sent for sent in self.driver.repeatable if sent.call.repeat.scope in self.model.kept]
        if kept:
            sent = kept[-1 - which % len(kept)]
            self.driver.send(sent.changed() if other else sent)

    @action(at=one, by=someone, how=how, key=keys)
    def ticket(self, at, by, how, key) -> None:
        s = self.pick(at)
        rule = lambda call: self.model.ticket(value(s.id), call)  # noqa: E731
        self.driver.call("POST", self.path(s, "/stream-tickets"), rule, {}, self.who(s, by, how), key=key)

    @action(at=one, by=[2, 3, 4], node=flags)
    def watch(self, at, by, node) -> None:
        """A participant opens a stream, which ends when they leave."""
        s = self.pick(at)
        p = s.participants[by % len(s.participants)]
        if s.is_active and p.left is None and p.role != "host":
            self.driver.open(s, p, self.bases[node])
            self.driver.settle()

    @action(1, by=someone, how=how, what=["/messages", "/leave", "/prompts"])
    def call_nowhere(self, by, how, what) -> None:
        """A session that does not exist."""
        body = {"text": "x", "prompt": "x"}
        rule = lambda call: self.model.leave(NOBODY, call)  # noqa: E731
        self.driver.call("POST", f"{ROOT}/{NOBODY}{what}", rule, body, self.who(self.pick(0), by, how))

    # Reading

    @action(5, at=one, by=someone, how=how, key=reading, what=["", "", "/participants", "/queue"])
    def read(self, at, by, how, key, what) -> None:
        s = self.pick(at)
        read = {"": self.model.snapshot, "/participants": self.model.participants, "/queue": self.model.queued}[what]
        rule = lambda call: read(value(s.id), call)  # noqa: E731
        self.driver.call("GET", self.path(s, what), rule, None, self.who(s, by, how), api_key=key)

    @action()
    def read_host_session(self) -> None:
        rule = lambda _: self.model.host_session()  # noqa: E731
        self.driver.call("GET", f"{HOSTS}/{self.model.host.id}", rule, api_key="right")

    @action(at=one, limit=range(1, 5), key=["right", "right", "wrong"])
    def read_messages(self, at, limit, key) -> None:
        s = self.pick(at)
        self.pages(
            self.path(s, "/messages"), "messages", "after", limit, key, lambda c: self.model.messages(value(s.id), c)
        )

    @action(status=[None, "active", "closed", "expired"], limit=range(1, 4))
    def read_list(self, status, limit) -> None:
        query = f"hostSessionId={self.model.host.id}" + (f"&status={status}" if status else "")
        self.pages(f"{ROOT}?{query}", "sessions", "cursor", limit, "right", lambda c: self.model.listed(c, status))

    def pages(self, path, name, cursor, limit, key, rule) -> None:
        """A list read page by page is the list."""
        known = {"X-API-Key": self.api_key} if self.api_key else {}
        headers = known if key == "right" else {"X-API-Key": "wrong"}
        path += ("&" if "?" in path else "?") + f"limit={limit}"
        base = self.driver.pick.choice(self.bases)
        reply = self.driver.api.get(path, headers=headers, base=base)
        try:
            expected = rule(Call(api_key=key))
        except Refused as refused:
            return self.driver.compare(refused.answer, reply)
        whole: list[Any] = []
        for _ in range(len(expected) + 2):
            body = reply.expect(200)
            if not set(body) <= {name, "nextCursor"} or len(body[name]) > limit:
                raise Mismatch(f"{path}: {body}")
            whole += body[name]
            if "nextCursor" not in body:
                break
            reply = self.driver.api.get(f"{path}&{cursor}={body['nextCursor']}", headers=headers)
        compare(expected, whole, self.driver.vault, path)

    @action(at=one, by=someone, how=how, key=reading)
    def export(self, at, by, how, key) -> None:
        s = self.pick(at)
        rule = lambda call: self.model.export(value(s.id), call)  # noqa: E731
        self.driver.export(self.path(s, "/export"), rule, self.who(s, by, how), key)
