"""Carries each call out on a random node and on the model, and compares: the answer, then the events on all streams."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from support.client import API, Reply
from support.kept_events import set_rule
from support.redis_server import RedisServer
from support.streams import Stream
from support.waiting import eventually

from .calls import Answer, Call, HostSession, Refused, Repeat, Sent, Who
from .cells import Mismatch, Vault, compare, value, without_absent
from .hosting import Model
from .values import Participant, Session, Settings
from .watcher import Watcher

ROOT = "/api/shared-sessions"
HOSTS = "/api/host-sessions"


def how_it_ended(line: dict[str, Any]) -> str | None:
    """How a session or a request of the agent came to its end, where an event says so."""
    return line["payload"].get("status") or line["payload"].get("reason")


class Driver:
    """One run: a fresh host session, its model, and everything that is open."""

    def __init__(
        self,
        bases: list[str],
        settings: Settings,
        host: HostSession,
        api_key: str,
        pick: random.Random,
        redis: RedisServer,
    ) -> None:
        self.redis = redis
        self.api = API(bases)
        self.bases = bases
        self.settings = settings
        self.api_key = api_key
        self.model = Model(settings, host)
        self.vault = Vault()
        self.pick = pick
        self.watchers: list[Watcher] = []
        self.repeatable: list[Sent] = []
        self.bridge: Stream | None = None
        #: The dispatch that the bridge is to be told to stop, by the call under way.
        self.stops: list[str] = []
        self.story: list[str] = []
        #: Codes, statuses and events that came up.
        self.seen: Counter[str | int] = Counter()

    # Calls

    def call(
        self,
        method: str,
        path: str,
        rule: Callable[[Call], Answer],
        body: dict[str, Any] | None = None,
        who: Who | None = None,
        *,
        in_body: bool = False,
        api_key: str | None = None,
        bearer: str | None = None,
        key: str | None = None,
        caller: str | None = None,
    ) -> Answer:
        """One call. `caller` is what a repeat is bound to, when it is not the participant."""
        headers: dict[str, str] = {}
        if who and in_body:
            body = (body or {}) | {"participantId": who.id, "participantToken": who.token}
        elif who:
            headers["Authorization"] = f"Bearer {who.id}.{who.token}"
        elif bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        if api_key and (self.api_key or api_key == "wrong"):
            headers["X-API-Key"] = self.api_key if api_key == "right" else "wrong"
        raw = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        repeat = None
        if key:
            key = f"{key}-{self.model.host.id}".ljust(22, "_")
            headers["Idempotency-Key"] = key
            bound = caller if caller is not None else f"{who.id}.{who.token}" if who else ""
            repeat = Repeat(key, path, bound, raw or b"")
        sent = Sent(method, path, raw, headers, rule, Call(who, api_key, repeat))
        if repeat:
            self.repeatable.append(sent)
        return self.send(sent)

    def send(self, sent: Sent) -> Answer:
        try:
            answer = sent.rule(sent.call)
        except Refused as refused:
            answer = refused.answer
        reply = self.api.request(
            sent.method, sent.path, None, raw=sent.raw, headers=sent.headers, base=self.pick.choice(self.bases)
        )
        self.seen[answer.code or answer.status] += 1
        self.story.append(f"{sent.method} {sent.path} {(sent.raw or b'').decode()} -> {reply.status}")
        self.compare(answer, reply)
        if sent.call.repeat and answer.exact is None and answer.status < 300:
            self.model.keep(sent.call.repeat, reply.status, reply.json)
        self.settle()
        return answer

    def export(
        self, path: str, rule: Callable[[Call], list[dict[str, Any]]], who: Who | None, api_key: str | None
    ) -> None:
        """The whole log as one call."""
        headers = {"Authorization": f"Bearer {who.id}.{who.token}"} if who else {}
        if api_key and (self.api_key or api_key == "wrong"):
            headers["X-API-Key"] = self.api_key if api_key == "right" else "wrong"
        reply = self.api.get(path, headers=headers, base=self.pick.choice(self.bases))
        try:
            expected = rule(Call(who, api_key))
        except Refused as refused:
            return self.compare(refused.answer, reply)
        if reply.status != 200:
            raise Mismatch(f"{path}: {reply.status} {reply.content!r}, not an export")
        compare(expected, [json.loads(line) for line in reply.content.splitlines()], self.vault, path)

    def compare(self, answer: Answer, reply: Reply) -> None:
        about = f"{reply.method} {reply.path}"
        if reply.status != answer.status or (answer.code and reply.json["code"] != answer.code):
            expected = f"{answer.status} {answer.code or ''}"
            raise Mismatch(f"{about}: {reply.status} {reply.content.decode()}, not {expected}")
        if answer.code:
            missing = [text for text in answer.mentions if text not in reply.json["error"]]
            if missing:
                raise Mismatch(f"{about}: {reply.json['error']!r} does not name {missing}")
        elif answer.exact is not None:
            if reply.json != answer.exact:
                raise Mismatch(f"{about}: {reply.json}, not the first answer {answer.exact}")
        else:
            compare(answer.body, reply.json, self.vault, about)

    # Events

    def settle(self) -> None:
        """Everything the last step has set off: events on every stream, and what the bridge is handed."""
        self.watch()
        if self.stops:
            self.expect_cancel(self.stops.pop())
        self.hear()
        self.hand_out()
        self.vault.check_distances()

    def open(self, s: Session, p: Participant, base: str) -> None:
        """A stream of a participant, from the beginning; returns when the participant is online."""
        who = Who(value(p.id), value(p.tokens[-1]))
        headers = {"Authorization": f"Bearer {who.id}.{who.token}", "Last-Event-ID": "earliest"}
        stream = Stream(base, f"{ROOT}/{value(s.id)}/stream", headers=headers, tells_positions=True)
        first = stream.next()
        assert (first.type, first.id, first.payload["participantId"]) == ("connected", None, who.id), first
        self.watchers.append(Watcher(stream, s, p, len(s.events), p.role, s.viewer_updates))
        p.online = True

        def is_online() -> bool:
            key = {"X-API-Key": self.api_key} if self.api_key else {}
            reply = self.api.get(f"{ROOT}/{value(s.id)}/participants", headers=key)
            return next(q["online"] for q in reply.expect(200)["participants"] if q["id"] == p.id.value)

        eventually(is_online, "the participant to be online")

    def watch(self) -> None:
        for watcher in self.watchers:
            if watcher.ended:
                continue
            for event in watcher.session.events[watcher.seen :]:
                expected = watcher.session.envelope(event, watcher.sees_less)
                watcher.passed(event)
                if expected is None:
                    continue
                frame = watcher.stream.next()
                about = f"event {watcher.seen} of {watcher.session.id}"
                compare(expected, frame.event, self.vault, about)
                event.entry.bind(frame.id, self.vault, about)
                # Whoever leaves hears no more, also when the session ends with them.
                over = event.type == "session_closed" or (
                    event.type == "participant_left" and event.payload["participant"]["id"] is watcher.participant.id
                )
                if over:
                    rest = watcher.stream.wait_end()
                    if rest:
                        raise Mismatch(f"{about} should be the stream's last, but there came {rest}")
                    watcher.ended = True
                    break

    # Lifetimes

    def run_out(self, s: Session) -> None:
        """Moves a session's end to just now, and the moment at which a sweeper is to look at it."""
        seconds, micros = self.redis.client.time()
        set_rule(self.redis.client, value(s.id), 2, seconds * 1000 + micros // 1000 - 1)
        for bucket in range(16):
            self.redis.client.zadd(f"tandem:index:deadlines:{bucket}", {value(s.id): 0}, xx=True)
        self.story.append(f"the time of {value(s.id)} is over")
        self.model.run_out(s)

    def check_keys(self, s: Session) -> None:
        """All keys of a session go in the same moment."""
        client = self.redis.client
        names = list(client.scan_iter(match=f"tandem:{{{value(s.id)}}}*", count=10_000))
        ends = {name: client.execute_command("PEXPIRETIME", name) for name in names}
        purge = int(client.hget(f"tandem:{{{value(s.id)}}}", "state").split(" ")[3])
        if set(ends.values()) != {purge}:
            raise Mismatch(f"the keys of {s.id} should go at {purge}: {ends}")

    # The bridge

    def attach(self, name: str) -> None:
        before, model = self.bridge, self.model
        path = f"{HOSTS}/{model.host.id}/dispatches"
        model.attach(name)
        headers = {"Authorization": f"Bearer {model.host.token}"}
        self.bridge = Stream(self.pick.choice(self.bases), path, headers=headers, query={"bridgeId": name})
        first = self.bridge.next()
        assert (first.type, first.payload) == ("attached", {"fence": model.host.fence}), first
        self.story.append(f"{name} attaches")
        if before:
            rest = before.wait_end()
            if rest:
                raise Mismatch(f"the older bridge was sent {rest}")
        self.watch()
        self.hand_out(again=True)
        if model.host.running and model.host.running[1].cancelled and model.host.running[1].dispatch.state == "started":
            self.expect_cancel(value(model.host.running[1].dispatch.id))
        self.settle()

    def hand_out(self, again: bool = False) -> None:
        if expected := self.model.hand_out(again):
            assert self.bridge
            frame = self.bridge.next()
            if frame.type != "dispatch":
                raise Mismatch(f"a dispatch was due, not {frame}")
            compare(expected, frame.payload, self.vault, "dispatch")
            # What was told to stop before it began is to be stopped wherever it is begun.
            if self.model.host.running[1].cancelled:
                self.expect_cancel(frame.payload["dispatchId"])

    def hear(self) -> None:
        """What has become of the agent's requests, on the attached bridge."""
        for a in self.model.host.heard:
            assert self.bridge
            frame = self.bridge.next()
            if frame.type != "permission":
                raise Mismatch(f"an answer to the agent was due, not {frame}")
            expected = without_absent(
                approvalId=a.id,
                dispatchId=a.turn.dispatch.id,
                status=a.status,
                optionId=a.option,
                reason=a.reason,
                resolvedByName=a.resolver.called if a.resolver else None,
            )
            compare(expected, frame.payload, self.vault, "permission")
        self.model.host.heard.clear()

    def expect_cancel(self, dispatch: str) -> None:
        assert self.bridge
        frame = self.bridge.next()
        if (frame.type, frame.payload) != ("cancel", {"dispatchId": dispatch}):
            raise Mismatch(f"the bridge was to cancel {dispatch}, not {frame}")

    # The end

    def finish(self) -> None:
        """What holds at the end of every run: the logs are complete and contiguous, and nothing was sent beside."""
        for s in self.model.sessions:
            headers = {"Authorization": f"Bearer {value(s.host.id)}.{value(s.host.tokens[-1])}"}
            reply = self.api.get(f"{ROOT}/{value(s.id)}/export", headers=headers)
            lines = [json.loads(line) for line in reply.content.splitlines()]
            compare([s.envelope(e, False) for e in s.events], lines, self.vault, f"export of {s.id}")
            self.seen.update(line["type"] for line in lines)
            self.seen.update(f"{line['type']} {how}" for line in lines if (how := how_it_ended(line)))
            times = [line["timestamp"] for line in lines]
            assert times == sorted(times), times
            self.check_keys(s)
        for stream in [w.stream for w in self.watchers] + ([self.bridge] if self.bridge else []):
            if stream.unread:
                raise Mismatch(f"{stream.path}: nothing has happened, but there came {stream.unread}")

    def close(self) -> None:
        for stream in [w.stream for w in self.watchers] + ([self.bridge] if self.bridge else []):
            stream.close()
