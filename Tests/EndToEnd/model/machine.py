"""Random histories: what several people and a bridge may do to a host session and its shared sessions, in any order."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from support.client import API
from support.scenario import unique

from .calls import HostSession, Who
from .cells import value
from .driver import ROOT, Driver
from .membership import MODES
from .values import Approval, Participant, Session, Settings

NOBODY = "00000000-0000-4000-8000-000000000000"
WRONG = "A" * 43
WITNESS = "witness"

#: Small numbers that pick one of whatever there is; the host (the first who came) is picked often.
someone = [0, 0, 0, 0, 2, 2, 3, 4, 1]
one = range(0, 8)
#: Most calls come with the right token; the others with what the contract has an answer for.
how = [*["right"] * 24, "first", "oldest", "wrong", "unknown", "elsewhere", "missing"]
keys = [None, None, None, "k1", "k2"]
flags = (False, True)
users = ["ada", "bob", "cyd", " bob ", "dee", "eve", "eve", "fay"]
names = [None, None, "Ada L.", " Bob ", ""]
texts = ["hello", "line\nbreak", "  ", "", 'quo"te \\ \u2028 é 🦊', "again"]
minutes = [None, None, None, 0, -5, 60, 43200, 43201]


#: What may happen, by the name of its method: the values each argument is taken from, and how often it is tried.
ACTIONS: dict[str, dict[str, Sequence[Any]]] = {}
OFTEN: list[str] = []


def action(often: int = 2, **arguments: Sequence[Any]) -> Callable:
    """Makes a method something that may happen; `often` is relative. Every history is a mixture of all of them."""

    def register(method: Callable) -> Callable:
        ACTIONS[method.__name__] = arguments
        OFTEN.extend([method.__name__] * often)
        return method

    return register


class Machine:
    """One history. A subclass says which nodes it is tried on."""

    bases: ClassVar[list[str]]
    settings: ClassVar[Settings]
    api_key: ClassVar[str] = ""
    #: What came up in any history.
    seen: ClassVar[Counter[str | int]]
    #: Codes that these nodes have no occasion for.
    out_of_reach: ClassVar[set[str]]

    def __init__(self, seed: str) -> None:
        chance = random.Random(seed)
        host_id = unique("model")
        key = {"X-API-Key": self.api_key} if self.api_key else {}
        body = {"userId": "owner", "hostSessionId": host_id, "workspaceId": "model"}
        reply = API(self.bases).post("/api/host-sessions", body, headers=key).expect(201)
        host = HostSession(host_id, reply["hostToken"], "model")
        self.driver = Driver(self.bases, self.settings, host, self.api_key, chance)
        self.model = self.driver.model
        if chance.random() < 0.7:
            self.driver.attach("a")
        self._create({"hostUserId": "ada", "mode": chance.choice(["prompt_with_approval", *MODES[2:]])})
        s = self.model.sessions[0]
        for user in ("bob", "cyd"):
            self._join(s, {"userId": user, "inviteToken": value(s.invite)})

    def act(self, step: int) -> None:
        """One thing that happens. The number says which, and all about it: what is left out changes nothing else."""
        self.driver.pick = chance = random.Random(step)
        name = chance.choice(OFTEN)
        arguments = {argument: chance.choice(among) for argument, among in ACTIONS[name].items()}
        getattr(self, name)(**arguments)

    # Picking

    def pick(self, at: int) -> Session:
        return self.model.sessions[at % len(self.model.sessions)]

    def who(self, s: Session, at: int, how: str) -> Who | None:
        p = s.participants[at % len(s.participants)]
        if how == "missing":
            return None
        if how == "unknown":
            return Who(NOBODY, WRONG)
        if how == "elsewhere" and len(self.model.sessions) > 1:
            p = self.pick(self.model.sessions.index(s) + 1).participants[0]
        token = {"wrong": WRONG, "first": value(p.given[0]), "oldest": value(p.tokens[0])}.get(how, value(p.tokens[-1]))
        return Who(value(p.id), token)

    def approval_id(self, s: Session, at: int, wanted: list[Approval]) -> str:
        """Mostly one of those the call is meant for, sometimes another, sometimes none at all."""
        if at == 7 or not s.approvals:
            return NOBODY
        among = wanted if wanted and at < 5 else s.approvals
        return value(among[at % len(among)].id)

    def path(self, s: Session, rest: str = "") -> str:
        return f"{ROOT}/{value(s.id)}{rest}"

    def reader(self, s: Session, at: int, how: str, key: str | None) -> dict[str, Any]:
        return {"who": self.who(s, at, how), "api_key": key}

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
        """Until the first access token is not among the newest any more."""
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

    def finish(self) -> None:
        """What must hold at the end."""
        self.driver.finish()

    def end(self) -> None:
        self.driver.close()
        self.seen.update(self.driver.seen)
