"""The web page in a real browser: a guest joins by the invite link, the host decides, both see the agent work."""

from __future__ import annotations

import asyncio

import pytest

from support.browser import browser
from support.host import Host
from support.nodes import Node, binary
from support.redis_server import RedisServer, free_port
from support.scenario import share

COMPOSER_IS_GONE = """(() => {
  const send = document.querySelector("#composer-send")
  return send.disabled || send.getClientRects().length === 0
})()"""
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
