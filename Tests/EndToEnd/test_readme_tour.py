"""The README's tour: what a reader pastes is what is run here, against `tandem demo` as `make run` starts it."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from support.client import API, Credentials
from support.nodes import REPOSITORY, START, binary
from support.processes import Processes, clean_environment
from support.waiting import eventually

BEGIN, END = "<!-- tour -->", "<!-- end of the tour -->"


def tour() -> str:
    """The shell blocks between the two marks, joined."""
    text = (REPOSITORY / "README.md").read_text()
    assert text.count(BEGIN) == 1 and text.count(END) == 1, f"README.md has no tour between {BEGIN} and {END}"
    section = text.split(BEGIN)[1].split(END)[0]
    blocks = re.findall(r"```(?:sh|bash|console)\n(.*?)```", section, re.S)
    assert blocks, "no shell block in the tour"
    return "\n".join(blocks)


@pytest.fixture
def demo(processes: Processes, tmp_path):
    environment = clean_environment({"TANDEM_DATA_DIRECTORY": str(tmp_path / "demo"), "TANDEM_PORT": "0"})
    process = processes.start("demo", [binary(), "demo"], environment=environment)
    process.line_matching("#invite=", START)
    yield process
    assert process.terminate() == 0


def test_the_demo_prints_links_for_host_and_guests(demo):
    links = re.findall(r"https?://\S+", "\n".join(demo.lines))
    assert any(re.search(r"/s/[0-9a-f-]{36}#invite=[A-Za-z0-9_-]{43}$", link) for link in links), demo.lines
    assert len(set(links)) >= 2, "one for the host, one to give away"


def test_the_tour_shows_a_prompt_from_proposal_to_completion(demo, tmp_path):
    script = tmp_path / "tour.sh"
    script.write_text("set -eu\n" + tour())
    invite = re.search(r"(http://\S+)/s/([0-9a-f-]{36})#invite=([A-Za-z0-9_-]{43})", "\n".join(demo.lines))
    assert invite
    # What the reader fills in from the links that were printed; the tour may use either.
    given = {"INVITE_URL": invite[0], "SERVER": invite[1], "SESSION": invite[2], "INVITE": invite[3]}
    given["DEMO_OUTPUT"] = "\n".join(demo.lines)
    ended = subprocess.run(
        ["bash", str(script)], cwd=REPOSITORY, env=clean_environment(given) | {"PATH": os.environ["PATH"]},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    shown = ended.stdout
    for promised in (
        '"role":"collaborator"', "message_created", '"status":"pending"', '"status":"approved"',
        "prompt_dispatch_started", "host_session_update", "prompt_dispatch_completed",
    ):  # fmt: skip
        assert promised in re.sub(r'("\w+"): ', r"\1:", shown), f"{promised} is not shown:\n{shown}\n{ended.stderr}"


def test_the_demo_asks_its_host_for_permission(demo):
    link = re.search(r"(http://\S+)/s/([0-9a-f-]{36})#host=(\S+)\.([A-Za-z0-9_-]{43})", "\n".join(demo.lines))
    assert link, demo.lines
    api, path = API([link[1]]), f"/api/shared-sessions/{link[2]}"
    host = Credentials(link[3], link[4])
    api.post(f"{path}/prompts", {"prompt": "ask for permission first"}, host).expect(200)

    def asked():
        approvals = api.get(path).expect(200)["approvals"]
        return next((a for a in approvals if a["kind"] == "permission" and a["status"] == "pending"), None)

    question = eventually(asked, "the agent to ask")
    api.post(f"{path}/approvals/{question['id']}", {"action": "approve"}, host).expect(200)

    def done():
        return any(
            a["kind"] == "prompt" and a.get("dispatch", {}).get("state") == "completed"
            for a in api.get(path).expect(200)["approvals"]
        )

    eventually(done, "the turn to end")
