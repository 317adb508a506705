"""Dispatch: an approved prompt reaches the host's bridge once, one at a time, in the order of approval."""

from __future__ import annotations

import pytest

from support.bridge import Bridge
from support.scenario import register_host, share
from support.waiting import eventually, holds


def approved(shared, text, who=None):
    """A prompt a guest made and the host approved."""
    pending = shared.prompt(text, who or shared.join())
    return shared.resolve(pending["id"])


def test_approve_run_complete_with_its_events(api):
    shared = share(api)
    guest = shared.join()
    with Bridge(api, shared.agent) as bridge, shared.stream() as stream:
        approval = approved(shared, "make it so", guest)
        dispatch = bridge.take()
        assert (dispatch["approvalId"], dispatch["sharedSessionId"]) == (approval["id"], shared.id)
        assert (dispatch["prompt"], dispatch["participant"]["id"]) == ("make it so", guest.id)
        started = bridge.start(dispatch)
        assert (started["id"], started["state"], started["attempt"]) == (
            dispatch["dispatchId"],
            "started",
            dispatch["attempt"],
        )
        assert "startedAt" in started and "endedAt" not in started
        completed = bridge.complete(dispatch, "max_tokens")
        assert (completed["state"], completed["stopReason"]) == ("completed", "max_tokens")
        assert completed["endedAt"] >= completed["startedAt"]
        frames = [f for f in stream.until("prompt_dispatch_completed") if f.type != "host_online"]
        assert [f.type for f in frames] == [
            "prompt_pending_approval",
            "prompt_approved",
            "prompt_dispatch_started",
            "prompt_dispatch_completed",
        ]
        about = {"approvalId": approval["id"], "dispatchId": dispatch["dispatchId"]}
        assert frames[2].payload == about | {"attempt": dispatch["attempt"]}
        assert frames[3].payload == about | {"stopReason": "max_tokens"}
    kept = shared.approval(approval["id"])
    assert kept["status"] == "approved" and kept["dispatch"] == completed


def test_prompts_of_the_host_and_of_direct_mode_are_dispatched_too(api):
    shared = share(api, mode="prompt_direct")
    with Bridge(api, shared.agent) as bridge:
        for who in (shared.host, shared.join()):
            approval = shared.prompt("at once", who)
            dispatch = bridge.take()
            assert (dispatch["approvalId"], dispatch["participant"]["id"]) == (approval["id"], who.id)
            bridge.run(dispatch)


def test_an_edited_prompt_is_what_runs(api):
    shared = share(api)
    pending = shared.prompt("rm -rf everything", shared.join())
    with Bridge(api, shared.agent) as bridge:
        shared.resolve(pending["id"], editedPrompt="ls")
        assert bridge.take()["prompt"] == "ls"


def test_a_rejected_or_withdrawn_prompt_is_never_dispatched(api):
    shared = share(api)
    guest = shared.join()
    with Bridge(api, shared.agent) as bridge:
        shared.resolve(shared.prompt("no", guest)["id"], "reject")
        pending = shared.prompt("changed my mind", guest)
        api.post(f"{shared.path}/approvals/{pending['id']}/withdraw", None, guest).expect(200)
        yes = approved(shared, "yes", guest)
        assert bridge.take()["approvalId"] == yes["id"]


def test_what_was_approved_before_the_bridge_came_is_delivered_when_it_attaches(api):
    shared = share(api)
    approval = approved(shared, "waiting")
    with Bridge(api, shared.agent) as bridge:
        assert bridge.take()["approvalId"] == approval["id"]


def test_one_at_a_time_in_approval_order_over_all_sessions_of_the_host(api):
    agent = register_host(api)
    one, two = share(api, agent), share(api, agent)
    guests = {one.id: one.join(), two.id: two.join()}
    waiting = [(s, s.prompt(f"{n}", guests[s.id])) for n in range(6) for s in (one, two)]
    waiting.reverse()  # approved in another order than proposed
    order = [s.resolve(pending["id"])["id"] for s, pending in waiting]
    ran = []
    with Bridge(api, agent) as bridge:
        for _ in order:
            dispatch = bridge.take()
            ran.append(dispatch["approvalId"])
            bridge.start(dispatch)
            assert len(bridge.delivered) == len(ran), "nothing further while one runs"
            bridge.complete(dispatch)
        assert ran == order
    for shared in (one, two):
        states = {a["id"]: a["dispatch"]["state"] for a in shared.snapshot()["approvals"]}
        assert set(states.values()) == {"completed"} and len(states) == 6


