"""Sharing what is already there: an agent's earlier conversations are listed, gone on with and shown as history."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from support.host import Host, spoken, updates
from support.nodes import binary
from support.processes import clean_environment
from support.waiting import eventually

AGENT = Path(__file__).parent / "agents" / "remembering_agent.py"


@pytest.fixture
def store(tmp_path) -> Path:
    return tmp_path / "conversations"


@pytest.fixture
def share(processes, cluster, store, tmp_path):
    def share(*options: str, words: tuple[str, ...] = ()) -> Host:
        agent = [sys.executable, str(AGENT), str(store), *words]
        return Host(processes, cluster.api, agent, "--cwd", str(tmp_path), *options)

    return share


@pytest.fixture
def run_host(processes, cluster, store, tmp_path):
    """`tandem host` that is expected to end by itself: its status, its lines and its log."""

    def run(*options: str, words: tuple[str, ...] = ()):
        agent = [sys.executable, str(AGENT), str(store), *words]
        argv = [binary(), "host", "--server", cluster.bases[0], "--cwd", str(tmp_path), *options, "--", *agent]
        process = processes.start("host", argv, environment=clean_environment())
        return process.wait(60), process.lines, process.log_path.read_text()

    return run


def say(host: Host, text: str):
    shared = host.shared
    with shared.stream(shared.host) as stream:
        shared.prompt(text, shared.host)
        frames = []
        while not frames or frames[-1].type not in ("prompt_dispatch_completed", "prompt_dispatch_failed"):
            frames.append(stream.next(60))
        # The history may be published while this begins to look.
        return [f for f in frames if not f.payload.get("replayed")]


def history(host: Host):
    """Every update of the agent that a newcomer finds, and whether it is marked as replayed."""
    shared = host.shared
    with shared.stream(shared.join(), "earliest") as stream:
        shared.comment("the end", shared.host)
        frames = stream.until("message_created")
    found = [f for f in frames if f.type == "host_session_update" and "update" in f.payload["notification"]["params"]]
    return [
        (u["content"]["text"], f.payload.get("replayed", False)) for u, f in zip(updates(found), found, strict=True)
    ]


def end(host: Host) -> None:
    assert host.process.terminate() == 0


@pytest.fixture
def earlier(share, store):
    """Two conversations; the second has two turns."""
    first = share()
    say(first, "the first")
    end(first)
    second = share()
    say(second, "one")
    say(second, "two")
    end(second)
    return list(json.loads(store.read_text()))


def test_a_conversation_is_closed_at_the_end(earlier, store):
    assert all(entry["closed"] for entry in json.loads(store.read_text()).values())


def test_conversations_are_listed_over_all_pages(earlier, share, run_host):
    end(share())
    status, lines, _ = run_host("--sessions")
    assert status == 0 and len(lines) == 3
    assert [line.split("  ")[0] for line in lines[:2]] == earlier and lines[1].endswith("number 1")
    status, lines, _ = run_host("--sessions", "--json")
    assert status == 0 and [json.loads(line)["sessionId"] for line in lines[:2]] == earlier


@pytest.mark.parametrize("words", [(), ("noresume",)])
def test_the_last_conversation_goes_on_and_its_history_is_seen_first(earlier, share, words):
    host = share("--load", "last", words=words)
    frames = say(host, "three")
    assert spoken(frames).startswith("2 before")
    seen = history(host)
    # The pieces of one speaker that follow each other are one text.
    assert [replayed for _, replayed in seen] == [True, True, True, True, False]
    assert [text[:8] for text, _ in seen] == ["one", "0 before", "two", "1 before", "2 before"]


def test_a_conversation_goes_on_by_its_id(earlier, share):
    host = share("--load", earlier[0])
    assert [text[:9] for text, _ in history(host)] == ["the first", "0 before;"]
    assert spoken(say(host, "go on")).startswith("1 before")


@pytest.mark.parametrize("words", [(), ("noresume",)])
def test_history_is_published_once(earlier, share, words):
    host = share("--load", "last", words=words)
    say(host, "three")
    assert say(host, "die")[-1].type == "prompt_dispatch_failed"
    # The next process of the agent takes it up; where it can only load, it replays everything to the bridge.
    assert spoken(say(host, "four")).startswith("3 before")
    assert [text[:8] for text, replayed in history(host) if replayed] == ["one", "0 before", "two", "1 before"]


def test_only_the_end_of_a_long_history_is_shown(earlier, share):
    host = share("--load", "last", "--history-updates", "2")
    assert [text[:8] for text, _ in history(host)] == ["two", "1 before"]
    assert "beginning of the conversation" in host.process.log_path.read_text()


def test_a_replay_without_end_ends_the_host_and_nothing_is_shared(earlier, cluster, run_host):
    before = cluster.api.get("/api/shared-sessions?status=active").expect(200)["sessions"]
    status, _, log = run_host("--load", "last", "--agent-start", "20s", "--json", words=("endless",))
    assert status == 1 and "session/load within 20 s" in log
    after = cluster.api.get("/api/shared-sessions?status=active").expect(200)["sessions"]
    assert {s["id"] for s in after} <= {s["id"] for s in before}


def test_what_cannot_be_gone_on_with_is_said(share, run_host, store):
    status, _, log = run_host("--load", "last", "--json")
    assert status == 1 and "no conversation in" in log
    end(share())
    status, _, log = run_host("--load", "no-such-id", "--json")
    assert status == 1 and "no-such-id" in log or "-32002" in log
    status, _, log = run_host("--load", "last", "--json", words=("noload", "noresume"))
    assert status == 1 and "cannot go on with an earlier conversation" in log


def test_servers_and_directories_reach_the_agent(share, run_host, tmp_path):
    more = tmp_path / "more"
    more.mkdir()
    servers = tmp_path / "mcp.json"
    servers.write_text(
        json.dumps(
            {
                "mcpServers": {
                    "files": {"command": "mcp-files", "args": ["--all"], "env": {"FILES_TOKEN": "t0p-s3cret"}},
                    "web": {"url": "https://example.com/mcp", "headers": {"X-Version": "1"}},
                }
            }
        )
    )
    host = share("--mcp-servers", str(servers), "--directory", str(more))
    said = spoken(say(host, "what do you have"))
    opened = json.loads(said.partition("; ")[2])
    assert opened["directories"] == [str(more)]
    assert [(s["name"], s.get("command"), s.get("url")) for s in opened["servers"]] == [
        ("files", "mcp-files", None),
        ("web", None, "https://example.com/mcp"),
    ]
    # The agent knows it; what it repeats of it is removed.
    assert opened["servers"][0]["env"] == [{"name": "FILES_TOKEN", "value": "[removed: environment variable]"}]
    servers.write_text('{"mcpServers": {"events": {"type": "sse", "url": "https://example.com"}}}')
    status, _, log = run_host("--mcp-servers", str(servers), "--json")
    assert status == 1 and '"events" needs' in log
    servers.write_text('{"mcpServers": {"odd": {"args": []}}}')
    status, _, log = run_host("--mcp-servers", str(servers), "--json")
    assert status == 64 and '"odd" has neither' in log


def test_signing_in(share, run_host):
    status, _, log = run_host("--json", words=("signin",))
    assert status == 1 and "--sign-in browser" in log
    host = share("--sign-in", "browser", words=("signin",))
    eventually(lambda: host.shared.session["status"] == "active", "the session")
    status, _, log = run_host("--sign-out")
    assert status == 1 and "no way to sign out" in log
