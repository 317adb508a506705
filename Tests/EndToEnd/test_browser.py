"""The web page in a real browser: a guest joins by the invite link, the host decides, both see the agent work."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from support.bridge import Bridge
from support.browser import browser
from support.host import Host
from support.nodes import Node, binary
from support.redis_server import RedisServer, free_port
from support.scenario import share

COMPOSER_IS_GONE = """(() => {
  const send = document.querySelector("#composer-send")
  return send.disabled || send.getClientRects().length === 0
})()"""
RECORD_REQUESTS = """(() => {
  window.sent = []
  const plain = window.fetch
  window.fetch = (address, options) => (sent.push(options.body), plain(address, options))
})()"""
OPEN_STEPS = "document.querySelectorAll('#timeline .step').forEach(step => (step.open = true))"
HOSTILE = "<img src=x onerror=\"document.title='owned'\"> \u202egnp.exe"


def links(shared, base: str) -> tuple[str, str]:
    """The host's link and the one to give away, on that node."""
    page = f"{base}/s/{shared.id}"
    return f"{page}#host={shared.host.id}.{shared.host.token}", f"{page}#invite={shared.invite}"


@pytest.mark.timeout(180)
def test_a_prompt_from_proposal_to_completion_seen_by_two_people_on_two_nodes(processes, cluster, tmp_path):
    host_process = Host(processes, cluster.api, [binary(), "example-agent"])
    shared = host_process.shared
    hosts_link, invite = links(shared, cluster.bases[0])[0], links(shared, cluster.bases[1])[1]

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            guest = await running.open(invite)
            await guest.fill("#join-name", "Grace")
            await guest.click("#join-form button")
            await guest.wait_text("#people", "Grace")
            assert "#" not in await guest.evaluate("location.href"), "the token has left the address"
            host = await running.open(hosts_link)
            await host.wait_text("#people", "Grace")

            await guest.fill("#composer-text", HOSTILE)
            await guest.click("#composer-send")
            shown = await host.wait_text("#timeline", "<img src=x")
            assert "\u202e" not in shown, "a direction override is shown, not obeyed"
            assert await host.evaluate("document.querySelectorAll('#timeline img').length") == 0
            assert await host.evaluate("document.title") != "owned"

            await guest.click("input[name=kind][value=prompt]")
            await guest.fill("#composer-text", "make the greeting friendlier")
            await guest.click("#composer-send")
            await host.wait_text("#pending", "make the greeting friendlier")
            await guest.wait_text("#pending", "make the greeting friendlier")
            assert await guest.evaluate("document.querySelectorAll('#pending button.primary').length") == 0
            await host.click("#pending button.primary")
            for page in (host, guest):
                await page.wait_text("#timeline", "the greeting is friendlier now", 60)
                await page.evaluate(OPEN_STEPS)
                await page.wait_text("#timeline", "Hello, world")
                await page.wait_text("#pending-count", "0")

            await host.click("#tool-close")
            await host.click("#confirm-yes")
            await guest.wait_for(COMPOSER_IS_GONE)
            for page in (host, guest):
                assert page.problems == []

    asyncio.run(whole())
    statuses = [
        s["status"] for s in cluster.api.get("/api/shared-sessions").expect(200)["sessions"] if s["id"] == shared.id
    ]
    assert statuses == ["closed"]


@pytest.mark.timeout(120)
def test_a_page_follows_through_the_loss_of_its_node(processes, tmp_path):

    redis = RedisServer(processes)
    port = free_port()
    node = Node(processes, redis.url, port=port).wait_ready()
    other = Node(processes, redis.url).wait_ready()
    shared = share(other.api)

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(links(shared, node.base)[0])
            shared.comment("before the loss")
            await page.wait_text("#timeline", "before the loss")
            node.process.kill()
            shared.comment("while it was away")
            again = await asyncio.to_thread(Node, processes, redis.url, port=port)
            await asyncio.to_thread(again.wait_ready)
            await page.wait_text("#timeline", "while it was away", 60)
            shared.comment("after it")
            shown = await page.wait_text("#timeline", "after it")
            assert [shown.count(text) for text in ("before the loss", "while it was away", "after it")] == [1, 1, 1]

    asyncio.run(whole())
    redis.remove()


