"""After its retention a session is forgotten: every key of it, and its place in every index."""

from __future__ import annotations

from support.bridge import Bridge
from support.scenario import ROOT, register_host, share, unique
from support.waiting import Deadline


def test_nothing_of_a_session_outlives_its_retention(make_cluster):
    cluster = make_cluster(2, TANDEM_SESSION_RETENTION="1s", TANDEM_SWEEPER_INTERVAL="100ms")
    api, redis = cluster.api, cluster.redis.client
    agent = register_host(api)
    stays = share(api, agent)
    shared = share(api, agent)
    guest = shared.join()
    key = {"Idempotency-Key": unique("key")}
    api.post(f"{shared.path}/messages", {"text": "x"}, guest, headers=key).expect(200)
    shared.resolve(shared.prompt("y", guest)["id"])
    shared.prompt("z", guest)
    api.post(f"{shared.path}/stream-tickets", None, guest).expect(201)
    shared.close()

    def keys() -> list[str]:
        """The session's keys, but for answers kept for a repeat: those go by themselves within a day."""
        return [name for name in redis.scan_iter(count=1000) if shared.id in name and ":idem:" not in name]

    Deadline(10).wait_until(lambda: keys() == [])
    assert keys() == []

    def mentions() -> list[str]:
        """The lists of the service that still know the session."""
        lists = [name for name in redis.scan_iter(match="*:index:*", count=1000) if redis.type(name) == "zset"]
        return [name for name in lists if any(shared.id in member for member in redis.zrange(name, 0, -1))]

    Deadline(10).wait_until(lambda: mentions() == [])
    assert mentions() == [], "also when nobody has listed"
    api.get(shared.path).expect(404, "SESSION_NOT_FOUND")
    api.get(f"{shared.path}/export", shared.host).expect(404, "SESSION_NOT_FOUND")
    with_it = [s["id"] for s in api.get(ROOT, query={"hostSessionId": agent.id}).expect(200)["sessions"]]
    assert with_it == [stays.id]
    assert stays.snapshot()["session"]["id"] == stays.id


def test_every_key_has_a_time_to_live(make_cluster):
    cluster = make_cluster(2)
    api, redis = cluster.api, cluster.redis.client
    shared = share(api, workspaceId="w", expiresInMinutes=60)
    guest = shared.join()
    shared.resolve(shared.prompt("y", guest)["id"])
    api.post(f"{shared.path}/messages", {"text": "x"}, guest, headers={"Idempotency-Key": unique("key")}).expect(200)
    with shared.stream(guest), Bridge(api, shared.agent) as bridge:
        bridge.start(bridge.take())
        names = list(redis.scan_iter(count=1000))
        assert len(names) > 12
        assert [name for name in names if redis.pttl(name) == -1] == []
