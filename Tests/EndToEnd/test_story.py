"""The events of a session tell its whole story: applied one by one they give what the snapshot shows.

Many people do anything they may (and may not) at random over two nodes; the seed is fixed, the interleaving is not.
"""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from support import shapes
from support.bridge import Bridge
from support.client import Credentials
from support.scenario import share, unique
from support.sse import Frame
from support.waiting import eventually

ACTORS = 6
STEPS = 60


class Story:
    """A client's model of a session, made from events alone."""

    def __init__(self) -> None:
        self.session: dict[str, Any] = {}
        self.participants: dict[str, dict[str, Any]] = {}
        self.approvals: dict[str, dict[str, Any]] = {}
        self.messages: list[dict[str, Any]] = []

    def apply(self, frame: Frame) -> None:
        payload = frame.payload
        assert frame.event["sharedSessionId"] == self.session.get("id", frame.event["sharedSessionId"])
        match frame.type:
            case "shared_session_created" | "session_updated":
                self.session = shapes.session(payload["session"])
            case "participant_joined" | "participant_left" | "participant_updated":
                self._participant(payload["participant"])
            case "message_created":
                assert payload["message"]["participantId"] == payload["participant"]["id"]
                self.messages.append(shapes.message(payload["message"]))
            case "prompt_pending_approval":
                approval = self._approval(payload)
                prompt = {"kind": "prompt", "text": approval["prompt"], "approvalId": approval["id"]}
                self.messages.append(prompt)
            case "prompt_approved" | "prompt_rejected" | "prompt_withdrawn":
                self._approval(payload)
            case "prompt_dispatch_started":
                dispatch = self.approvals[payload["approvalId"]]["dispatch"]
                assert dispatch["state"] == "queued"
                dispatch |= {"state": "started", "attempt": payload["attempt"]}
            case "prompt_dispatch_completed":
                dispatch = self.approvals[payload["approvalId"]]["dispatch"]
                assert dispatch["state"] == "started"
                dispatch |= {"state": "completed", "stopReason": payload["stopReason"]}
            case "prompt_dispatch_failed":
                approval = self.approvals[payload["approvalId"]]
                assert approval["dispatch"]["state"] == "started"
                approval["dispatch"]["state"] = "failed"
                approval |= {"status": "failed", "errorMessage": payload["error"]}
            case "host_online" | "host_offline" | "connected":
                pass
            case other:
                raise AssertionError(f"an event nobody caused: {other}")

    def _participant(self, participant: dict[str, Any]) -> None:
        known = self.participants.get(participant["id"])
        assert known is None or "leftAt" not in known, "an event about somebody who has left"
        self.participants[participant["id"]] = shapes.participant(participant)

    def _approval(self, payload: dict[str, Any]) -> dict[str, Any]:
        approval = shapes.approval(payload["approval"])
        known = self.approvals.get(approval["id"])
        assert known is None or known["status"] == "pending", "resolved twice"
        self.approvals[approval["id"]] = approval
        return approval


