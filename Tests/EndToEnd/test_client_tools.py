"""What the bridge does for an agent: files inside the working directory, and commands that end with their turn."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from support.host import Host, run_to_its_end, spoken, updates
from support.waiting import eventually

AGENT = [sys.executable, str(Path(__file__).parent / "agents" / "tool_agent.py")]


@pytest.fixture
def place(tmp_path) -> Path:
    (tmp_path / "outside").write_text("not yours")
    place = tmp_path / "project"
    place.mkdir()
    (place / "notes.txt").write_text("first\nsecond\n")
    return place


@pytest.fixture
def share(processes, cluster, place):
    def share(*options: str) -> Host:
        return Host(processes, cluster.api, AGENT, "--cwd", str(place), *options)

    return share


@pytest.mark.parametrize(
    ("options", "offered"),
    [
        ((), "False False False"),
        (("--files",), "True True False"),
        (("--files", "allow"), "True True False"),
        (("--terminals",), "False False True"),
    ],
)
def test_only_what_the_host_wants_is_offered(share, options, offered):
    host = share(*options)
    assert spoken(run_to_its_end(host, "offered")) == offered
    if not options:
        assert "error -32601" in spoken(run_to_its_end(host, "read /etc/hostname"))


def test_each_write_is_asked_for_with_all_that_is_written(share, place):
    host = share("--files")
    assert spoken(run_to_its_end(host, f"read {place}/notes.txt")) == "first\nsecond\n"
    frames = run_to_its_end(host, f"write {place}/notes.txt changed", "reject")
    asked = next(f.payload["approval"] for f in frames if f.type == "permission_requested")
    assert asked["toolCall"]["content"] == [
        {"type": "diff", "path": f"{place}/notes.txt", "oldText": "first\nsecond\n", "newText": "changed"}
    ]
    assert "does not allow" in spoken(frames) and (place / "notes.txt").read_text() == "first\nsecond\n"
    assert spoken(run_to_its_end(host, f"write {place}/notes.txt changed", "allow")) == "written"
    assert (place / "notes.txt").read_text() == "changed"


def test_a_write_that_is_cancelled_does_not_happen(share, place):
    host = share("--files")
    shared = host.shared
    with shared.stream(shared.host) as stream:
        shared.prompt(f"write {place}/new.txt text", shared.host)
        stream.until("permission_requested", 60)
        host.api.post(f"{shared.path}/cancel", None, shared.host).expect(202)
        stream.until("prompt_dispatch_completed", 60)
    assert not (place / "new.txt").exists()


def test_no_way_leads_out(share, place):
    host = share("--files", "allow")
    (place / "link").symlink_to(place.parent)
    (place / "file").symlink_to(place.parent / "outside")
    for path in (f"{place.parent}/outside", f"{place}/../outside", f"{place}/link/outside", f"{place}/file"):
        assert "error -32602" in spoken(run_to_its_end(host, f"read {path}")), path
        assert "error -32602" in spoken(run_to_its_end(host, f"write {path} mine")), path
    assert (place.parent / "outside").read_text() == "not yours"
    assert spoken(run_to_its_end(host, f"write {place}/deep/er/new.txt made")) == "written"
    assert (place / "deep/er/new.txt").read_text() == "made"
    assert "error -32002" in spoken(run_to_its_end(host, f"read {place}/missing"))


def test_what_a_command_prints_is_seen_by_everybody(share):
    host = share("--terminals")
    frames = run_to_its_end(host, "run echo hello; pwd; exit 4")
    assert spoken(frames).startswith("4: hello\n")
    parts = [u for u in updates(frames) if u.get("toolCallId") == "terminal-1"]
    assert parts[0]["sessionUpdate"] == "tool_call" and parts[0]["kind"] == "execute"
    assert parts[-1]["status"] == "failed" and "hello" in parts[-1]["content"][0]["content"]["text"]


def test_a_command_that_prints_without_end_is_bounded_and_ends_with_the_turn(share, place):
    host = share("--terminals", "--terminal-bytes", "64KiB")
    frames = run_to_its_end(host, f"leave echo $$ > {place}/pid; exec yes")
    # It may not have come so far as to write its number.
    if (place / "pid").exists() and (pid := (place / "pid").read_text().strip()):
        eventually(lambda: not os.path.exists(f"/proc/{pid}"), "the command to end")
    parts = [u for u in updates(frames) if u.get("toolCallId") == "terminal-1"]
    assert parts[-1]["status"] == "failed" and len(frames) < 200
    frames = run_to_its_end(host, "run yes | head -c 10000000")
    assert len(spoken(frames)) < 70_000
    shown = [u for u in updates(frames) if u.get("toolCallId") == "terminal-2" and "content" in u]
    assert all(len(u["content"][0]["content"]["text"]) < 5_000 for u in shown)


def test_a_host_that_ends_leaves_no_command(share, place):
    host = share("--terminals")
    shared = host.shared
    with shared.stream(shared.host):
        shared.prompt(f"run echo $$ > {place}/pid; sleep 600", shared.host)
        eventually(lambda: (place / "pid").exists() and (place / "pid").read_text(), "the command")
        pid = int((place / "pid").read_text())
        assert host.process.terminate() == 0
    eventually(lambda: not os.path.exists(f"/proc/{pid}"), "the command to end")
