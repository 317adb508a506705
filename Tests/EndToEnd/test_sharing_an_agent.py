"""What the README's page "Sharing an agent" says, with the example agent over two nodes."""

from __future__ import annotations

import re

import pytest

from support.client import Credentials
from support.host import Host, run_to_its_end, spoken, updates
from support.nodes import binary
from support.terminal import Terminal
from support.waiting import eventually

EXAMPLE = [binary(), "example-agent", "--fast"]


@pytest.fixture
def share(processes, cluster, tmp_path):
    def share(*options: str) -> Host:
        return Host(processes, cluster.api, EXAMPLE, "--cwd", str(tmp_path), *options)

    return share


def test_it_edits_runs_asks_explains_and_lets_a_secret_slip(share, tmp_path):
    host = share("--files", "--terminals")
    (tmp_path / "greeting.txt").write_text("Hi\n")
    frames = run_to_its_end(host, "explain, tell the secret, change the file, run it, with permission")
    said = spoken(frames)
    assert "[removed: GitHub token], by the way" in said and "exampleexample" not in said
    assert (tmp_path / "greeting.txt").read_text() == "Hi, world\n" and "greeting.txt is changed" in said
    assert "The command has printed: Hello, world" in said
    kinds = [u["sessionUpdate"] for u in updates(frames)]
    assert "agent_thought_chunk" in kinds and "plan" in kinds
    asked = [f.payload["approval"]["toolCall"]["title"] for f in frames if f.type == "permission_requested"]
    assert asked == ["Write greeting.txt", "Edit greeting.txt"]
    assert any(u.get("toolCallId") == "terminal-1" and u.get("status") == "completed" for u in updates(frames))


def test_an_earlier_conversation_is_gone_on_with(share):
    host = share("--load", "last")
    shared = host.shared
    with shared.stream(shared.join(), "earliest") as stream:
        shared.comment("seen", shared.host)
        frames = stream.until("message_created")
    said = [(u["content"]["text"], f.payload.get("replayed")) for f in frames for u in updates([f]) if "content" in u]
    assert said == [
        ("Can the greeting be friendlier?", True),
        ("It can. Shall it name the whole world?", True),
    ]
    assert "friendlier now" in spoken(run_to_its_end(host, "go on"))


def test_the_host_sees_what_viewers_see(share):
    host = share("--viewer-updates", "reduced", "--preview-viewers")
    names = [p["displayName"] for p in eventually(lambda: host.shared.snapshot()["participants"][1:], "the preview")]
    assert names == ["The host's preview"]
    frames = run_to_its_end(host, "explain")
    assert any(u["sessionUpdate"] == "agent_thought_chunk" for u in updates(frames))

    def seen():
        events = [line["event"] for line in host.printed if line["type"] == "viewer_sees"]
        return events if any(e["type"] == "prompt_dispatch_completed" for e in events) else None

    events = [e for e in eventually(seen, "the preview of the turn") if e["type"] == "host_session_update"]
    shown = [e["payload"]["notification"]["params"]["update"]["sessionUpdate"] for e in events]
    assert "agent_message_chunk" in shown and "agent_thought_chunk" not in shown


def test_the_terminal_shows_what_viewers_see(cluster):
    options = [
        "--server",
        cluster.bases[0],
        "--viewer-updates",
        "reduced",
        "--preview-viewers",
        "--mode",
        "prompt_direct",
    ]
    with Terminal([binary(), "host", *options, "--", *EXAMPLE]) as terminal:
        link = re.search(r"/s/([0-9a-f-]+)#invite=(\S+)", terminal.expect("as viewers see it", 60))
        path = f"/api/shared-sessions/{link[1]}"
        body = {"inviteToken": link[2], "userId": "guest"}
        guest = cluster.api.post(f"{path}/join", body).expect(200)["participant"]
        who = Credentials(guest["id"], guest["accessToken"])
        cluster.api.post(f"{path}/prompts", {"prompt": "explain it"}, who).expect(200)
        terminal.expect("greeting is friendlier now", 60)
        assert "so it is extended" in terminal.text and "(thinks)" not in terminal.text
