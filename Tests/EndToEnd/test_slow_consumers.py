"""A consumer that does not read is disconnected at its byte budget, counted, and slows nobody."""

from __future__ import annotations

from support.scenario import share
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
