"""The bridge around an agent that behaves as badly as real ones: nothing of a turn is lost, reordered or changed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agents.rude_agent import FLOOD, LARGE
from support.host import Host, spoken, updates

AGENT = [sys.executable, str(Path(__file__).parent / "agents" / "rude_agent.py")]


@pytest.fixture
def run(processes, cluster):
    host = Host(processes, cluster.api, AGENT)
    shared = host.shared
    guest = shared.join()

    def run(text):
        with shared.stream() as stream:
            shared.resolve(shared.prompt(text, guest)["id"])
            frames = []
            while not frames or not frames[-1].type.startswith(("prompt_dispatch_completed", "prompt_dispatch_failed")):
                frames.append(stream.next(60))
        assert frames[-1].payload.get("stopReason") == "end_turn", frames[-1]
        return frames

    return run


def test_noise_is_skipped_and_unknown_updates_are_forwarded_untouched(run):
    frames = run("noise")
    assert spoken(frames) == "after the noise"
    unknown = [f for f in frames if f.type == "host_session_update" and '"never_heard_of"' in f.data]
    assert len(unknown) == 1 and "12345678901234567890" in unknown[0].data
    assert not [u for u in updates(frames) if "to" in u]


def test_requests_nobody_advertised_are_answered_as_errors_with_their_own_ids(run):
    assert spoken(run("requests")) == "0: -32601; a string: -32601; None: -32601; 7: -32601; file: -32601; "


def test_a_flood_of_chunks_arrives_whole_in_order_and_coalesced(run):
    frames = run("flood")
    assert spoken(frames) == "".join(f"{number} " for number in range(FLOOD))
    parts = updates(frames)
    said = ""
    for part in parts:
        if part["sessionUpdate"] == "agent_message_chunk":
            said += part["content"]["text"]
        elif part["sessionUpdate"] == "tool_call":
            number = int(part["title"].removeprefix("after "))
            assert said == "".join(f"{n} " for n in range(number + 1)), "text never passes another update"
    chunks = [p for p in parts if p["sessionUpdate"] == "agent_message_chunk"]
    assert len(chunks) < FLOOD / 4, f"{len(chunks)} events for {FLOOD} adjacent chunks"


def test_large_updates_arrive(run):
    frames = run("large")
    assert spoken(frames) == "é" * (LARGE // 2) + "after the large ones"
    large = [u for u in updates(frames) if u["sessionUpdate"] == "tool_call"]
    assert [len(u["rawOutput"]["text"]) for u in large] == [LARGE]


def test_turn_after_turn(run):
    for _ in range(5):
        assert spoken(run("noise")) == "after the noise"
