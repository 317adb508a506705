"""What an agent wants to know: real bridges and agents, people on another node, forms, pages and what ends them."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support import shapes
from support.host import Host, spoken
from support.waiting import eventually
from test_permission_requests import EXAMPLE, rest
from test_terminal import sharing as sharing

CURIOUS = [sys.executable, str(Path(__file__).parent / "agents" / "curious_agent.py")]
FORM = {"name": "Ada", "tone": "formal", "times": 2, "loud": True}


def inquire(shared, stream, text="a question please"):
    """Runs a prompt whose turn asks; the question."""
    pending = shared.prompt(text, shared.join())
    shared.resolve(pending["id"])
    asked = shapes.approval(stream.until("question_requested", 60)[-1].payload["approval"])
    assert (asked["kind"], asked["status"]) == ("question", "pending")
    return asked


def tell(shared, asked, who=None, base=None, **fields):
    return shared.api.post(f"{shared.path}/approvals/{asked['id']}", fields, who or shared.host, base=base)


def about(frames):
    return [f.type for f in frames if f.type.startswith("question_")]


def test_a_delegate_fills_the_form_in_on_the_other_node(processes, cluster):
    host = Host(processes, cluster.api, EXAMPLE, server=cluster.bases[0])
    shared = host.shared
    dora, guest = shared.delegate(), shared.join()
    with shared.stream(base=cluster.bases[1]) as stream:
        asked = inquire(shared, stream)
        assert asked["prompt"] == "How should the greeting sound?"
        assert list(asked["question"]["schema"]["properties"]) == ["name", "tone", "times", "loud"]
        for answer, field in (({}, "'name'"), ({**FORM, "times": 9}, "'times'"), ({**FORM, "x": 1}, "'x'")):
            refused = tell(shared, asked, dora, cluster.bases[1], action="approve", answer=answer)
            assert field in refused.expect(400, "INVALID_ANSWER")["error"]
        tell(shared, asked, guest, action="approve", answer={}).expect(403, "HOST_REQUIRED")
        answered = tell(shared, asked, dora, cluster.bases[1], action="approve", answer=FORM).expect(200)["approval"]
        assert shapes.approval(answered)["answer"] == FORM
        tell(shared, asked, action="reject").expect(409, "APPROVAL_ALREADY_RESOLVED")
        frames = rest(stream)
    assert about(frames) == ["question_resolved"]
    assert 'I was told: name = "Ada", tone = "formal", times = 2, loud = true.' in spoken(frames)


def test_declining_and_agreeing_to_a_page_are_answers(processes, cluster):
    shared = Host(processes, cluster.api, EXAMPLE).shared
    with shared.stream() as stream:
        asked = inquire(shared, stream)
        declined = tell(shared, asked, action="reject", reason="none of its business").expect(200)["approval"]
        assert declined["status"] == "rejected"
        assert "Nobody wants to say; I go on without." in spoken(rest(stream))
        asked = inquire(shared, stream, "open a page")
        assert asked["question"] == {"url": "https://example.com/greetings?from=agent", "host": "example.com"}
        tell(shared, asked, action="approve").expect(200)
        assert "Thank you." in spoken(rest(stream))


def test_a_question_goes_with_its_turn(processes, cluster):
    shared = Host(processes, cluster.api, EXAMPLE).shared
    with shared.stream() as stream:
        asked = inquire(shared, stream)
        cluster.api.post(f"{shared.path}/cancel", None, shared.host).expect(202)
        tell(shared, asked, action="approve", answer=FORM).expect(409, "APPROVAL_ALREADY_RESOLVED")
        frames = rest(stream)
        assert about(frames) == ["question_withdrawn"]
        withdrawn = next(f for f in frames if f.type == "question_withdrawn").payload
        assert withdrawn["reason"] == "turn_cancelled"
        assert frames[-1].payload["stopReason"] == "cancelled"


def test_of_two_deciders_one_answers_and_the_agent_is_told_that(processes, cluster):
    shared = Host(processes, cluster.api, EXAMPLE).shared
    people = [(shared.host, cluster.bases[0], "hana"), (shared.delegate(), cluster.bases[1], "dora")]
    winners = set()
    with shared.stream() as stream:
        for _ in range(6):
            asked = inquire(shared, stream)
            with ThreadPoolExecutor(2) as pool:
                replies = list(
                    pool.map(
                        lambda person, asked=asked: tell(
                            shared, asked, person[0], person[1], action="approve", answer={"name": person[2]}
                        ),
                        people,
                    )
                )
            assert sorted(r.status for r in replies) == [200, 409]
            won = next(person[2] for person, reply in zip(people, replies, strict=True) if reply.status == 200)
            frames = rest(stream)
            assert about(frames) == ["question_resolved"]
            assert f'name = "{won}"' in spoken(frames)
            winners.add(won)


def test_viewers_of_a_reduced_session_see_no_question(processes, cluster):
    shared = Host(processes, cluster.api, EXAMPLE).shared
    cluster.api.patch(shared.path, {"viewerUpdates": "reduced"}, shared.host).expect(200)
    viewer = shared.join(role="viewer")
    with shared.stream() as stream, shared.stream(viewer) as seen:
        asked = inquire(shared, stream)
        tell(shared, asked, action="approve", answer=FORM).expect(200)
        rest(stream)
        frames = rest(seen)
    assert about(frames) == []
    kinds = [a["kind"] for a in cluster.api.get(shared.path, viewer).expect(200)["approvals"]]
    assert kinds == ["prompt"]


def test_the_host_answers_at_the_terminal(sharing):
    terminal = sharing.terminal
    sharing.propose("a question please")
    terminal.expect("grace proposes: a question please")
    terminal.type("a p1\n")
    terminal.expect("The agent asks: How should the greeting sound?", 60)
    terminal.type("a q2\n")
    terminal.expect("'name' is missing")
    terminal.type("q2 1=Ada\n")
    terminal.expect("(needed)  = Ada")
    terminal.type("a q2\n")
    terminal.expect('I was told: name = "Ada", tone = "friendly"', 60)


def test_an_agent_that_asks_too_much_is_told_so_and_nobody_else_is_affected(processes, cluster):
    shared = Host(processes, cluster.api, CURIOUS).shared
    guest = shared.join()
    with shared.stream(base=cluster.bases[1]) as stream:
        shared.resolve(shared.prompt("flood", guest)["id"])

        def open_questions():
            approvals = cluster.api.get(shared.path, shared.host).expect(200)["approvals"]
            return sum(a["kind"] == "question" and a["status"] == "pending" for a in approvals)

        # Of 200 only as many are asked as the bridge takes from an agent at once.
        eventually(lambda: open_questions() == 64, "as many are asked as may be")
        shared.comment("still here", guest)
        cluster.api.post(f"{shared.path}/cancel", None, shared.host).expect(202)
        said = spoken(rest(stream))
        assert "64 cancel; 136 error -32603;" in said
        assert open_questions() == 0
        for word in ("huge", "odd"):
            shared.resolve(shared.prompt(word, guest)["id"])
            frames = rest(stream)
            assert about(frames) == []
            assert "1 error -32602;" in spoken(frames)
