"""Who did what can be told from the export alone, when everything else of the session is over."""

from __future__ import annotations

import json
from typing import Any

from support.bridge import Bridge
from support.client import Credentials
from support.scenario import share


class Audit:
    """Reads an export as an auditor would: nothing is known but its lines."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self.names: dict[str, str] = {}
        self.prompts: dict[str, dict[str, Any]] = {}
        self.roles: list[tuple[str, str]] = []
        self.removals: list[tuple[str, str]] = []
        for line in lines:
            self.read(line["type"], line["payload"])

    def name(self, id: str | None) -> str | None:
        return None if id is None else self.names[id]

    def read(self, type: str, payload: dict[str, Any]) -> None:
        if type.startswith("participant_"):
            p = payload["participant"]
            self.names[p["id"]] = p["userId"]
            if type != "participant_left":
                self.roles.append((p["userId"], p["role"] + ("+" if p.get("canApprove") else "")))
            elif by := payload.get("removedByParticipantId"):
                self.removals.append((p["userId"], self.names[by]))
        elif "approval" in payload and payload["approval"]["kind"] == "prompt":
            a = payload["approval"]
            entry = self.prompts.setdefault(a["id"], {"proposed": a["prompt"], "by": self.name(a["participantId"])})
            if type != "prompt_pending_approval":
                entry["outcome"] = a["status"]
                # Taken out of the queue: by whom is in the event, by whom it was approved stays in the approval.
                entry["decider"] = self.name(a.get("resolvedByParticipantId"))
                if type == "prompt_withdrawn":
                    entry["decider"] = payload["participant"]["userId"]
                entry |= {"reason": a["reason"]} if "reason" in a else {}
                entry |= {"edited": a["editedPrompt"]} if "editedPrompt" in a else {}
        elif type.startswith("prompt_dispatch_"):
            entry = self.prompts[payload["approvalId"]]
            entry.setdefault("ran", []).append(type.removeprefix("prompt_dispatch_"))
            entry |= {"stop": payload["stopReason"]} if "stopReason" in payload else {}
            entry |= {"error": payload["error"]} if "error" in payload else {}


def export(api, shared, who) -> list[dict[str, Any]]:
    reply = api.get(f"{shared.path}/export", who)
    assert reply.status == 200, reply.content
    return [json.loads(line) for line in reply.content.splitlines()]


def test_who_proposed_decided_and_ran_what(api):
    shared = share(api, hostUserId="hana")
    ada, bob, eve = (shared.join(user) for user in ("ada", "bob", "eve"))
    api.patch(f"{shared.path}/participants/{bob.id}", {"canApprove": True}, shared.host).expect(200)

    def proposed(text: str, who: Credentials = ada) -> str:
        return shared.prompt(text, who)["id"]

    expected: dict[str, dict[str, Any]] = {}
    with Bridge(api, shared.agent) as bridge:
        edited = proposed("rm -rf everything")
        shared.resolve(edited, who=bob, editedPrompt="ls", reason="safer")
        dispatch = bridge.take()
        assert dispatch["prompt"] == "ls"
        bridge.start(dispatch)
        bridge.complete(dispatch, "max_tokens")
        expected[edited] = {
            "proposed": "rm -rf everything",
            "by": "ada",
            "outcome": "approved",
            "decider": "bob",
            "reason": "safer",
            "edited": "ls",
            "ran": ["started", "completed"],
            "stop": "max_tokens",
        }

        rejected = proposed("no")
        shared.resolve(rejected, "reject", reason="never")
        expected[rejected] = {
            "proposed": "no",
            "by": "ada",
            "outcome": "rejected",
            "decider": "hana",
            "reason": "never",
        }

        withdrawn = proposed("never mind")
        api.post(f"{shared.path}/approvals/{withdrawn}/withdraw", None, ada).expect(200)
        expected[withdrawn] = {"proposed": "never mind", "by": "ada", "outcome": "withdrawn", "decider": "ada"}

        own = proposed("my own", shared.host)
        dispatch = bridge.take()
        bridge.start(dispatch)
        bridge.report(dispatch, "failed", error="out of disk").expect(200)
        expected[own] = {
            "proposed": "my own",
            "by": "hana",
            "outcome": "approved",
            "decider": "hana",
            "ran": ["started", "failed"],
            "error": "out of disk",
        }

        running = proposed("long", shared.host)
        dispatch = bridge.take()
        bridge.start(dispatch)
        taken = proposed("taken back")
        shared.resolve(taken)
        api.delete(f"{shared.path}/queue/{taken}", bob).expect(200)
        expected[taken] = {"proposed": "taken back", "by": "ada", "outcome": "withdrawn", "decider": "bob"}

        api.delete(f"{shared.path}/participants/{eve.id}", shared.host).expect(200)
        api.post(f"{shared.path}/host", {"newHostParticipantId": ada.id}, shared.host).expect(200)
        open_end, waiting = proposed("too late", bob), proposed("queued", ada)
        expected[open_end] = {"proposed": "too late", "by": "bob", "outcome": "expired", "decider": None}
        expected[waiting] = {
            "proposed": "queued",
            "by": "ada",
            "outcome": "approved",
            "decider": "ada",
            "ran": ["failed"],
            "error": "session closed",
        }
        api.delete(shared.path, ada).expect(200)
        # A turn that runs when the session closes is recorded to its end.
        bridge.complete(dispatch, "end_turn")
        expected[running] = {
            "proposed": "long",
            "by": "hana",
            "outcome": "approved",
            "decider": "hana",
            "ran": ["started", "completed"],
            "stop": "end_turn",
        }
    api.delete(f"/api/host-sessions/{shared.agent.id}", shared.agent).expect(200)

    for who in (ada, bob, shared.host):
        audit = Audit(export(api, shared, who))
        assert audit.prompts == expected
    assert audit.removals == [("eve", "hana")]
    assert audit.roles == [
        ("hana", "host"),
        ("ada", "collaborator"),
        ("bob", "collaborator"),
        ("eve", "collaborator"),
        ("bob", "collaborator+"),
        ("hana", "collaborator"),
        ("ada", "host"),
    ]
