"""Clients that record what they asked, what they were told and what they saw."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import aiohttp

from support import load
from support.client import Credentials, HostToken
from support.sse import Frame

from .history import Call, Event, History, Outcome, Reading, Reset, Run, digest

#: Seconds that a client waits for an answer before it goes on without.
ANSWER = 8.0
#: Seconds of silence after which a reader connects anew; heartbeats come every second.
SILENCE = 5.0
#: Seconds before a client tries again.
AGAIN = 0.05
#: Refusals that say that nothing was done and that a client may try again.
PASSING = {503, 429}

#: What a client sees of a node, or of the way to it, that breaks.
GONE = (*load.NODE_GONE, aiohttp.ClientError)

now = time.monotonic


@dataclass
class World:
    """What all clients of one run share."""

    http: aiohttp.ClientSession
    bases: list[str]
    history: History
    _turn: int = 0

    def next_base(self) -> str:
        self._turn += 1
        return self.bases[self._turn % len(self.bases)]


async def ask(world: World, call: Call, path: str, body: Any, who: Credentials | HostToken | None) -> Any:
    """Makes one call at the next node and records it; the answer's body when it was done."""
    call.invoked = now()
    world.history.calls.append(call)
    headers = (dict(who.header) if who else {}) | ({"Idempotency-Key": call.key} if call.key else {})
    try:
        async with world.http.post(world.next_base() + path, json=body, headers=headers) as reply:
            content = await reply.read()
            call.status = reply.status
            parsed = json.loads(content) if reply.content_type == "application/json" else {}
    except aiohttp.ClientConnectorError:
        call.outcome = Outcome.FAILED
        parsed = {}
    except GONE:
        parsed = {}
    else:
        call.code = parsed.get("code")
        if call.status < 300:
            call.outcome = Outcome.OK
            call.answer = digest(content)
            made = parsed.get("message") or parsed.get("approval") or parsed.get("participant") or {}
            call.made = made.get("id")
        elif call.code and call.status != 504:
            call.outcome = Outcome.FAILED
    call.returned = now()
    return parsed if call.outcome == Outcome.OK else None


async def until_done(world: World, make: Any, path: str, body: Any, who: Credentials | HostToken | None) -> Any:
    """Repeats a call with its key until it is answered for good: its body, or none for a refusal."""
    while True:
        call = make()
        answer = await ask(world, call, path, body, who)
        if answer is not None:
            return answer
        if call.outcome == Outcome.FAILED and call.status not in (0, *PASSING):
            return None
        await asyncio.sleep(AGAIN)


class Reader(load.Follower):
    """Follows one session's stream over all nodes and keeps ids and digests."""

    patience = ANSWER
    silence = SILENCE

    def __init__(self, bases: list[str], path: str, who: Credentials, start: int, reading: Reading) -> None:
        super().__init__(bases, path, who, start)
        self.reading = reading
        #: Set once the log is read: what comes later is not part of the history.
        self.over = False
        self._cursor = "earliest"

    @property
    def cursor(self) -> str:
        return self._cursor

    def take(self, frame: Frame) -> None:
        if self.over:
            return
        self.reading.connects = self.connects
        if frame.type == "stream_reset":
            self._cursor = frame.payload.get("cursor") or self._cursor
            self.reading.seen.append(Reset(frame.payload.get("cursor"), now()))
        elif frame.id:
            self._cursor = frame.id
            self.reading.seen.append(Event(frame.id, digest(frame.data), now()))


