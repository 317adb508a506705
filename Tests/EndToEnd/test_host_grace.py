"""A host that goes away: its waiting prompts wait for it, but not for ever. Leases are short, so that waits are too."""

from __future__ import annotations

from support.bridge import Bridge
from support.client import API
from support.scenario import register_host, share

SETTINGS = {"TANDEM_DISPATCH_LEASE": "1s", "TANDEM_DISPATCH_TIMEOUT": "10m"}


def approved(shared, text):
    return shared.resolve(shared.prompt(text, shared.join())["id"])["id"]


def given_up(nodes) -> float:
    name = 'tandem_dispatches_given_up_total{cause="grace"}'
    return sum(node.metrics().get(name, 0.0) for node in nodes)


def test_a_host_that_stays_away_fails_what_waits_once(make_cluster):
    cluster = make_cluster(3, **SETTINGS, TANDEM_DISPATCH_GRACE="2s")
    *alive, dying = cluster.nodes
    api = API([node.base for node in alive])
    agent = register_host(api)
    one, two = share(api, agent), share(api, agent)
    bridge = Bridge(api, agent, base=dying.base)
    waiting = {one.id: [approved(one, "a"), approved(one, "b")], two.id: [approved(two, "c")]}
    assert bridge.take()["approvalId"] == waiting[one.id][0]
    streams = {shared.id: shared.stream() for shared in (one, two)}
    dying.process.kill()
    for shared in (one, two):
        offline = streams[shared.id].until("host_offline")[-1]
        assert set(offline.payload) == {"hostSessionId", "graceEndsAt"}
        for id in waiting[shared.id]:
            failed = streams[shared.id].expect("prompt_dispatch_failed")
            assert failed.payload["approvalId"] == id
            assert failed.payload["error"] == "the host went offline and did not come back within 2 seconds"
            assert failed.event["timestamp"] >= offline.payload["graceEndsAt"]
            assert shared.approval(id)["status"] == "failed"
        stored = [e["type"] for e in cluster.redis.stored_events(shared.id)]
        assert stored.count("prompt_dispatch_failed") == len(waiting[shared.id])
        assert api.get(f"{shared.path}/queue").expect(200)["queue"] == []
    assert given_up(alive) == 3
    # A prompt that is approved while the host is away has the same time, from its approval.
    late = approved(one, "late")
    failed = streams[one.id].until("prompt_dispatch_failed")[-1]
    assert failed.payload["approvalId"] == late and given_up(alive) == 4
    with Bridge(api, agent) as back:
        follow = approved(one, "after")
        assert back.take()["approvalId"] == follow
    for stream in streams.values():
        stream.close()


def test_a_host_that_comes_back_in_time_takes_over_where_it_was(make_cluster):
    cluster = make_cluster(2, **SETTINGS)
    alive, dying = cluster.nodes
    api = API([alive.base])
    shared = share(api)
    bridge = Bridge(api, shared.agent, base=dying.base, name="the-same")
    running, first, second = (approved(shared, text) for text in ("running", "first", "second"))
    started = bridge.take()
    bridge.start(started)
    with shared.stream() as stream:
        dying.process.kill()
        frames = stream.until("host_offline")
        failed = [f.payload for f in frames if f.type == "prompt_dispatch_failed"]
        assert [f["approvalId"] for f in failed] == [running] and "unknown" in failed[0]["error"]
        assert "graceEndsAt" in frames[-1].payload
        queue = api.get(f"{shared.path}/queue").expect(200)["queue"]
        assert [entry["approval"]["id"] for entry in queue] == [first, second]
        with Bridge(api, shared.agent, name="the-same") as back:
            assert stream.expect("host_online").payload == {"hostSessionId": shared.agent.id}
            for id in (first, second):
                dispatch = back.take()
                assert dispatch["approvalId"] == id
                back.run(dispatch)
        types = [f.type for f in stream.until("prompt_dispatch_completed") + stream.until("prompt_dispatch_completed")]
        assert "prompt_dispatch_failed" not in types


def test_without_a_grace_time_only_the_time_limit_counts(make_cluster):
    cluster = make_cluster(2, TANDEM_DISPATCH_LEASE="1s", TANDEM_DISPATCH_TIMEOUT="3s", TANDEM_DISPATCH_GRACE="0")
    shared = share(cluster.api)
    Bridge(cluster.api, shared.agent).crash()
    with shared.stream(since="earliest") as stream:
        assert stream.until("host_offline")[-1].payload == {"hostSessionId": shared.agent.id}
        approved(shared, "x")
        failed = stream.until("prompt_dispatch_failed")[-1]
        assert failed.payload["error"] == "host agent unavailable"
