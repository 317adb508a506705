"""The short way to a situation: a registered host session, a shared session, participants in it."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from typing import Any

from .client import API, Credentials, HostToken
from .streams import Stream

ROOT = "/api/shared-sessions"
_numbers = itertools.count(1)


def unique(prefix: str) -> str:
    """A name nobody else uses, also not another process of the same run."""
    return f"{prefix}-{os.getpid()}-{next(_numbers)}"


@dataclass
class Shared:
    """A shared session as its host holds it."""

    api: API
    id: str
    invite: str
    host: Credentials
    agent: HostToken
    session: dict[str, Any]
    host_participant: dict[str, Any]

    @property
    def path(self) -> str:
        return f"{ROOT}/{self.id}"

    def join(self, user: str | None = None, role: str | None = None, **more: Any) -> Credentials:
        body = {"inviteToken": self.invite, "userId": user or unique("user")} | ({"role": role} if role else {}) | more
        participant = self.api.post(f"{self.path}/join", body).expect(200)["participant"]
        return Credentials(participant["id"], participant["accessToken"])

    def stream(self, who: Credentials | None = None, since: str | None = None, **more: Any) -> Stream:
        """An open stream on the next node; its `connected` frame is already checked and taken.

        With `since` (an id or `earliest`) what the session holds after it comes first.
        """
        who = who or self.host
        base = more.pop("base", None) or self.api.next_base()
        headers = more.pop("headers", {}) | ({"Last-Event-ID": since} if since else {})
        stream = Stream(base, f"{self.path}/stream", who, headers=headers, **more)
        first = stream.next()
        assert (first.type, first.id) == ("connected", None), first
        assert first.payload["participantId"] == who.id, first
        return stream

    def stream_unread(self, who: Credentials) -> Stream:
        """An open stream whose client has asked and then reads nothing, with small kernel buffers."""
        return Stream(self.api.next_base(), f"{self.path}/stream", who, receive_buffer=4096, reading=False)

    def snapshot(self) -> dict[str, Any]:
        return self.api.get(self.path).expect(200)

    def comment(self, text: str, who: Credentials | None = None) -> dict[str, Any]:
        return self.api.post(f"{self.path}/messages", {"text": text}, who or self.host).expect(200)["message"]

    def prompt(self, text: str, who: Credentials | None = None) -> dict[str, Any]:
        return self.api.post(f"{self.path}/prompts", {"prompt": text}, who or self.host).expect(200)["approval"]

    def resolve(self, approval_id: str, action: str = "approve", who: Credentials | None = None, **more: Any) -> Any:
        reply = self.api.post(f"{self.path}/approvals/{approval_id}", {"action": action} | more, who or self.host)
        return reply.expect(200)["approval"]

    def answer(self, approval_id: str, option: str, who: Credentials | None = None, **more: Any) -> Any:
        """Answers a permission request of the agent."""
        reply = self.api.post(f"{self.path}/approvals/{approval_id}", {"optionId": option} | more, who or self.host)
        return reply.expect(200)["approval"]

    def delegate(self, user: str | None = None) -> Credentials:
        """A participant who may decide as the host does."""
        who = self.join(user)
        self.api.patch(f"{self.path}/participants/{who.id}", {"canApprove": True}, self.host).expect(200)
        return who

    def approval(self, approval_id: str) -> dict[str, Any]:
        """The approval as the snapshot shows it now."""
        return next(a for a in self.snapshot()["approvals"] if a["id"] == approval_id)

    def close(self) -> dict[str, Any]:
        return self.api.delete(self.path, self.host).expect(200)["session"]


def register_host(api: API, **fields: Any) -> HostToken:
    """A fresh host session."""
    body = {"userId": "owner", "hostSessionId": unique("hs")} | fields
    reply = api.post("/api/host-sessions", body).expect(201)
    return HostToken(reply["hostSession"]["id"], reply["hostToken"])


def share(api: API, agent: HostToken | None = None, **fields: Any) -> Shared:
    """A fresh shared session, of a fresh host session unless one is given."""
    agent = agent or register_host(api)
    body = {"hostSessionId": agent.id, "hostUserId": unique("host")} | fields
    reply = api.post(ROOT, body).expect(201)
    host = reply["hostParticipant"]
    return Shared(
        api,
        reply["session"]["id"],
        reply["inviteToken"],
        Credentials(host["id"], host["accessToken"]),
        agent,
        reply["session"],
        host,
    )
