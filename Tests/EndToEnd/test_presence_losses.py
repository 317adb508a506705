"""Presence after a node is gone: nobody stays online for ever, and a reconnect is not told as a departure."""

from __future__ import annotations

from support.scenario import share
from support.waiting import eventually


def online(shared, who) -> bool:
    listed = shared.api.get(f"{shared.path}/participants").expect(200)["participants"]
    return next(p["online"] for p in listed if p["id"] == who.id)


def told(stream, type, who) -> int:
    return sum(f.type == type and f.payload["participantId"] == who.id for f in stream.frames)


def test_the_participants_of_a_killed_node_go_offline(make_cluster):
    cluster = make_cluster(2)
    survivor, victim = cluster.nodes
    shared = share(survivor.api)
    guest = shared.join()
    with shared.stream() as watcher:
        lost = shared.stream(guest, base=victim.base)
        eventually(lambda: told(watcher, "participant_online", guest) == 1, "participant_online")
        assert online(shared, guest)
        victim.process.kill()
        lost.wait_cut()
        eventually(lambda: not online(shared, guest), "the participant to be offline", 30)
        eventually(lambda: told(watcher, "participant_offline", guest) == 1, "participant_offline", 30)


def test_a_quick_reconnect_is_not_told(make_cluster):
    cluster = make_cluster(2)
    shared = share(cluster.api)
    guest = shared.join()
    with shared.stream() as watcher:
        stream = shared.stream(guest, base=cluster.bases[0])
        eventually(lambda: told(watcher, "participant_online", guest) == 1, "participant_online")
        for n in range(6):
            following = shared.stream(guest, base=cluster.bases[(n + 1) % 2])
            stream.close()
            stream = following
        shared.comment("marker")
        watcher.until("message_created")
        assert told(watcher, "participant_online", guest) == 1
        assert told(watcher, "participant_offline", guest) == 0
        assert online(shared, guest)
        stream.close()
        eventually(lambda: told(watcher, "participant_offline", guest) == 1, "participant_offline")
