"""A whole run: sessions, readers, writers, deciders who race, bridges, a fault among them, and the checker's word."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from support.client import Credentials, HostToken
from support.scenario import Shared, register_host, share, unique
from support.waiting import eventually_async

from .checker import Verdict, Window, check
from .clients import AGAIN, ANSWER, STEPS, Bridge, Reader, World, Writer, ask, now, until_done
from .deployment import Deployment
from .history import Call, History, Outcome, Reading, entry

#: Seconds that everything may take to become whole again once the faults are over.
RECOVERY = 90.0


@dataclass
class Shape:
    """How much load, and of what kind."""

    sessions: int = 4
    #: Streams of each session.
    readers: int = 4
    #: Comments a second, over all sessions; half of the writers use Idempotency-Keys.
    writes: float = 60.0
    #: Writers of each session.
    writers: int = 2
    #: Prompts proposed in each session, one after the other, each decided on by several who race; none without.
    prompts: int = 0
    racers: int = 4
    #: Prompts of one session that are on their way at once.
    at_once: int = 4
    #: The share of prompts at which the bridge dies, spread over all steps.
    deaths: float = 0.0
    seed: int = 1
    #: Only approvals, so that no bridge has to be there.
    approves: Callable[[random.Random], bool] = lambda chance: chance.random() < 0.5


@dataclass
class Room:
    """One session and who is in it."""

    shared: Shared
    guests: list[Credentials]
    deciders: list[Credentials] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.shared.id


class Run:
    """One scenario's run: make it, `play` it, and look at `verdict`, `history` and what the clients counted."""

    def __init__(self, deployment: Deployment, shape: Shape) -> None:
        self.deployment = deployment
        self.shape = shape
        self.history = History()
        self.rooms: list[Room] = []
        self.readers: list[Reader] = []
        self.writers: list[Writer] = []
        self.bridges: list[Bridge] = []
        self.chance = random.Random(shape.seed)
        self.stop = asyncio.Event()
        self.verdict = Verdict()
        #: What faults want to have in the table.
        self.counted: dict[str, Any] = {}
        #: Further sessions that a scenario made, and whose logs count, too.
        self.others: list[str] = []
        self._proposing: list[asyncio.Task[Any]] = []

    def all_decided(self) -> bool:
        """Whether every proposal was made and decided."""
        return all(task.done() for task in self._proposing)

    def open(self) -> None:
        """Sessions with their people; each of a host session of its own, so that prompts run side by side."""
        api = self.deployment.api
        for _ in range(self.shape.sessions):
            shared = share(api, register_host(api))
            guests = [shared.join() for _ in range(max(self.shape.writers, 2))]
            deciders = [shared.host, *(shared.delegate() for _ in range(self.shape.racers - 1))]
            self.rooms.append(Room(shared, guests, deciders if self.shape.prompts else []))

    def play(
        self,
        faults: Callable[[Run], Awaitable[Any]],
        forgiven: Callable[[], list[Window]] = list,
        resets: bool = False,
    ) -> Verdict:
        """Runs the load while `faults` does its harm, until everything is whole again, and checks what was recorded."""
        self.open()
        asyncio.run(self._play(faults))
        self.verdict = check(self.history, forgiven(), resets)
        return self.verdict

    async def _play(self, faults: Callable[[Run], Awaitable[Any]]) -> None:
        timeout = aiohttp.ClientTimeout(total=ANSWER)
        connector = aiohttp.TCPConnector(limit=256)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
            self.world = World(http, self.deployment.bases, self.history)
            reading = self._start_readers()
            await eventually_async(lambda: all(r.connects for r in self.readers), "every stream to be open", RECOVERY)
            bridging = self._start_bridges()
            self.history.began = now()
            self._proposing = self._start_proposers()
            writing = [*self._start_writers(), *self._proposing]
            watched = [*reading, *writing, *bridging]
            try:
                await self._guarded(faults(self), watched)
                await self._guarded(self._recovered(), watched)
                self.history.ended = now()
                self.stop.set()
                await asyncio.wait_for(asyncio.gather(*writing), RECOVERY * 4)
                if bridging:
                    await self._prompts_over()
                await self._cancel(bridging)
                await self._read_to_the_end()
            finally:
                await self._cancel([*reading, *writing, *bridging])

    @staticmethod
    async def _guarded(work: Awaitable[Any], watched: list[asyncio.Task[Any]]) -> None:
        """Waits for `work`; a client that ends with an error ends all of it."""
        doing = asyncio.ensure_future(work)
        while not doing.done():
            await asyncio.wait([doing, *(t for t in watched if not t.done())], return_when="FIRST_COMPLETED")
            for task in watched:
                if task.done() and (problem := task.exception()):
                    doing.cancel()
                    raise problem
        doing.result()

    @staticmethod
    async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
        while going := [task for task in tasks if not task.done()]:
            for task in going:
                task.cancel()
            await asyncio.wait(going, timeout=1)

    # Who takes part

    def _start_readers(self) -> list[asyncio.Task[Any]]:
        for room in self.rooms:
            for number in range(self.shape.readers):
                reading = Reading(room.id, f"reader {number}")
                self.history.readings.append(reading)
                who = room.guests[number % len(room.guests)]
                path = f"{room.shared.path}/stream"
                self.readers.append(Reader(self.world.bases, path, who, len(self.readers), reading))
        return [asyncio.create_task(reader.run()) for reader in self.readers]

    def _start_writers(self) -> list[asyncio.Task[Any]]:
        for room in self.rooms:
            for number in range(self.shape.writers):
                name = unique("w")
                who = room.guests[number]
                self.writers.append(Writer(self.world, room.id, room.shared.path, who, name, number % 2 == 0))
        pause = len(self.writers) / self.shape.writes if self.shape.writes else 0
        return [asyncio.create_task(writer.run(self.stop, pause)) for writer in self.writers]

    def _start_bridges(self) -> list[asyncio.Task[Any]]:
        if not self.shape.prompts:
            return []
        chance = random.Random(self.shape.seed + 1)

        def dies(step: str) -> bool:
            return chance.random() < self.shape.deaths / len(STEPS)

        for room in self.rooms:
            agent = HostToken(room.shared.agent.id, room.shared.agent.token)
            self.bridges.append(Bridge(self.world, agent, unique("b"), dies))
        return [asyncio.create_task(bridge.run()) for bridge in self.bridges]

    def _start_proposers(self) -> list[asyncio.Task[Any]]:
        each = self.shape.prompts
        lanes = min(self.shape.at_once, each)
        return [
            asyncio.create_task(self._propose(room, lane, range(lane, each, lanes)))
            for room in self.rooms
            for lane in range(lanes)
        ]

    async def _propose(self, room: Room, lane: int, numbers: range) -> None:
        name = unique("p")
        for number in numbers:
            text, author = f"{name} {number}", room.guests[(lane + number) % len(room.guests)]

            def make(text: str = text, number: int = number) -> Call:
                return Call(room.id, "prompt", text, f"{name}-{number}", name)

            answer = await until_done(self.world, make, f"{room.shared.path}/prompts", {"prompt": text}, author)
            assert answer is not None, f"{text}: {self.history.calls[-1]}"
            await self._race(room, answer["approval"]["id"])

    async def _race(self, room: Room, approval: str) -> None:
        """All deciders at once, each at another node, until each of them knows that it is decided."""
        path = f"{room.shared.path}/approvals/{approval}"

        async def decide(who: Credentials) -> None:
            decision = "approve" if self.shape.approves(self.chance) else "reject"

            while True:
                call = Call(room.id, "resolve", approval, None, who.id, decision=decision, by=who.id)
                answer = await ask(self.world, call, path, {"action": decision}, who)
                if answer is not None or call.code == "APPROVAL_ALREADY_RESOLVED":
                    return
                assert call.outcome == Outcome.UNKNOWN or call.status in (0, 503), call
                await asyncio.sleep(AGAIN)

        await asyncio.gather(*(decide(who) for who in room.deciders))

    # The end

    async def _recovered(self) -> None:
        """Every writer has had a write acknowledged since the faults ended, and every proposal is decided."""
        before = [writer.acknowledged for writer in self.writers]
        await eventually_async(
            lambda: all(w.acknowledged > b for w, b in zip(self.writers, before, strict=True)),
            "every writer to be acknowledged again",
            RECOVERY,
        )

    async def _prompts_over(self) -> None:
        """Waits until nothing that was approved is still on its way."""

        def waiting() -> int:
            counts = 0
            for room in self.rooms:
                types = [e["type"] for e in self.deployment.topology.stored(room.id)]
                ended = types.count("prompt_dispatch_completed") + types.count("prompt_dispatch_failed")
                counts += types.count("prompt_approved") - ended
            return counts

        await eventually_async(lambda: waiting() == 0, "every approved prompt to end", RECOVERY)

    async def _read_to_the_end(self) -> None:
        """Keeps the logs, once they no longer grow and every reader has reached their ends; and the lists."""

        def whole() -> bool:
            for session in [*(room.id for room in self.rooms), *self.others]:
                self.history.logs[session] = [entry(e) for e in self.deployment.topology.stored(session)]
            ends = {session: log[-1].id for session, log in self.history.logs.items()}
            if not all(reader.cursor == ends[reader.reading.session] for reader in self.readers):
                return False
            for reader in self.readers:
                reader.over = True
            return True

        try:
            await eventually_async(whole, "every reader to have every event", RECOVERY)
        except AssertionError:
            pass  # the checker says more about it
        api = self.deployment.api
        for room in self.rooms:
            self.history.listed[room.id] = await asyncio.to_thread(comments, api, room.shared.path)


def comments(api: Any, path: str) -> list[tuple[str, str]]:
    """All comments of a session as they are listed."""
    found: list[tuple[str, str]] = []
    after: str | None = None
    while True:
        page = api.get(f"{path}/messages", query={"limit": 500} | ({"after": after} if after else {})).expect(200)
        found += [(m["id"], m["text"]) for m in page["messages"] if m["kind"] == "comment"]
        after = page.get("nextCursor")
        if not after:
            return found
