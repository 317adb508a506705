"""After its retention a session is forgotten: every key of it, and its place in every index."""

from __future__ import annotations

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
        return [name for name in redis.scan_iter(count=1000) if shared.id in name]

    Deadline(10).wait_until(lambda: keys() == [])
    assert keys() == []
    api.get(shared.path).expect(404, "SESSION_NOT_FOUND")
    api.get(f"{shared.path}/export", shared.host).expect(404, "SESSION_NOT_FOUND")
    with_it = [s["id"] for s in api.get(ROOT, query={"hostSessionId": agent.id}).expect(200)["sessions"]]
    assert with_it == [stays.id]
    assert stays.snapshot()["session"]["id"] == stays.id


def test_indexes_do_not_grow_for_ever(make_cluster):
    cluster = make_cluster(1, TANDEM_SESSION_RETENTION="1s", TANDEM_SESSION_MAXIMUM_LIFETIME="60s")
    share(cluster.api, workspaceId="w")
    redis = cluster.redis.client
    lasting = [name for name in redis.scan_iter(count=1000) if "{" in name and redis.pttl(name) == -1]
    assert lasting == [], "what belongs to one workspace or host goes when nobody uses it any more"