def test_the_next_waits_while_one_runs(api):
    shared = share(api)
    with Bridge(api, shared.agent) as bridge:
        approved(shared, "long")
        running = bridge.take()
        bridge.start(running)
        second = approved(shared, "next")
        holds(lambda: len(bridge.delivered) == 1, "one delivery while a turn runs", 1.0)
        bridge.complete(running)
        assert bridge.take()["approvalId"] == second["id"]


@pytest.mark.parametrize("end", ["completed", "failed"])
def test_the_same_report_twice_is_fine_and_publishes_once(api, end):
    shared = share(api)
    more = {"stopReason": "end_turn"} if end == "completed" else {"error": "it broke"}
    with Bridge(api, shared.agent) as bridge, shared.stream() as stream:
        approved(shared, "x")
        dispatch = bridge.take()
        first = bridge.report(dispatch, "started").expect(200)
        assert bridge.report(dispatch, "started").expect(200) == first
        ended = bridge.report(dispatch, end, **more).expect(200)
        assert bridge.report(dispatch, end, **more).expect(200) == ended
        shared.comment("marker")
        types = [f.type for f in stream.until("message_created")]
        assert types.count("prompt_dispatch_started") == types.count(f"prompt_dispatch_{end}") == 1


def test_an_ended_dispatch_takes_no_other_report(api):
    shared = share(api)
    with Bridge(api, shared.agent) as bridge:
        approved(shared, "x")
        dispatch = bridge.take()
        bridge.run(dispatch)
        bridge.report(dispatch, "started").expect(409, "DISPATCH_CONFLICT")
        bridge.report(dispatch, "failed", error="late").expect(409, "DISPATCH_CONFLICT")


def test_a_failed_turn_fails_the_approval_with_its_error(api):
    shared = share(api)
    with Bridge(api, shared.agent) as bridge, shared.stream() as stream:
        approval = approved(shared, "x")
        dispatch = bridge.take()
        bridge.start(dispatch)
        bridge.report(dispatch, "failed", error="the agent has crashed").expect(200)
        failed = stream.until("prompt_dispatch_failed")[-1]
        assert failed.payload == {
            "approvalId": approval["id"],
            "dispatchId": dispatch["dispatchId"],
            "error": "the agent has crashed",
        }
    kept = shared.approval(approval["id"])
    assert (kept["status"], kept["errorMessage"], kept["dispatch"]["state"]) == (
        "failed",
        "the agent has crashed",
        "failed",
    )


def test_a_stale_attempt_is_a_conflict(api):
    shared = share(api)
    approved(shared, "x")
    first = Bridge(api, shared.agent)
    old = first.take()
    first.crash()
    with Bridge(api, shared.agent) as second:
        assert second.fence > first.fence
        new = second.take()
        assert new["dispatchId"] == old["dispatchId"] and new["attempt"] > old["attempt"]
        second.report(old, "started").expect(409, "DISPATCH_CONFLICT")
        second.start(new)
        second.report(old, "completed", stopReason="end_turn").expect(409, "DISPATCH_CONFLICT")
        second.report(new, "completed", attempt=new["attempt"] + 1).expect(409, "DISPATCH_CONFLICT")
        second.complete(new)


def test_a_newer_attachment_fences_the_older_one(api):
    shared = share(api)
    older = Bridge(api, shared.agent)
    with Bridge(api, shared.agent) as newer:
        older.stream.wait_cut()
        approval = approved(shared, "x")
        assert newer.take()["approvalId"] == approval["id"]
        assert older.delivered == []


