"""What a host gives away by sharing an agent, and to whom: the environment, the key, the host session itself."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from support.client import API
from support.host import Host, spoken
from support.nodes import LISTENING, START, binary
from support.processes import clean_environment
from support.scenario import ROOT
from support.waiting import eventually

PLAIN_AGENT = [sys.executable, str(Path(__file__).parent / "agents" / "plain_agent.py")]
SECRETS = {
    "TANDEM_API_KEY": "s3cret-key",
    "TANDEM_ANYTHING": "s3cret-too",
    "OTHER_TOKEN": "s3cret-other",
    "WANTED": "on purpose",
}


def printed_environment(host: Host) -> dict[str, str]:
    """What one approved prompt makes the agent publish about its environment."""
    shared = host.shared
    with shared.stream(shared.host) as stream:
        shared.prompt("environment", shared.host)
        return json.loads(spoken(stream.until("prompt_dispatch_completed", 60)))


@pytest.fixture
def keyed(make_cluster):
    """Nodes that know the host's key."""
    digest = hashlib.sha256(SECRETS["TANDEM_API_KEY"].encode()).hexdigest()
    return make_cluster(1, TANDEM_API_KEYS=f"host:{digest}")


def test_no_variable_of_ours_reaches_the_agent(processes, keyed):
    printed = printed_environment(Host(processes, keyed.api, PLAIN_AGENT, environment=SECRETS))
    assert not [name for name in printed if name.upper().startswith("TANDEM_")]
    assert "s3cret-key" not in json.dumps(printed) and "s3cret-too" not in json.dumps(printed)
    # The agent has it, and shows it; the bridge takes it out of what it publishes.
    assert (printed["OTHER_TOKEN"], printed["WANTED"]) == ("[removed: environment variable]", "on purpose")


def test_a_clean_environment_has_only_what_is_named(processes, keyed):
    options = ("--clean-env", "--env", "WANTED", "--env", "GIVEN=a=b")
    printed = printed_environment(Host(processes, keyed.api, PLAIN_AGENT, *options, environment=SECRETS))
    known = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "TZ", "TMPDIR"}
    # Python adds LC_CTYPE to its own environment where the locale is C.
    others = {name: value for name, value in printed.items() if name not in known and not name.startswith("LC_")}
    assert others == {"WANTED": "on purpose", "GIVEN": "a=b"}


@pytest.mark.parametrize("variable", ["TANDEM_API_KEY", "TANDEM_X=1", "NOT_THERE"])
def test_a_variable_that_cannot_be_passed_on_is_refused_by_name(processes, variable):
    argv = [binary(), "host", "--env", variable, "--", *PLAIN_AGENT]
    process = processes.start("host", argv, environment=clean_environment(SECRETS))
    assert process.wait(60) == 64
    log = process.log_path.read_text()
    assert variable.split("=")[0] in log or "TANDEM_" in log


def test_nobody_else_shares_a_hosts_agent(processes, cluster):
    """Another user of the machine opens a session of their own on the agent and runs prompts as its owner."""
    host = Host(processes, cluster.api, PLAIN_AGENT)
    body = {"hostSessionId": host.first["hostSessionId"], "hostUserId": "mallory"}
    cluster.api.post(ROOT, body).expect(403, "HOST_TOKEN_REQUIRED")


def test_anybody_may_share_the_demos_agent(processes, tmp_path):
    settings = clean_environment({"TANDEM_DATA_DIRECTORY": str(tmp_path / "demo"), "TANDEM_PORT": "0"})
    demo = processes.start("demo", [binary(), "demo"], environment=settings)
    listening = LISTENING.fullmatch(demo.line(0, START))
    assert listening
    api = API([listening[1]])
    found = eventually(lambda: api.get(f"{ROOT}?workspaceId=demo").expect(200)["sessions"], "the demo's session", 60)
    body = {"hostSessionId": found[0]["hostSessionId"], "hostUserId": "ada"}
    api.post(ROOT, body).expect(201)
