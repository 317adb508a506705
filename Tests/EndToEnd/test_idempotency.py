"""`Idempotency-Key`: a repeat answers the first answer and changes nothing."""

from __future__ import annotations

import concurrent.futures

import pytest

from support.scenario import ROOT, register_host, share, unique


def keyed(key: str) -> dict[str, str]:
    """The header, with a key as long as answers with tokens want it."""
    return {"Idempotency-Key": key.ljust(22, "_")}


def twice(api, path, body, who=None):
    key = keyed(unique("key"))
    first = api.post(path, body, who, headers=key)
    again = api.post(path, body, who, headers=key)
    assert (again.status, again.json) == (first.status, first.json)
    return first


def test_a_repeated_comment_is_one_comment(api):
    shared = share(api)
    twice(api, f"{shared.path}/messages", {"text": "once"}, shared.host).expect(200)
    assert len(api.get(f"{shared.path}/messages").expect(200)["messages"]) == 1


def test_a_repeated_prompt_is_one_approval(api):
    shared = share(api)
    twice(api, f"{shared.path}/prompts", {"prompt": "once"}, shared.join()).expect(200)
    assert len(shared.snapshot()["approvals"]) == 1


def test_a_repeated_decision_is_no_conflict(api):
    shared = share(api)
    pending = shared.prompt("x", shared.join())
    target = f"{shared.path}/approvals/{pending['id']}"
    twice(api, target, {"action": "approve"}, shared.host).expect(200)
    api.post(target, {"action": "approve"}, shared.host, headers=keyed(unique("other"))).expect(
        409, "APPROVAL_ALREADY_RESOLVED"
    )


def test_a_repeated_create_and_join_answer_the_same_tokens(api):
    agent = register_host(api)
    created = twice(api, ROOT, {"hostSessionId": agent.id, "hostUserId": "h"}).expect(201)
    listed = api.get(ROOT, query={"hostSessionId": agent.id}).expect(200)["sessions"]
    assert len(listed) == 1
    join = {"inviteToken": created["inviteToken"], "userId": unique("u")}
    joined = twice(api, f"{ROOT}/{created['session']['id']}/join", join).expect(200)
    assert len(joined["participant"]["accessToken"]) == 43


def test_a_repeated_registration_answers_the_same_token(api):
    twice(api, "/api/host-sessions", {"userId": "o", "hostSessionId": unique("hs")}).expect(201)


def test_the_same_key_with_another_body_is_refused(api):
    shared = share(api)
    key = keyed(unique("key"))
    api.post(f"{shared.path}/messages", {"text": "one"}, shared.host, headers=key).expect(200)
    api.post(f"{shared.path}/messages", {"text": "two"}, shared.host, headers=key).expect(422, "IDEMPOTENCY_KEY_REUSED")
    assert len(api.get(f"{shared.path}/messages").expect(200)["messages"]) == 1


def test_a_key_belongs_to_one_caller_and_one_route(api):
    shared = share(api)
    guest = shared.join()
    key = keyed(unique("key"))
    one = api.post(f"{shared.path}/messages", {"text": "same"}, shared.host, headers=key).expect(200)
    two = api.post(f"{shared.path}/messages", {"text": "same"}, guest, headers=key).expect(200)
    assert one["message"]["id"] != two["message"]["id"]
    api.post(f"{shared.path}/prompts", {"prompt": "same"}, guest, headers=key).expect(200)


@pytest.mark.parametrize("key", ["", "x" * 65, "with space", "semi;colon", "bräces", "{}"])
def test_a_malformed_key_is_refused(api, key):
    shared = share(api)
    reply = api.post(f"{shared.path}/messages", {"text": "x"}, shared.host, headers={"Idempotency-Key": key.encode()})
    assert reply.status == 400, reply.content


@pytest.mark.parametrize("key", ["1", "x" * 21, "x" * 65])
def test_a_guessable_key_gives_nobody_the_tokens_of_an_answer(api, key):
    shared = share(api)
    headers = {"Idempotency-Key": key}
    join = {"inviteToken": shared.invite, "userId": unique("u")}
    calls = [
        ("/api/host-sessions", {"userId": "o"}, None),
        (ROOT, {"hostSessionId": shared.agent.id, "hostUserId": "h"}, None),
        (f"{shared.path}/join", join, None),
        (f"{shared.path}/invite", None, shared.host),
        (f"{shared.path}/invites", {}, shared.host),
        (f"{shared.path}/stream-tickets", None, shared.host),
    ]
    for path, body, who in calls:
        api.post(path, body, who, headers=headers).expect(400, "INVALID_FIELD")
    if len(key) <= 64:
        api.post(f"{shared.path}/messages", {"text": "x"}, shared.host, headers=headers).expect(200)


def test_a_failure_may_be_repeated_after_its_cause_is_gone_or_answers_the_same(api):
    shared = share(api)
    guest = shared.join()
    target = f"{shared.path}/approvals/00000000-0000-4000-8000-000000000000"
    twice(api, target, {"action": "approve"}, shared.host).expect(404, "APPROVAL_NOT_FOUND")
    twice(api, f"{shared.path}/invite", None, guest).expect(403, "HOST_REQUIRED")


def test_simultaneous_repeats_over_two_nodes_are_one_message(cluster):
    shared = share(cluster.api)
    key = keyed(unique("race"))
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        replies = list(
            pool.map(
                lambda at: cluster.api.post(
                    f"{shared.path}/messages", {"text": "once"}, shared.host, headers=key, base=cluster.bases[at % 2]
                ),
                range(24),
            )
        )
    answers = {r.expect(200)["message"]["id"] for r in replies}
    assert len(answers) == 1
    assert [m["id"] for m in cluster.api.get(f"{shared.path}/messages").expect(200)["messages"]] == list(answers)


def test_redis_holds_no_usable_token(cluster):
    api = cluster.api
    agent = register_host(api)
    created = api.post(ROOT, {"hostSessionId": agent.id, "hostUserId": "h"}, headers=keyed(unique("key"))).expect(201)
    secrets = [created["inviteToken"], created["hostParticipant"]["accessToken"], agent.token]
    shared_id = created["session"]["id"]
    dump = b""
    redis = cluster.redis.client
    for name in redis.scan_iter(count=1000):
        if shared_id in name or agent.id in name or "idem" in name:
            kind = redis.type(name)
            dump += repr(
                {
                    "hash": redis.hgetall,
                    "zset": lambda k: redis.zrange(k, 0, -1),
                    "set": redis.smembers,
                    "stream": redis.xrange,
                    "string": redis.get,
                    "list": lambda k: redis.lrange(k, 0, -1),
                }[kind](name)
            ).encode()
    assert shared_id.encode() in dump
    assert all(secret.encode() not in dump for secret in secrets)