class Actor(threading.Thread):
    """Somebody who does anything, and knows what answers that may have."""

    def __init__(self, shared, seed: int, problems: list[BaseException]) -> None:
        super().__init__(daemon=True)
        self.shared = shared
        self.chance = random.Random(seed)
        self.problems = problems
        self.user = unique("actor")
        self.me: Credentials | None = None

    def run(self) -> None:
        try:
            for _ in range(STEPS):
                self._step()
        except BaseException as problem:  # noqa: BLE001 - shown by the test
            self.problems.append(problem)

    def _step(self) -> None:
        if self.me is None:
            self.me = self.shared.join(self.user, self.chance.choice(["collaborator", "collaborator", "viewer"]))
            return
        action = self.chance.choices(
            [self._comment, self._prompt, self._decide, self._withdraw, self._leave, self._govern],
            weights=[30, 25, 25, 6, 4, 6],
        )[0]
        action()

    def _post(self, path: str, body: Any, who: Credentials, *allowed: str) -> None:
        reply = self.shared.api.post(f"{self.shared.path}{path}", body, who)
        assert reply.status == 200 or reply.json["code"] in allowed, (path, reply.content)
        if reply.status != 200 and reply.json["code"] == "PARTICIPANT_INACTIVE":
            self.me = None  # removed by the host

    def _comment(self) -> None:
        self._post("/messages", {"text": unique("c")}, self.me, "COMMENT_NOT_ALLOWED", "PARTICIPANT_INACTIVE")

    def _prompt(self) -> None:
        self._post("/prompts", {"prompt": unique("p")}, self.me, "PROMPT_NOT_ALLOWED", "PARTICIPANT_INACTIVE")

    def _some_approval(self) -> str | None:
        approvals = self.shared.snapshot()["approvals"]
        pending = [a["id"] for a in approvals if a["status"] == "pending"] or [a["id"] for a in approvals]
        return self.chance.choice(pending) if pending else None

    def _decide(self) -> None:
        if approval := self._some_approval():
            action = self.chance.choice(["approve", "approve", "reject"])
            self._post(f"/approvals/{approval}", {"action": action}, self.shared.host, "APPROVAL_ALREADY_RESOLVED")

    def _withdraw(self) -> None:
        if approval := self._some_approval():
            path = f"/approvals/{approval}/withdraw"
            self._post(path, {}, self.me, "AUTHOR_REQUIRED", "APPROVAL_ALREADY_RESOLVED", "PARTICIPANT_INACTIVE")

    def _leave(self) -> None:
        self._post("/leave", {}, self.me, "PARTICIPANT_INACTIVE")
        self.me = None

    def _govern(self) -> None:
        api, path, host = self.shared.api, self.shared.path, self.shared.host
        match self.chance.randrange(3):
            case 0:
                mode = self.chance.choice(["prompt_with_approval", "prompt_direct", "comment_only", "view_only"])
                api.patch(path, {"mode": mode}, host).expect(200)
            case 1:
                others = [p["id"] for p in self.shared.snapshot()["participants"] if p["role"] != "host"]
                role = self.chance.choice(["viewer", "collaborator"])
                reply = api.patch(f"{path}/participants/{self.chance.choice(others)}", {"role": role}, host)
                assert reply.status == 200 or reply.json["code"] == "PARTICIPANT_INACTIVE", reply.content
            case 2:
                others = [p["id"] for p in self.shared.snapshot()["participants"] if p["role"] != "host"]
                reply = api.delete(f"{path}/participants/{self.chance.choice(others)}", host)
                assert reply.status == 200 or reply.json["code"] == "PARTICIPANT_INACTIVE", reply.content


def run_dispatches(bridge: Bridge, seed: int) -> None:
    """Takes what comes until the attachment is closed; every fifth turn fails."""
    chance = random.Random(seed)
    try:
        while True:
            dispatch = bridge.take(60)
            bridge.start(dispatch)
            if chance.random() < 0.2:
                bridge.report(dispatch, "failed", error="it did not work").expect(200)
            else:
                bridge.complete(dispatch)
    except AssertionError:
        if bridge.stream.is_open:
            raise


def steady(value: dict[str, Any], *changing: str) -> dict[str, Any]:
    return {name: inner for name, inner in value.items() if name not in changing}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_events_applied_one_by_one_give_the_snapshot(cluster, seed):
    shared = share(cluster.api)
    streams = [shared.stream(since="earliest", base=base) for base in cluster.bases]
    problems: list[BaseException] = []
    bridge = Bridge(cluster.api, shared.agent)
    running = threading.Thread(target=run_dispatches, args=(bridge, seed), daemon=True)
    running.start()
    actors = [Actor(shared, seed * 100 + n, problems) for n in range(ACTORS)]
    for actor in actors:
        actor.start()
    for actor in actors:
        actor.join(120)
    assert problems == [] and not any(actor.is_alive() for actor in actors)

    def settled() -> bool:
        dispatches = [a["dispatch"]["state"] for a in shared.snapshot()["approvals"] if "dispatch" in a]
        return not any(state in ("queued", "started") for state in dispatches)

    eventually(settled, "every dispatch to end", 60)
    snapshot = shared.snapshot()
    for stream in streams:
        story = Story()
        while stream.frames[-1].id != snapshot["cursor"]:
            stream.wait_for(lambda stream=stream: snapshot["cursor"] in stream.ids, "the snapshot's cursor")
        for frame in stream.frames:
            if frame.type not in ("participant_online", "participant_offline"):
                story.apply(frame)
        assert story.session == snapshot["session"]
        assert [steady(p, "online") for p in story.participants.values()] == [
            steady(p, "online") for p in snapshot["participants"]
        ]
        told = {a["id"]: a for a in story.approvals.values()}
        assert [a["id"] for a in snapshot["approvals"]] == list(told)[::-1]
        for approval in snapshot["approvals"]:
            assert steady(approval, "dispatch") == steady(told[approval["id"]], "dispatch")
            dispatch = steady(approval.get("dispatch", {}), "startedAt", "endedAt")
            assert dispatch == steady(told[approval["id"]].get("dispatch", {}), "startedAt", "endedAt")
        kept = shared.api.get(f"{shared.path}/messages", query={"limit": 500}).expect(200)["messages"]
        assert [(m["kind"], m["text"], m.get("approvalId")) for m in kept] == [
            (m["kind"], m["text"], m.get("approvalId")) for m in story.messages
        ]
        stream.close()
    bridge.crash()
    running.join(30)