@pytest.mark.timeout(120)
def test_an_invite_that_is_wrong_or_missing_is_said(processes, cluster, tmp_path):
    shared = share(cluster.api)
    base = f"{cluster.bases[0]}/s/{shared.id}"

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(base)
            await page.wait_text("#message", "invite")
            page = await running.open(f"{base}#invite={'A' * 43}")
            await page.fill("#join-name", "Mallory")
            await page.click("#join-form button")
            await page.wait_text("#join-error", "invite")

    asyncio.run(whole())
    assert len(shared.snapshot()["participants"]) == 1


@pytest.mark.timeout(180)
def test_a_permission_request_is_shown_and_answered_by_an_option(processes, cluster, tmp_path):
    shared = share(cluster.api)
    agent = Bridge(cluster.api, shared.agent, cluster.bases[0])
    delegate = shared.delegate("dora")
    viewer = shared.join("vera", "viewer")
    tool_call = {
        "toolCallId": "c",
        "title": "Write <b>greeting</b>\u202e.txt",
        "kind": "edit",
        "locations": [{"path": "/src/greeting.txt", "line": 3}, 7],
        "content": [{"type": "diff", "path": "/src/greeting.txt", "oldText": "Hello\n", "newText": "Hello, world\n"}, 7],
        "rawInput": {"command": "rm -rf build", "force": True},
    }
    options = [
        {"optionId": "a", "name": "Allow for ever", "kind": "allow_always"},
        {"optionId": "o", "name": "Allow <i>once</i>", "kind": "allow_once"},
        {"optionId": "r", "name": "Reject it", "kind": "reject_once"},
    ]

    def ask(dispatch) -> str:
        body = {"dispatchId": dispatch["dispatchId"], "toolCall": tool_call, "options": options}
        path = f"/api/host-sessions/{shared.agent.id}/permissions"
        return cluster.api.post(path, body, shared.agent).expect(201)["approval"]["id"]

    def link(who, base: str) -> str:
        return f"{base}/s/{shared.id}#host={who.id}.{who.token}"

    people = (shared.host, delegate, viewer)

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            pages = [await running.open(link(who, cluster.bases[at % 2])) for at, who in enumerate(people)]
            host, dora, vera = pages
            # The page vouches for the text that it shows.
            prompt = shared.prompt("p\u00e9", delegate)
            await host.evaluate(RECORD_REQUESTS)
            await host.click("#pending button.primary")
            await host.wait_text("#pending-count", "0")
            digest = hashlib.sha256("p\u00e9".encode()).hexdigest()
            assert await host.evaluate("sent.map((body) => JSON.parse(body).promptHash)") == [digest]
            assert shared.approval(prompt["id"])["status"] == "approved"
            dispatch = await asyncio.to_thread(agent.take)
            agent.start(dispatch)
            first = ask(dispatch)
            for page in pages:
                shown = await page.wait_text("#pending .permission", "greeting")
                assert "<b>greeting</b>U+202E.txt" in shown and "\u202e" not in shown
                assert "/src/greeting.txt:3" in shown and "Hello, world" in shown
                await page.evaluate("document.querySelector('#pending .whole').open = true")
                shown = await page.wait_text("#pending .permission", "Raw input")
                assert "rm -rf build" in shown and "true" in shown
            labels = "[...document.querySelectorAll('#pending .permission button')].map((b) => b.innerText)"
            for page in (host, dora):
                assert await page.evaluate(labels) == [o["name"] for o in options]
            assert await vera.evaluate(labels) == []
            await dora.fill("#pending .permission input", "just this time")
            await dora.click("#pending .permission button.primary")
            for page in pages:
                await page.wait_text("#timeline .permission", "dora: Allow <i>once</i>")
                await page.wait_text("#timeline .permission", "just this time")
                await page.wait_text("#pending-count", "0")
            answered = shared.approval(first)
            assert (answered["optionId"], answered["status"]) == ("o", "approved")
            ask(dispatch)
            await host.wait_text("#pending-count", "1")
            agent.complete(dispatch)
            for page in pages:
                await page.wait_text("#timeline", "Withdrawn: turn ended")
                await page.wait_text("#pending-count", "0")
                assert page.problems == []

    asyncio.run(whole())
    agent.crash()
