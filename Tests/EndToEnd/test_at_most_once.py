"""Bridges that crash at every point of many prompts: none runs twice, none is lost without a word."""

from __future__ import annotations

import os
import random

from support.bridge import Bridge
from support.scenario import register_host, share
from support.waiting import Deadline

PROMPTS = int(os.environ.get("TANDEM_E2E_CRASH_PROMPTS", "120"))
#: Fixed, so that a failure can be seen again.
SEED = 20251


def test_no_prompt_runs_twice_and_each_ends(make_cluster):
    cluster = make_cluster(2, TANDEM_DISPATCH_LEASE="1s")
    api = cluster.api
    chance = random.Random(SEED)
    agent = register_host(api)
    sessions = [share(api, agent) for _ in range(2)]
    guests = {s.id: s.join() for s in sessions}
    for n in range(PROMPTS):
        shared = sessions[n % 2]
        shared.resolve(shared.prompt(f"{n}", guests[shared.id])["id"])

    executed: list[str] = []  # what an agent would really have run: granted a start
    lost: set[str] = set()  # started, then the bridge crashed without a report
    reported: dict[str, str] = {}
    deadline = Deadline(150)
    bridge = Bridge(api, agent)
    while len(reported) + len(lost) < PROMPTS:
        assert not deadline.passed, f"{len(reported)} reported, {len(lost)} lost of {PROMPTS}"
        dispatch = bridge.take()
        fate = chance.random()
        if fate < 0.10:  # dies before it says started: must be delivered again
            bridge.crash()
            bridge = Bridge(api, agent)
            continue
        started = bridge.report(dispatch, "started")
        if started.status == 409:
            continue
        started.expect(200)
        executed.append(dispatch["approvalId"])
        if fate < 0.18:  # dies while the agent runs
            lost.add(dispatch["approvalId"])
            bridge.crash()
            bridge = Bridge(api, agent)
            continue
        end = "completed" if fate < 0.9 else "failed"
        bridge.report(dispatch, end, **({"error": "broke"} if end == "failed" else {"stopReason": "end_turn"})).expect(
            200
        )
        reported[dispatch["approvalId"]] = end
        if fate < 0.25:  # dies right after its report
            bridge.crash()
            bridge = Bridge(api, agent)
    bridge.crash()

    assert len(executed) == len(set(executed)) == PROMPTS, "a prompt ran twice, or not at all"
    assert lost and set(reported.values()) == {"completed", "failed"}, "the seed exercises every fate"
    with sessions[0].stream(since="earliest") as one, sessions[1].stream(since="earliest") as two:
        for stream in (one, two):
            ended: dict[str, str] = {}
            while len(ended) < PROMPTS // 2:
                frame = stream.next(30)
                if frame.type in ("prompt_dispatch_completed", "prompt_dispatch_failed"):
                    about = frame.payload["approvalId"]
                    assert about not in ended, "a second end of one prompt"
                    ended[about] = frame.type.removeprefix("prompt_dispatch_")
            for about, end in ended.items():
                assert end == reported.get(about, "failed")
                assert about in reported or about in lost
