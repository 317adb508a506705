"""What becomes of a prompt when the bridge is lost, or never comes. Leases are short, so that waits are too."""

from __future__ import annotations

import pytest

from support.bridge import Bridge
from support.client import API
from support.scenario import share
from support.waiting import eventually, holds


@pytest.fixture(scope="module", params=[1, 2], ids=["one node", "two nodes"])
def nodes(request, module_cluster):
    return module_cluster(request.param, TANDEM_DISPATCH_LEASE="2s", TANDEM_DISPATCH_TIMEOUT="4s")


@pytest.fixture
def api(nodes) -> API:
    return nodes.api


def approved(shared, text="x"):
    return shared.resolve(shared.prompt(text, shared.join())["id"])


def test_a_bridge_lost_after_started_fails_the_prompt_as_unknown(api):
    shared = share(api)
    approval = approved(shared)
    bridge = Bridge(api, shared.agent)
    dispatch = bridge.take()
    bridge.start(dispatch)
    with shared.stream() as stream:
        bridge.crash()
        frames = stream.until("prompt_dispatch_failed")
        failed = frames[-1].payload
        assert (failed["approvalId"], failed["dispatchId"]) == (approval["id"], dispatch["dispatchId"])
        assert "unknown" in failed["error"].lower(), failed
        if "host_offline" not in [f.type for f in frames]:
            stream.until("host_offline")
    kept = shared.approval(approval["id"])
    assert (kept["status"], kept["dispatch"]["state"], kept["errorMessage"]) == ("failed", "failed", failed["error"])
    with Bridge(api, shared.agent) as later:
        follow = approved(shared, "after")
        assert later.take()["approvalId"] == follow["id"]
        later.report(dispatch, "completed", stopReason="end_turn").expect(409, "DISPATCH_CONFLICT")
        assert len(later.delivered) == 1


def test_a_lost_bridge_frees_the_slot_for_the_next_prompt(api):
    shared = share(api)
    approved(shared, "lost")
    first = Bridge(api, shared.agent)
    first.start(first.take())
    first.crash()
    with shared.stream() as stream:
        stream.until("prompt_dispatch_failed")
        follow = approved(shared, "follows")
        with Bridge(api, shared.agent) as second:
            dispatch = second.take()
            assert dispatch["approvalId"] == follow["id"]
            second.run(dispatch)
        stream.until("prompt_dispatch_completed")
    states = sorted(a["dispatch"]["state"] for a in shared.snapshot()["approvals"])
    assert states == ["completed", "failed"]


@pytest.mark.parametrize("name", [None, "another"], ids=["without a name", "with another name"])
def test_a_bridge_that_knows_nothing_of_the_lost_turn_does_not_keep_it_alive(api, name):
    shared = share(api)
    lost = approved(shared, "lost")
    first = Bridge(api, shared.agent, name="first")
    dispatch = first.take()
    first.start(dispatch)
    first.crash()
    follow = approved(shared, "follows")
    with shared.stream() as stream, Bridge(api, shared.agent, name=name) as second:
        failed = stream.until("prompt_dispatch_failed")[-1].payload
        assert failed["approvalId"] == lost["id"] and "unknown" in failed["error"].lower()
        assert second.take()["approvalId"] == follow["id"]
        second.report(dispatch, "completed", stopReason="end_turn").expect(409, "DISPATCH_CONFLICT")


def test_a_bridge_that_reconnects_keeps_its_turn(api):
    shared = share(api)
    kept = approved(shared)
    first = Bridge(api, shared.agent, name="the-same")
    dispatch = first.take()
    first.start(dispatch)
    first.crash()
    with Bridge(api, shared.agent, name="the-same") as again:

        def running():
            return shared.approval(kept["id"])["dispatch"]["state"] == "started"

        holds(running, "the turn goes on for longer than the lease", 5.0)
        assert again.complete(dispatch)["state"] == "completed"
        assert again.delivered == []


def test_a_prompt_nobody_takes_fails_in_the_end(api):
    shared = share(api)
    with shared.stream() as stream:
        approval = approved(shared)
        failed = stream.until("prompt_dispatch_failed")[-1].payload
        assert failed["approvalId"] == approval["id"]
        assert "host agent unavailable" in failed["error"].lower()
    assert shared.approval(approval["id"])["status"] == "failed"
    with Bridge(api, shared.agent) as bridge:
        holds(lambda: bridge.delivered == [], "a failed prompt is not delivered", 0.5)


def test_a_delivered_but_never_started_prompt_goes_to_the_next_bridge(api):
    shared = share(api)
    approval = approved(shared)
    attempts = []
    for _ in range(3):
        bridge = Bridge(api, shared.agent)
        dispatch = bridge.take()
        attempts.append(dispatch["attempt"])
        assert dispatch["approvalId"] == approval["id"]
        bridge.crash()
    assert attempts == sorted(set(attempts))


def test_a_held_attachment_keeps_a_long_turn_alive(api):
    shared = share(api)
    approved(shared)
    with Bridge(api, shared.agent) as bridge:
        dispatch = bridge.take()
        bridge.start(dispatch)

        def running():
            return shared.approval(dispatch["approvalId"])["dispatch"]["state"] == "started"

        holds(running, "a turn longer than lease and time limit goes on", 6.0)
        bridge.complete(dispatch)


def test_host_offline_comes_once_when_the_lease_lapses(api):
    shared = share(api)
    with shared.stream() as stream:
        Bridge(api, shared.agent).crash()
        offline = stream.expect("host_online", "host_offline").payload
        assert offline == {"hostSessionId": shared.agent.id, "graceEndsAt": offline["graceEndsAt"]}
        eventually(
            lambda: not api.get(f"/api/host-sessions/{shared.agent.id}").expect(200)["hostSession"]["online"],
            "the host session to be offline",
        )
        shared.comment("marker")
        stream.expect("message_created")


def test_a_node_that_dies_with_the_attachment_counts_as_a_lost_bridge(make_cluster):
    cluster = make_cluster(2, TANDEM_DISPATCH_LEASE="2s")
    survivor = cluster.nodes[0].api
    shared = share(survivor)
    bridge = Bridge(survivor, shared.agent, base=cluster.nodes[1].base)
    approval = approved(shared)
    bridge.start(bridge.take())
    with shared.stream() as stream:
        cluster.nodes[1].process.kill()
        failed = stream.until("prompt_dispatch_failed")[-1].payload
        assert failed["approvalId"] == approval["id"] and "unknown" in failed["error"].lower()