class Writer:
    """Comments one after the other. With `keyed` each is repeated with its key until acknowledged, else tried once."""

    def __init__(self, world: World, session: str, path: str, who: Credentials, name: str, keyed: bool) -> None:
        self.world = world
        self.session = session
        self.path = path
        self.who = who
        self.name = name
        self.keyed = keyed
        self.acknowledged = 0
        #: Codes of refusals that no fault explains.
        self.refused: list[str] = []

    async def run(self, stop: asyncio.Event, pause: float) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            await self.write(f"{self.name} {number}", f"{self.name}-{number}" if self.keyed else None, stop)
            await asyncio.sleep(pause)

    async def write(self, text: str, key: str | None, stop: asyncio.Event) -> None:
        while True:
            call = Call(self.session, "message", text, key, self.name)
            if await ask(self.world, call, f"{self.path}/messages", {"text": text}, self.who) is not None:
                self.acknowledged += 1
                return
            if call.outcome == Outcome.FAILED and call.status not in (0, *PASSING):
                self.refused.append(f"{call.status} {call.code}")
            await asyncio.sleep(AGAIN)
            if not key or stop.is_set():
                return


#: The moments at which a bridge can die, in their order.
STEPS = ["taken", "start sent", "started", "end sent", "ended"]


class BridgeDied(Exception):
    """As if the bridge's process had been killed."""


class Bridge:
    """A host's bridge that runs what it is given, and dies where `dies(step)` says so; the next one then takes over."""

    def __init__(self, world: World, agent: HostToken, name: str, dies: Any = lambda _: False) -> None:
        self.world = world
        self.agent = agent
        self.name = name
        self.dies = dies
        self.path = f"/api/host-sessions/{agent.id}"
        #: How often a bridge died, by step.
        self.deaths: dict[str, int] = {}
        self.ran = 0

    async def run(self) -> None:
        """Until cancelled."""
        life = 0
        while True:
            life += 1
            try:
                await self._live(f"{self.name}-{life}")
            except BridgeDied as died:
                step = str(died)
                self.deaths[step] = self.deaths.get(step, 0) + 1

    async def _live(self, name: str) -> None:
        """One process: attaches again and again under one name."""
        while True:
            try:
                told = load.frames(
                    self.world.next_base(),
                    f"{self.path}/dispatches?bridgeId={name}",
                    self.agent.header,
                    ANSWER,
                    SILENCE,
                )
                async with aclosing(told):
                    async for frame in told:
                        if frame is not None and frame.type == "dispatch":
                            await self._dispatch(frame.payload, name)
            except GONE:
                await asyncio.sleep(AGAIN)

    async def _dispatch(self, dispatch: dict[str, Any], name: str) -> None:
        report = f"{self.path}/dispatches/{dispatch['dispatchId']}"
        session, approval = dispatch["sharedSessionId"], dispatch["approvalId"]
        if self.dies("taken"):
            raise BridgeDied("taken")
        started = {"state": "started", "attempt": dispatch["attempt"]}
        if self.dies("start sent"):
            await self._send_and_die("start sent", report, started)
        if not await self._report(report, started):
            return
        run = Run(session, approval, name, now())
        self.world.history.runs.append(run)
        self.ran += 1
        if self.dies("started"):
            raise BridgeDied("started")
        ended = {"state": "completed", "attempt": dispatch["attempt"], "stopReason": "end_turn"}
        if self.dies("end sent"):
            run.unsure = True
            await self._send_and_die("end sent", report, ended)
        run.unsure = True  # until it is answered
        if await self._report(report, ended):
            run.reported, run.unsure = "completed", False
        if self.dies("ended"):
            raise BridgeDied("ended")

    async def _report(self, path: str, body: dict[str, Any]) -> bool:
        """Repeats a report until it is answered; whether it was accepted."""
        while True:
            try:
                url = self.world.next_base() + path
                async with self.world.http.post(url, json=body, headers=self.agent.header) as reply:
                    await reply.read()
                    if reply.status == 200:
                        return True
                    if reply.status in (404, 409):
                        return False
            except GONE:
                pass
            await asyncio.sleep(AGAIN)

    async def _send_and_die(self, step: str, path: str, body: dict[str, Any]) -> None:
        """Sends a report and is gone before the answer: whether it arrived nobody knows."""
        sending = asyncio.create_task(self._report(path, body))
        await asyncio.sleep(0.002)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        raise BridgeDied(step)
