"""Random histories: what several people and a bridge may do to a host session and its shared sessions, in any order."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from support.client import API
from support.redis_server import RedisServer
from support.scenario import unique

from .calls import HostSession, Who
from .cells import value
from .conversation import INTRODUCTION
from .driver import ROOT, Driver
from .values import Approval, Session, Settings

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
texts = ["hello", " line\nbreak\t", "  ", "", 'quo"te \\ \u2028 é 🦊', "again"]
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
    #: The nodes' Redis, in which times are moved: no history waits for a minute.
    redis: ClassVar[RedisServer]
    api_key: ClassVar[str] = ""
    #: What came up in any history.
    seen: ClassVar[Counter[str | int]]
    #: Codes that these nodes have no occasion for.
    out_of_reach: ClassVar[set[str]]

    def __init__(self, seed: str) -> None:
        chance = random.Random(seed)
        self.last = chance.random() < 0.3
        host_id = unique("model")
        key = {"X-API-Key": self.api_key} if self.api_key else {}
        body = {"userId": "owner", "hostSessionId": host_id, "workspaceId": "model", "agent": INTRODUCTION}
        reply = API(self.bases).post("/api/host-sessions", body, headers=key).expect(201)
        host = HostSession(host_id, reply["hostToken"], "model")
        self.driver = Driver(self.bases, self.settings, host, self.api_key, chance, self.redis)
        self.model = self.driver.model

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

    def finish(self) -> None:
        """What must hold at the end, which sometimes is that of the host session as well."""
        if self.last:
            host, bridge, self.driver.bridge = self.model.host, self.driver.bridge, None
            path = f"/api/host-sessions/{host.id}"
            self.driver.call("DELETE", path, lambda _: self.model.delete(host.token), bearer=host.token)
            if bridge:
                bridge.wait_end()
        self.driver.finish()

    def end(self) -> None:
        self.driver.close()
        self.seen.update(self.driver.seen)
