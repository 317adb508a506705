"""A consumer that does not read is disconnected at its byte budget, counted, and slows nobody."""

from __future__ import annotations

import json

from support.scenario import register_host, share
from support.streams import Stream
from support.waiting import eventually


def test_a_stalled_stream_is_cut_counted_and_can_resume(make_cluster):
    cluster = make_cluster(1, TANDEM_STREAM_BUFFER_BYTES=65536, TANDEM_STREAM_HEARTBEAT="20s")
    node = cluster.nodes[0]
    shared = share(cluster.api)
    guest = shared.join()
    quick = shared.stream()
    before = shared.snapshot()["cursor"]
    slow = shared.stream_unread(guest)

    def disconnected() -> float:
        counts = [value for name, value in node.metrics().items() if "slow" in name]
        assert counts, sorted(node.metrics())
        return sum(counts)

    assert disconnected() == 0
    text, sent = "x" * 16000, 0
    while not disconnected():
        assert sent < 2000, "the slow consumer is never disconnected"
        for _ in range(20):
            shared.comment(f"{sent} {text}")
            sent += 1
    assert disconnected() == 1
    numbers = [quick.expect("message_created").payload["message"]["text"].split()[0] for _ in range(sent)]
    assert numbers == [f"{n}" for n in range(sent)] and quick.is_open
    slow.start_reading()
    slow.wait_cut()
    assert slow.problem is None
    cursor = slow.last_id if slow.ids else before
    got = [f.payload["message"]["text"].split()[0] for f in slow.frames if f.type == "message_created"]
    assert got == [f"{n}" for n in range(len(got))] and len(got) < sent
    with shared.stream(guest, since=cursor) as again:
        rest = [again.expect("message_created").payload["message"]["text"].split()[0] for _ in range(sent - len(got))]
    assert got + rest == [f"{n}" for n in range(sent)], "the place where it was cut is where it goes on"
    quick.close()
    eventually(lambda: shared.comment("still well"), "a comment")


def test_a_replay_that_is_never_read_neither_outgrows_a_reply_nor_pins_what_happens_meanwhile(make_cluster):
    cluster = make_cluster(1, TANDEM_LIMITS_REDIS_REPLY="16MiB", TANDEM_EVENTS_PAGE_BYTES="1MiB", TANDEM_STREAM_BUFFER_BYTES=500_000)
    node, api = cluster.nodes[0], cluster.api
    agent = register_host(api)
    shared = share(api, agent)
    guest = shared.join()
    text, sent = "x" * 200_000, 0

    def say(count: int) -> None:
        nonlocal sent
        for _ in range(count):
            note = {"method": "session/update", "params": {"update": {"n": sent, "text": text}}}
            api.post(
                f"/api/host-sessions/{agent.id}/notifications",
                None,
                agent,
                raw=json.dumps(note).encode() + b"\n",
                headers={"Content-Type": "application/x-ndjson"},
            ).expect(202)
            sent += 1

    say(20)
    stalled = Stream(
        node.base,
        f"{shared.path}/stream",
        guest,
        headers={"Last-Event-ID": "earliest"},
        receive_buffer=4096,
        reading=False,
    )
    say(20)
    dropped = sum(value for name, value in node.metrics().items() if "held_dropped" in name)
    assert dropped >= 15, "the budget is as much as two of them"
    exported = api.get(f"{shared.path}/export", guest).content.splitlines()
    payloads = [json.loads(line)["payload"] for line in exported[3:]]
    assert [payload["notification"]["params"]["update"]["n"] for payload in payloads] == [*range(sent)]
    stalled.start_reading()
    numbers = []
    while len(numbers) < sent:
        frame = stalled.next()
        if frame.type == "host_session_update":
            numbers.append(frame.payload["notification"]["params"]["update"]["n"])
    assert numbers == [*range(sent)], "nothing is lost or doubled"
    assert not [name for name, value in node.metrics().items() if "oversized_replies" in name and value]