def test_what_was_started_is_never_delivered_again(api):
    shared = share(api)
    approved(shared, "once")
    first = Bridge(api, shared.agent)
    dispatch = first.take()
    first.start(dispatch)
    first.crash()
    with Bridge(api, shared.agent) as second:
        follow = approved(shared, "second")
        holds(lambda: second.delivered == [], "no delivery while the lost turn may still run", 1.0)
        second.complete(dispatch)
        assert second.take()["approvalId"] == follow["id"]
        assert [d["approvalId"] for d in second.delivered] == [follow["id"]]


@pytest.mark.parametrize(
    "body",
    [
        {"state": "running", "attempt": 1},
        {"state": "started"},
        {"attempt": 1},
        {"state": "started", "attempt": "1"},
        {"state": "started", "attempt": 1.5},
        {"state": 1, "attempt": 1},
        {"state": "completed", "attempt": 1, "stopReason": 1},
        {"state": "failed", "attempt": 1, "error": {}},
    ],
)
def test_a_malformed_report_is_refused(api, body):
    shared = share(api)
    approved(shared, "x")
    with Bridge(api, shared.agent) as bridge:
        dispatch = bridge.take()
        api.post(f"{bridge.path}/dispatches/{dispatch['dispatchId']}", body, shared.agent).expect(400)
        assert shared.approval(dispatch["approvalId"])["dispatch"]["state"] == "queued"


def test_a_report_on_nothing_is_not_found(api):
    agent = register_host(api)
    for identifier in ("nothing", "00000000-0000-4000-8000-000000000000"):
        reply = api.post(
            f"/api/host-sessions/{agent.id}/dispatches/{identifier}", {"state": "started", "attempt": 1}, agent
        )
        assert reply.status in (404, 409), reply.content


def test_the_host_cancels_the_running_turn(api):
    shared = share(api)
    assert api.post(f"{shared.path}/cancel", None, shared.host).expect(202) == {"cancelling": False}
    with Bridge(api, shared.agent) as bridge:
        approved(shared, "long")
        dispatch = bridge.take()
        bridge.start(dispatch)
        api.post(f"{shared.path}/cancel", None, shared.join()).expect(403, "HOST_REQUIRED")
        assert api.post(f"{shared.path}/cancel", None, shared.host).expect(202) == {"cancelling": True}
        bridge.expect_cancel(dispatch["dispatchId"])
        assert bridge.complete(dispatch, "cancelled")["stopReason"] == "cancelled"
    assert api.post(f"{shared.path}/cancel", None, shared.host).expect(202) == {"cancelling": False}


def test_attaching_is_told_and_shown(api):
    shared = share(api)

    def online():
        return api.get(f"/api/host-sessions/{shared.agent.id}").expect(200)["hostSession"]["online"]

    with shared.stream() as stream:
        assert online() is False
        with Bridge(api, shared.agent):
            assert stream.expect("host_online").payload == {"hostSessionId": shared.agent.id}
            assert eventually(online, "the host session to be online")


def test_close_fails_what_is_queued_and_records_what_runs(api):
    shared = share(api)
    guest = shared.join()
    with Bridge(api, shared.agent) as bridge, shared.stream() as stream:
        runs = approved(shared, "runs", guest)
        dispatch = bridge.take()
        bridge.start(dispatch)
        queued = approved(shared, "queued", guest)
        cursor = stream.until("prompt_dispatch_started")[-1].id
        shared.close()
        closing = stream.until("session_closed")
        failed = [f for f in closing if f.type == "prompt_dispatch_failed"]
        assert [f.payload["approvalId"] for f in failed] == [queued["id"]]
        assert "session closed" in failed[0].payload["error"].lower()
        stream.wait_end()
        bridge.complete(dispatch)
        holds(lambda: len(bridge.delivered) == 1, "the queued prompt of a closed session is not delivered", 0.5)
    with shared.stream(guest, since=cursor) as after:
        ended = [f for f in after.wait_end() if f.type == "prompt_dispatch_completed"]
    lines = api.get(f"{shared.path}/export", guest).content.decode()
    assert lines.count('"prompt_dispatch_completed"') == 1 and runs["id"] in lines
    assert len(ended) <= 1
