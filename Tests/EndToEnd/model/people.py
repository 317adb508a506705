"""Random histories: sessions, who is in them, and what lets others in."""

from __future__ import annotations

from typing import Any

from .calls import Who
from .cells import value
from .driver import ROOT
from .machine import NOBODY, WITNESS, WRONG, Machine, action, flags, how, keys, minutes, names, one, someone, users
from .membership import MODES
from .values import Participant, Session


class People(Machine):
    """A history begins with a session and two who have joined it, mostly with a bridge."""

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        chance = self.driver.pick
        if chance.random() < 0.7:
            self.driver.attach("a")
        self._create({"hostUserId": "ada", "mode": chance.choice(["prompt_with_approval", *MODES[2:]])})
        s = self.model.sessions[0]
        for user in ("bob", "cyd"):
            self._join(s, {"userId": user, "inviteToken": value(s.invite)})

    # Sessions

    def _create(
        self, body: dict[str, Any], token: str | None = "right", api_key: str | None = "right", key=None
    ) -> None:
        model, before = self.model, len(self.model.sessions)
        body = {"hostSessionId": model.host.id} | body
        bearer = {"right": model.host.token, "wrong": WRONG}.get(token or "")
        self.driver.call(
            "POST",
            ROOT,
            lambda call: model.create(call, body, bearer),
            body,
            api_key=api_key if self.settings.keyed else None,
            bearer=bearer,
            key=key,
            caller=bearer or "",
        )
        for s in model.sessions[before:]:
            self._join(s, {"userId": WITNESS, "role": "viewer", "inviteToken": value(s.invite)})
            for base in self.bases:
                self.driver.open(s, s.participants[1], base)
            self.driver.settle()

    @action(
        8,
        host=["ada", "ada", " bob ", "  "],
        name=names,
        mode=[None, None, *MODES, "anarchy"],
        minutes=minutes,
        timeout=[None, None, None, 0, 3600, 99_999_999],
        updates=[*[None] * 6, "all", "reduced", "some"],
        of=[*[None] * 10, "", "nowhere"],
        token=[*["right"] * 14, "wrong", None],
        api_key=[*["right"] * 14, "wrong", None],
        key=keys,
    )
    def create(self, host, name, mode, minutes, timeout, updates, of, token, api_key, key) -> None:
        if len(self.model.sessions) == 4:
            return
        body: dict[str, Any] = {"hostUserId": host}
        body |= {} if name is None else {"hostDisplayName": name}
        body |= {} if mode is None else {"mode": mode}
        body |= {} if minutes is None else {"expiresInMinutes": minutes}
        body |= {} if timeout is None else {"approvalTimeoutSeconds": timeout}
        body |= {} if updates is None else {"viewerUpdates": updates}
        body |= {} if of is None else {"hostSessionId": of}
        self._create(body, token, api_key, key)

    @action(
        4,
        at=one,
        by=someone,
        how=how,
        mode=[None, *MODES, "prompt_with_approval", "anarchy"],
        minutes=minutes,
        timeout=[None, None, 0, 3600, 99_999_999],
        updates=[*[None] * 3, "all", "reduced", "some"],
        in_body=flags,
    )
    def update(self, at, by, how, mode, minutes, timeout, updates, in_body) -> None:
        s = self.pick(at)
        body: dict[str, Any] = {} if mode is None else {"mode": mode}
        body |= {} if minutes is None else {"expiresInMinutes": minutes}
        body |= {} if timeout is None else {"approvalTimeoutSeconds": timeout}
        body |= {} if updates is None else {"viewerUpdates": updates}
        self._update(s, self.who(s, by, how), body, in_body)

    def _update(self, s: Session, who: Who | None, body: dict[str, Any], in_body: bool = False) -> None:
        id, path = value(s.id), self.path(s)
        self.driver.call("PATCH", path, lambda call: self.model.update(id, call, body), body, who, in_body=in_body)

    @action(2, at=one, by=someone, how=how, sure=range(0, 3))
    def close(self, at, by, how, sure) -> None:
        s = self.pick(at)
        who = self.who(s, by, "wrong" if sure else how)
        self.driver.call("DELETE", self.path(s), lambda call: self.model.close(value(s.id), call), None, who)

    @action(4, at=one, lives=[[0], [30], [60, 0], [0, 43200], [43200, 30], [30, 0, 60]], user=[None, "dee", "eve"])
    def live_on(self, at, lives, user) -> None:
        """The host changes how long the session lives, more than once; somebody comes in between."""
        s = self.pick(at)
        for minutes in lives:
            if s.is_active:
                self._update(s, self.who(s, s.participants.index(s.host), "right"), {"expiresInMinutes": minutes})
            if user:
                self._join(s, {"userId": user, "inviteToken": value(s.invite)})

    @action(2, at=one, by=someone, first=["comment", "join", "extend", "close", "leave", "read", None])
    def run_out(self, at, by, first) -> None:
        """The time of a session is over, whatever waits in it: the very next call finds it ended, on any node."""
        s = self.pick(at)
        if not s.is_active:
            return
        who, host = self.who(s, by, "right"), self.who(s, s.participants.index(s.host), "right")
        id, path = value(s.id), self.path(s)
        self.driver.run_out(s)
        if first == "comment":
            rule = lambda call: self.model.comment(id, call, "too late")  # noqa: E731
            self.driver.call("POST", f"{path}/messages", rule, {"text": "too late"}, who)
        elif first == "join":
            self._join(s, {"userId": "late", "inviteToken": value(s.invite)})
        elif first == "extend":
            self._update(s, host, {"expiresInMinutes": 60})
        elif first == "close":
            self.driver.call("DELETE", path, lambda call: self.model.close(id, call), None, host)
        elif first == "leave":
            self.driver.call("POST", f"{path}/leave", lambda call: self.model.leave(id, call), {}, who)
        elif first == "read":
            self.driver.call("GET", path, lambda call: self.model.snapshot(id, call), api_key="right")
        self.driver.settle()

    # Who is there

    def _join(self, s: Session, body: dict[str, Any], who: Who | None = None, key: str | None = None) -> None:
        id = value(s.id)
        caller = f"{who.id}.{who.token}" if who else body["inviteToken"]
        self.driver.call(
            "POST",
            self.path(s, "/join"),
            lambda call: self.model.join(id, call, body),
            body,
            who,
            key=key,
            caller=caller,
        )

    @action(
        5,
        at=one,
        user=[*users, *users, " "],
        name=names,
        role=[None, "viewer", "collaborator", "collaborator", "host", "king"],
        invite=["own", "own", "own", "scoped", "scoped", "old", "none"],
        which=one,
        own=[None, *someone],
        how=how,
        key=keys,
    )
    def join(self, at, user, name, role, invite, which, own, how, key) -> None:
        s = self.pick(at)
        token = value(s.invite)
        if invite == "scoped" and s.invites:
            token = value(s.invites[which % len(s.invites)].token)
        elif invite == "old":
            token = value(self.pick(at + 1).invite)
        elif invite == "none":
            token = WRONG
        body = {"inviteToken": token, "userId": user}
        body |= {} if name is None else {"displayName": name}
        body |= {} if role is None else {"role": role}
        self._join(s, body, None if own is None else self.who(s, own, how), key)

    @action(at=one, by=someone, how=how, sure=range(0, 6), key=keys)
    def leave(self, at, by, how, sure, key) -> None:
        s = self.pick(at)
        p = s.participants[by % len(s.participants)]
        if p.user == WITNESS or (p.role == "host" and sure):
            return
        who = self.who(s, by, how)
        if who and who.id == value(s.participants[1].id):
            return
        id = value(s.id)
        self.driver.call("POST", self.path(s, "/leave"), lambda call: self.model.leave(id, call), {}, who, key=key)

    def other(self, s: Session, at: int) -> Participant | None:
        """Somebody an operation is about; never the witness, whose streams tell what happens."""
        others = [p for p in s.participants if p.user != WITNESS]
        return others[at % len(others)] if at < 7 else None

    @action(2, at=one, by=[2, 3])
    def join_again_and_again(self, at, by) -> None:
        """More often than tokens are kept; the first one stays all the same."""
        s = self.pick(at)
        p = s.participants[by % len(s.participants)]
        if s.is_active and p.left is None and p.role != "host" and not p.may_approve:
            body = {"userId": p.user, "inviteToken": value(s.invite)}
            for _ in range(self.settings.tokens):
                self._join(s, body, self.who(s, s.participants.index(p), "right"))

    @action(3, at=one, of=[1, 2, 2], what=["delegate", "delegate", "hand over"])
    def trust(self, at, of, what) -> None:
        """The host lets somebody decide, or makes them the host."""
        s = self.pick(at)
        p = self.other(s, of)
        if not s.is_active or p is None:
            return
        id, target, host = value(s.id), value(p.id), self.who(s, s.participants.index(s.host), "right")
        if what == "delegate":
            body = {"canApprove": True}
            path = self.path(s, f"/participants/{target}")
            self.driver.call("PATCH", path, lambda call: self.model.change(id, call, target, body), body, host)
        else:
            body = {"newHostParticipantId": target}
            self.driver.call("POST", self.path(s, "/host"), lambda c: self.model.hand_over(id, c, target), body, host)

    @action(at=one, by=someone, how=how, of=one)
    def remove(self, at, by, how, of) -> None:
        s = self.pick(at)
        p = self.other(s, of)
        target = value(p.id) if p else NOBODY
        path, who = self.path(s, f"/participants/{target}"), self.who(s, by, how)
        self.driver.call("DELETE", path, lambda call: self.model.remove(value(s.id), call, target), None, who)

    @action(
        4,
        at=one,
        by=someone,
        how=how,
        of=one,
        role=[None, None, "collaborator", "viewer", "host", "king"],
        may=[None, True, True, False],
    )
    def change(self, at, by, how, of, role, may) -> None:
        s = self.pick(at)
        p = self.other(s, of)
        target = value(p.id) if p else NOBODY
        body = ({} if role is None else {"role": role}) | ({} if may is None else {"canApprove": may})
        path, who = self.path(s, f"/participants/{target}"), self.who(s, by, how)
        self.driver.call("PATCH", path, lambda call: self.model.change(value(s.id), call, target, body), body, who)

    @action(at=one, by=someone, how=how, of=one, key=keys)
    def hand_over(self, at, by, how, of, key) -> None:
        s = self.pick(at)
        p = self.other(s, of)
        target = value(p.id) if p else NOBODY
        body, path, who = {"newHostParticipantId": target}, self.path(s, "/host"), self.who(s, by, how)
        rule = lambda call: self.model.hand_over(value(s.id), call, target)  # noqa: E731
        self.driver.call("POST", path, rule, body, who, key=key)

    # Invites

    @action(at=one, by=someone, how=how, key=keys)
    def rotate(self, at, by, how, key) -> None:
        s = self.pick(at)
        rule = lambda call: self.model.rotate(value(s.id), call)  # noqa: E731
        self.driver.call("POST", self.path(s, "/invite"), rule, {}, self.who(s, by, how), key=key)

    @action(
        5,
        at=one,
        by=someone,
        how=how,
        role=[None, None, "viewer", "collaborator", "host"],
        most=[None, None, 1, 1, 2, 0, 1_000_001],
        minutes=minutes,
        label=names,
        times=[1, 1, 3],
        key=keys,
    )
    def make_invite(self, at, by, how, role, most, minutes, label, times, key) -> None:
        s = self.pick(at)
        body: dict[str, Any] = {} if role is None else {"role": role}
        body |= {} if most is None else {"maxUses": most}
        body |= {} if minutes is None else {"expiresInMinutes": minutes}
        body |= {} if label is None else {"label": label}
        rule = lambda call: self.model.make_invite(value(s.id), call, body)  # noqa: E731
        for _ in range(times):
            self.driver.call("POST", self.path(s, "/invites"), rule, body, self.who(s, by, how), key=key)

    @action(at=one, by=someone, how=how, which=one)
    def revoke(self, at, by, how, which) -> None:
        s = self.pick(at)
        target = value(s.invites[which % len(s.invites)].id) if s.invites and which < 7 else NOBODY
        rule = lambda call: self.model.revoke(value(s.id), call, target)  # noqa: E731
        self.driver.call("DELETE", self.path(s, f"/invites/{target}"), rule, None, self.who(s, by, how))

    @action(at=one, by=someone, how=how)
    def list_invites(self, at, by, how) -> None:
        s = self.pick(at)
        rule = lambda call: self.model.list_invites(value(s.id), call)  # noqa: E731
        self.driver.call("GET", self.path(s, "/invites"), rule, None, self.who(s, by, how))
