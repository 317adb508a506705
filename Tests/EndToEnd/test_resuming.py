"""A bridge that is killed and goes on with `--resume`: the same session, the same links, and no prompt runs twice."""

from __future__ import annotations

import json
import signal
import stat

import pytest

from support.desk import Desk, end_of
from support.nodes import Node
from support.redis_server import RedisServer, free_port
from support.step import Step
from support.waiting import eventually

#: Where the bridge dies; whether the prompt has run then; whether it is completed in the end, or unknown.
STEPS = {
    "before started": ("started", False, 1, True),
    "after started": ("started", True, 0, False),
    "before completed": ("completed", False, 1, False),
    "after completed": ("completed", True, 1, True),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_bridge_killed_at_a_step_goes_on_and_runs_nothing_twice(processes, make_cluster, tmp_path, step):
    state, passes, runs, completes = STEPS[step]
    cluster = make_cluster(2)
    relay = Step(cluster.api.next_base())
    desk = Desk(processes, cluster.api, tmp_path, relay.base)
    host = desk.host()
    shared = host.shared
    guest = shared.join()
    relay.stop_at(f'"state":"{state}"', passes, host.process.kill)
    first = shared.resolve(shared.prompt("first", guest)["id"])
    second = shared.resolve(shared.prompt("second", guest)["id"])
    host.process.wait()
    relay.close()
    again = desk.host("--resume", base=cluster.api.next_base())
    same = ("sharedSessionId", "inviteToken", "hostSessionId", "hostParticipantId", "hostAccessToken", "inviteURL")
    assert {name: again.first[name] for name in same} == {name: host.first[name] for name in same}
    ended = end_of(shared, first["id"])
    assert (ended["dispatch"]["state"] == "completed") == completes, ended
    assert completes or "unknown" in ended["errorMessage"]
    assert end_of(shared, second["id"])["dispatch"]["state"] == "completed"
    assert desk.ran() == ["first"] * runs + ["second"]
    late = shared.join("late")
    third = shared.resolve(shared.prompt("third", late)["id"])
    assert end_of(shared, third["id"])["dispatch"]["state"] == "completed"
    with shared.stream(guest, "earliest") as stream:
        for _ in range(3 if completes else 2):
            stream.until("prompt_dispatch_completed")
        starts = [f.payload["dispatchId"] for f in stream.frames if f.type == "prompt_dispatch_started"]
    assert len(starts) == len(set(starts))
    assert again.process.terminate() == 0
    assert desk.journals == [], "nothing is left to go on with"


def test_a_bridge_killed_in_a_turn_leaves_it_unknown_and_keeps_its_tokens_to_itself(processes, cluster, tmp_path):
    desk = Desk(processes, cluster.api, tmp_path)
    host = desk.host()
    shared = host.shared
    [journal] = desk.journals
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.parent.stat().st_mode) == 0o700
    assert "still shared" in desk.fails("--resume"), "one bridge at a time"
    running = shared.prompt("hold on", shared.host)
    eventually(lambda: desk.ran() == ["hold on"], "the prompt to run")
    assert len(json.loads(journal.read_text())["begun"]) == 1, "noted before it ran"
    host.process.kill()
    desk.go()
    desk.host("--resume")
    ended = end_of(shared, running["id"])
    assert ended["dispatch"]["state"] == "failed" and "unknown" in ended["errorMessage"]
    follow = shared.prompt("go on", shared.host)
    assert end_of(shared, follow["id"])["dispatch"]["state"] == "completed"
    assert desk.ran() == ["hold on", "go on"]


def test_there_has_to_be_something_to_go_on_with(processes, cluster, tmp_path):
    desk = Desk(processes, cluster.api, tmp_path)
    assert "Nothing was shared" in desk.fails("--resume")
    assert "--mode" in desk.fails("--resume", "--mode", "prompt_direct")
    host = desk.host()
    shared = host.shared
    host.process.kill()
    shared.api.delete(shared.path, shared.host).expect(200)
    assert "has ended" in desk.fails("--resume")
    assert desk.journals == []
    lost = desk.host()
    lost.process.kill()
    [journal] = desk.journals
    journal.chmod(0o644)
    assert "Nothing was shared" in desk.fails("--resume"), "somebody else may have written it"
    journal.chmod(0o600)
    journal.write_text("{")
    assert "Nothing was shared" in desk.fails("--resume")


@pytest.mark.parametrize("killed", [True, False], ids=["bridge killed", "bridge lives"])
def test_a_prompt_whose_start_was_lost_is_not_run_again(processes, tmp_path, killed):
    redis = RedisServer(processes, "--appendonly", "no")
    port = free_port()
    node = Node(processes, redis.url, port=port).wait_ready()
    desk = Desk(processes, node.api, tmp_path)
    host = desk.host()
    shared = host.shared
    # The host approves before its agent is asked: what the store has then is what a failover falls back to.
    host.process.signal(signal.SIGSTOP)
    prompt = shared.prompt("hold on", shared.host)
    kept = {key: redis.client.execute_command("DUMP", key, NEVER_DECODE=True) for key in redis.client.keys("*")}
    host.process.signal(signal.SIGCONT)
    eventually(lambda: desk.ran() == ["hold on"], "the prompt to run")
    if killed:
        host.process.kill()
        desk.go()
    for key, value in kept.items():
        redis.client.execute_command("RESTORE", key, max(redis.client.pttl(key), 0), value, "REPLACE")
    if killed:
        desk.host("--resume")
        ended = end_of(shared, prompt["id"])
        assert ended["dispatch"]["state"] == "failed" and "unknown" in ended["errorMessage"]
    else:
        # The node comes back and offers it anew.
        node.process.kill()
        Node(processes, redis.url, port=port).wait_ready()
        eventually(
            lambda: (shared.api.get(shared.path, shared.host).expect(200)["approvals"][0]["dispatch"]["state"])
            == "started",
            "the node to be told that it runs", 60,
        )  # fmt: skip
        desk.go()
        assert end_of(shared, prompt["id"])["dispatch"]["state"] == "completed"
    assert desk.ran() == ["hold on"]
    redis.remove()
