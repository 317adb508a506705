"""`tandem host` in a terminal: the links, the conversation, decisions and permissions by hand, Ctrl-C."""

from __future__ import annotations

import re

import pytest

from support.client import API, Credentials
from support.nodes import START, binary
from support.scenario import ROOT
from support.terminal import Terminal

LINK = re.compile(r"(http://\S+)/s/([0-9a-f-]{36})#invite=([A-Za-z0-9_-]{43})")


class Sharing:
    """A host at a terminal, and a guest who came by the link that it shows."""

    def __init__(self, terminal: Terminal, api: API) -> None:
        self.terminal = terminal
        self.api = api
        terminal.expect("#invite=", START)
        terminal.expect("Ctrl-C")
        link = LINK.search(terminal.text)
        assert link, terminal.text
        self.path = f"{ROOT}/{link[2]}"
        joined = api.post(f"{self.path}/join", {"inviteToken": link[3], "userId": "grace"}).expect(200)["participant"]
        self.guest = Credentials(joined["id"], joined["accessToken"])
        terminal.expect("grace joined")

    def propose(self, prompt: str) -> dict:
        return self.api.post(f"{self.path}/prompts", {"prompt": prompt}, self.guest).expect(200)["approval"]

    def approval(self, identifier: str) -> dict:
        approvals = self.api.get(self.path).expect(200)["approvals"]
        return next(a for a in approvals if a["id"] == identifier)


@pytest.fixture
def sharing(cluster):
    argv = [binary(), "host", "--server", cluster.bases[0], "--", binary(), "example-agent"]
    with Terminal(argv) as terminal:
        yield Sharing(terminal, cluster.api)


def test_the_host_approves_and_sees_the_agent_work(sharing):
    proposed = sharing.propose("make it friendlier")
    sharing.terminal.expect("grace proposes: make it friendlier")
    sharing.terminal.type("a\n")
    sharing.terminal.expect("the greeting is friendlier now", 60)
    sharing.terminal.expect("the turn is over")
    assert sharing.approval(proposed["id"])["dispatch"]["state"] == "completed"


def test_the_host_rejects(sharing):
    proposed = sharing.propose("delete everything")
    sharing.terminal.expect("grace proposes: delete everything")
    sharing.terminal.type("r\n")
    sharing.terminal.expect("rejected")
    assert sharing.approval(proposed["id"])["status"] == "rejected"


@pytest.mark.parametrize(("answer", "outcome"), [("1", "the greeting is friendlier now"), ("2", "Without permission")])
def test_permission_is_asked_for_in_the_terminal(sharing, answer, outcome):
    sharing.propose("with permission please")
    sharing.terminal.expect("proposes")
    sharing.terminal.type("a\n")
    asked = sharing.terminal.expect("Reject it", 60)
    assert "Edit greeting.txt" in asked and "Allow this edit" in asked
    sharing.terminal.type(f"{answer}\n")
    sharing.terminal.expect(outcome, 60)
    sharing.terminal.expect("the turn is over")


def test_nobody_else_writes_into_the_hosts_terminal(sharing):
    """Escape sequences and characters that hide or turn text around are shown, never obeyed."""
    hostile = "start \x1b[2J\x1b]0;owned\x07 \x9b31m \u202egnp.exe\u200b \r overwritten\x08\x08 end"
    sharing.api.post(f"{sharing.path}/messages", {"text": hostile}, sharing.guest).expect(200)
    sharing.propose(hostile)
    shown = sharing.terminal.expect("end") + sharing.terminal.expect("approves")
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r\n", "\n")
    assert text.count("start ") == 2, "the comment and the proposal are both shown"
    for character in ("\x1b", "\x07", "\x9b", "\u202e", "\u200b", "\x08", "\r"):
        assert character not in text, f"{character!r} reached the terminal: {text!r}"


def test_ctrl_c_ends_the_session_and_the_agent(sharing):
    sharing.terminal.type("\x03")
    assert sharing.terminal.wait(30) == 0
    sharing.api.get(sharing.path).expect(409, "SESSION_INACTIVE")
