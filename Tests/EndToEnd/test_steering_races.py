"""What a group does with the agent itself, as races over two nodes: controls, and prompts that interrupt."""

from __future__ import annotations

import asyncio

from support.bridge import Bridge
from support.racers import make, refused, types
from support.scenario import register_host
from support.story import events

#: An agent with two modes.
MODAL = {"modes": {"currentModeId": "ask", "availableModes": [{"id": "ask"}, {"id": "code"}]}}


def test_two_deciders_on_a_control(cluster, rounds):
    async def one(racers):
        agent = await asyncio.to_thread(register_host, cluster.api, agent=MODAL)
        shared, author = await make(cluster, agent=agent)
        bea = await asyncio.to_thread(shared.delegate, "bea")
        control = {"kind": "mode", "id": "mode", "value": "code"}
        status, proposed = await racers.send(0, "POST", f"{shared.path}/controls", control, author)()
        assert status == 200 and proposed["status"] == "pending", proposed
        path = f"{shared.path}/approvals/{proposed['approval']['id']}"
        approve, reject = await racers.race(
            racers.send(0, "POST", path, {"action": "approve"}, shared.host),
            racers.send(1, "POST", path, {"action": "reject"}, bea),
        )
        lost = [refused(answer, 409, "APPROVAL_ALREADY_RESOLVED") for answer in (approve, reject)]
        assert sorted(lost) == [False, True]
        decided = [type for type in types(cluster, shared) if type.endswith(("approved", "rejected"))]
        assert len(decided) == 1
        return decided[0]

    assert rounds(one) == {"prompt_approved", "prompt_rejected"}


def test_a_prompt_that_interrupts_against_the_end_of_the_turn(cluster, rounds):
    """Whoever comes first: the turn ends once, what interrupts runs next, and the end says by whom only if it was stopped."""

    async def one(racers):
        shared, _ = await make(cluster)
        first = await asyncio.to_thread(shared.prompt, "runs")
        await asyncio.to_thread(shared.prompt, "waits")
        with Bridge(cluster.api, shared.agent) as bridge:
            dispatch = await asyncio.to_thread(bridge.take, 30, True)
            await asyncio.to_thread(bridge.start, dispatch)
            ended, steered = await racers.race(
                racers.send(
                    0,
                    "POST",
                    f"{bridge.path}/dispatches/{dispatch['dispatchId']}",
                    {"state": "completed", "attempt": dispatch["attempt"], "stopReason": "end_turn"},
                    shared.agent,
                ),
                racers.send(
                    1, "POST", f"{shared.path}/prompts", {"prompt": "now", "delivery": "interrupt"}, shared.host
                ),
            )
            assert ended[0] == 200 and steered[0] == 200, (ended, steered)
            following = await asyncio.to_thread(bridge.take, 30, True)
        ends = [payload for type, payload in events(cluster, shared) if type == "prompt_dispatch_completed"]
        assert len(ends) == 1 and ends[0]["approvalId"] == first["id"]
        by = ends[0].get("interruptedByApprovalId")
        assert by in (None, steered[1]["approval"]["id"])
        # Behind an end that came first, what waited may have been handed out already.
        if by:
            assert following["prompt"] == "now"
            return "stopped"
        assert following["prompt"] in ("now", "waits")
        return "over"

    assert rounds(one) == {"stopped", "over"}


def test_two_prompts_that_interrupt(cluster, rounds):
    """Both run, one after the other, before what waits; the turn is stopped by one of them."""

    async def one(racers):
        shared, _ = await make(cluster)
        await asyncio.to_thread(shared.prompt, "runs")
        await asyncio.to_thread(shared.prompt, "waits")
        with Bridge(cluster.api, shared.agent) as bridge:
            dispatch = await asyncio.to_thread(bridge.take, 30, True)
            await asyncio.to_thread(bridge.start, dispatch)
            answers = await racers.race(
                *(
                    racers.send(
                        n, "POST", f"{shared.path}/prompts", {"prompt": f"{n}", "delivery": "interrupt"}, shared.host
                    )
                    for n in range(2)
                )
            )
            assert [status for status, _ in answers] == [200, 200], answers
            await asyncio.to_thread(bridge.complete, dispatch)
            ran = []
            for _ in range(3):
                dispatch = await asyncio.to_thread(bridge.take, 30, True)
                ran.append(dispatch["prompt"])
                await asyncio.to_thread(bridge.start, dispatch)
                await asyncio.to_thread(bridge.complete, dispatch)
        seen = events(cluster, shared)
        approved = [
            p["approval"]["prompt"] for t, p in seen if t == "prompt_approved" and "delivery" in p["approval"]
        ]
        ends = [p.get("interruptedByApprovalId") for t, p in seen if t == "prompt_dispatch_completed"]
        ids = {p["approval"]["prompt"]: p["approval"]["id"] for t, p in seen if t == "prompt_approved"}
        assert ends == [ids[approved[0]], None, None, None]
        # The one that was approved last is first.
        assert ran == [*reversed(approved), "waits"]
        return ran[0]

    assert rounds(one) == {"0", "1"}
