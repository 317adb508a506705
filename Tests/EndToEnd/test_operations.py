"""Health, version, metrics, the machine-readable contract and the page."""

from __future__ import annotations

import json
import re

from support.nodes import Node
from support.redis_server import RedisServer
from support.scenario import share
from support.waiting import eventually


def test_health_says_alive_and_ready(api):
    for path in ("/health/live", "/health/ready"):
        assert api.get(path).status == 200


def test_not_ready_but_alive_without_redis_and_ready_again_with_it(processes):
    redis = RedisServer(processes)
    node = Node(processes, redis.url).wait_ready()
    shared = share(node.api)
    redis.process.kill()
    eventually(lambda: node.api.get("/health/ready", server_error=True).status == 503, "the node to be unready")
    node.api.get("/health/live").expect(200)
    answer = node.api.post(f"{shared.path}/messages", {"text": "x"}, shared.host, server_error=True)
    assert answer.status == 503, answer.content
    back = RedisServer(processes, directory=redis.directory)
    eventually(lambda: node.api.get("/health/ready", server_error=True).status == 200, "the node to be ready again")
    share(node.api).comment("works again")
    back.remove()


def test_every_line_of_a_request_has_the_id_of_its_answer(processes):
    redis = RedisServer(processes)
    node = Node(processes, redis.url, {"TANDEM_LOG_LEVEL": "debug"}).wait_ready()
    shared = share(node.api)
    own = {"X-Request-Id": "from-a.proxy_1"}
    fine = node.api.post(f"{shared.path}/messages", {"text": "x"}, shared.host, headers=own)
    assert fine.headers["x-request-id"] == "from-a.proxy_1"
    with shared.stream(base=node.base) as stream:
        streamed = stream.headers["x-request-id"]
    redis.process.kill()
    failed = node.api.post(f"{shared.path}/messages", {"text": "x"}, shared.host, server_error=True)
    assert failed.status in (503, 504), failed.content
    lines = [json.loads(line) for line in node.process.log_path.read_text().splitlines() if line.startswith("{")]

    def messages(request):
        return [line["message"] for line in lines if line.get("request.id") == request]

    assert messages("from-a.proxy_1") == ["request answered"]
    assert messages(streamed)[0] == "request answered"
    assert messages(failed.headers["x-request-id"]) == ["redis did not answer", "request failed", "request answered"]
    assert all("request.id" in line for line in lines if line["message"].startswith("request "))


def test_version_is_a_json_object_with_a_version(api):
    assert re.match(r"\d+\.\d+", api.get("/version").expect(200)["version"])


def test_metrics_are_prometheus_text(api, cluster):
    share(api).comment("counted")
    text = api.get("/metrics").content.decode()
    sample = re.compile(
        r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_][a-zA-Z0-9_]*="[^"]*"(,[a-zA-Z_][a-zA-Z0-9_]*="[^"]*")*\})? \S+'
    )
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines and all(sample.fullmatch(line) for line in lines), [x for x in lines if not sample.fullmatch(x)][:5]
    kinds = re.findall(r"^# TYPE (\S+) (counter|gauge|histogram|summary)$", text, re.M)
    assert kinds and len({name for name, _ in kinds}) == len(kinds)


def test_openapi_names_every_route_of_the_contract(api):
    document = api.get("/openapi.json").expect(200)
    assert document["openapi"].startswith("3.")
    routes = {
        (method.upper(), re.sub(r"\{[^}]*\}", "{}", path))
        for path, methods in document["paths"].items()
        for method in methods
        if method != "parameters"
    }
    one, host = "/api/shared-sessions/{}", "/api/host-sessions/{}"
    assert routes >= {
        ("GET", "/api/shared-sessions"),
        ("POST", "/api/shared-sessions"),
        ("GET", one),
        ("DELETE", one),
        ("POST", f"{one}/join"),
        ("POST", f"{one}/leave"),
        ("GET", f"{one}/participants"),
        ("GET", f"{one}/messages"),
        ("POST", f"{one}/messages"),
        ("POST", f"{one}/prompts"),
        ("POST", f"{one}/approvals/{{}}"),
        ("GET", f"{one}/stream"),
        ("POST", "/api/host-sessions"),
        ("GET", host),
        ("DELETE", host),
        ("GET", f"{host}/dispatches"),
        ("POST", f"{host}/dispatches/{{}}"),
        ("POST", f"{host}/notifications"),
    }


def test_the_page_is_html(api):
    reply = api.get("/")
    assert reply.status == 200 and reply.headers["content-type"].startswith("text/html")
    assert b"<" in reply.content


def test_a_terminated_node_ends_its_streams_properly_and_exits_cleanly(make_cluster):
    cluster = make_cluster(1)
    shared = share(cluster.api)
    stream = shared.stream()
    assert cluster.nodes[0].process.terminate() == 0
    assert stream.wait_end() == []


def test_logs_are_one_json_object_a_line_when_asked_for(make_cluster):
    cluster = make_cluster(1, TANDEM_LOG_FORMAT="json", TANDEM_LOG_LEVEL="debug")
    shared = share(cluster.api)
    shared.comment("nothing secret in the log")
    process = cluster.nodes[0].process
    process.terminate()
    log = process.log_path.read_text()
    lines = [line for line in log.splitlines() if not line.startswith("listening on ")]
    assert lines and all(isinstance(json.loads(line), dict) for line in lines)
    assert all(secret not in log for secret in (shared.invite, shared.host.token, shared.agent.token))
