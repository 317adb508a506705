"""What one worker knows: sessions of its own, their people, and the ids and tokens that answers have told."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

from support.client import API, Credentials, HostToken
from support.scenario import Shared, share

#: How many of a kind are remembered.
MEMORY = 12

#: Where an answer holds what later requests can use: the field's name -> what it is.
LEARNED = {
    "nextCursor": "page",
    "cursor": "cursor",
    "ticket": "ticket",
    "inviteToken": "invite",
    "dispatchId": "dispatch",
    "approvalId": "approval",
}


class World:
    """The session that anything may happen to, and a second one that nothing but streams and comments touches."""

    def __init__(self, api: API, chance: random.Random) -> None:
        self.api = api
        self.chance = chance
        self.known: dict[str, list[str]] = defaultdict(list)
        self.steady: Shared = share(api, mode="prompt_direct")
        self.renew()

    def renew(self) -> None:
        """A fresh session, for when the last one has ended or is full."""
        mode = self.chance.choice(["prompt_with_approval", "prompt_direct", "comment_only"])
        self.shared: Shared = share(self.api, mode=mode)
        self.people: list[Credentials] = [
            self.shared.host,
            self.shared.join(),
            self.shared.join(role="viewer"),
            self.shared.delegate(),
        ]
        self.known.clear()
        approval = self.shared.prompt("do this")
        self._remember("approval", approval["id"])
        self._remember("dispatch", approval.get("dispatch", {}).get("id", ""))
        self._remember("cursor", self.shared.snapshot()["cursor"])
        self._remember("invite", self.shared.invite)

    def learn(self, body: Any) -> None:
        """Takes ids and tokens out of an answer."""
        if isinstance(body, list):
            for inner in body[:20]:
                self.learn(inner)
        if not isinstance(body, dict):
            return
        for name, value in body.items():
            if name in LEARNED and isinstance(value, str):
                self._remember(LEARNED[name], value)
            elif name in ("approval", "dispatch") and isinstance(value, dict):
                self._remember(name, str(value.get("id", "")))
            elif name == "approvals" and isinstance(value, list):
                for approval in value[:5]:
                    self._remember("approval", approval["id"])
            elif name == "participant" and isinstance(value, dict) and "accessToken" in value:
                if value.get("sharedSessionId") == self.shared.id:
                    self.people = [*self.people[:6], Credentials(str(value["id"]), str(value["accessToken"]))]
            if isinstance(value, (dict, list)):
                self.learn(value)

    def _remember(self, kind: str, value: str) -> None:
        if value:
            self.known[kind] = [*self.known[kind], value][-MEMORY:]

    def pick(self, kind: str, otherwise: str = "00000000-0000-4000-8000-000000000000") -> str:
        return self.chance.choice(self.known[kind] or [otherwise])

    def person(self) -> Credentials:
        return self.chance.choice(self.people)

    @property
    def agent(self) -> HostToken:
        return self.shared.agent
