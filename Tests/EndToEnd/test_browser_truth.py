"""The page says what is true: links opened in the same tab, drafts, what is not sent yet, leaving and coming back."""

from __future__ import annotations

import asyncio
import json

import pytest

from support.browser import browser
from support.processes import Processes
from support.scenario import share

STORED = "JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage })"
COUNT_POSTS = """(() => {
  window.keys = []
  const plain = window.fetch
  window.fetch = (address, options) => {
    if (/messages$/.test(address)) {
      keys.push(options.headers["Idempotency-Key"])
      if (keys.length < 3) return plain(address, options).then(() => { throw new TypeError("lost") })
    }
    return plain(address, options)
  }
})()"""


def link(shared, who, base: str) -> str:
    return f"{base}/s/{shared.id}#host={who.id}.{who.token}"


async def join(page, name: str) -> None:
    await page.fill("#join-name", name)
    await page.click("#join-form button")
    await page.wait_text("#people", name)


@pytest.mark.timeout(180)
def test_links_in_the_same_tab_leaving_and_coming_back_and_a_link_to_another_server(processes, cluster, tmp_path):
    shared = share(cluster.api, hostDisplayName="Ada")
    first, second = cluster.bases

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(f"{first}/s/{shared.id}")
            await page.wait_text("#message", "An invite is missing")
            await page.evaluate(f"(location.hash = 'invite={shared.invite}', true)")
            await join(page, "Grace")
            assert "#" not in await page.evaluate("location.href")

            # A draft survives a reload, in the kind it was begun as.
            await page.click("input[name=kind][value=prompt]")
            await page.fill("#composer-text", "half a thought")
            await page.wait_for("Object.keys(sessionStorage).some(key => key.includes('draft'))")
            await page.call("Page.reload")
            await page.wait_for("document.querySelector('#composer-text')?.value === 'half a thought'")
            assert await page.evaluate("document.querySelector('input[value=prompt]').checked")

            await page.click("#leave")
            await page.click("#confirm-yes")
            await page.wait_text("#message", "You have left the session")
            live = "document.querySelectorAll('#session, .bar-buttons, #connection')"
            assert await page.evaluate(f"[...{live}].map(part => part.checkVisibility())") == [False] * 3
            assert shared.id not in await page.evaluate(STORED)
            await page.click("#message-buttons button")
            await join(page, "Grace")
            # The same person again, not a second one of the name.
            assert "(2)" not in await page.evaluate("document.querySelector('#people').innerText")

            other = await running.open(f"{first}/")
            await other.fill("#start-link", f"{second}/s/{shared.id}#invite={shared.invite}")
            await other.click("#start-form button")
            await other.wait_for(f"location.origin === {json.dumps(second)}")
            await join(other, "Linus")

            lost = await running.open(f"{first}/no/such/page")
            await lost.wait_text("#message", "no such page")
            assert page.problems == other.problems == []

    asyncio.run(whole())


@pytest.mark.timeout(180)
def test_what_could_not_be_sent_waits_through_a_reload_and_arrives_once(processes: Processes, cluster, tmp_path):
    shared = share(cluster.api)

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(link(shared, shared.host, cluster.bases[0]))
            await page.wait_text("#connection", "Live")
            # The answers are lost, the messages are not: the same key makes it one message.
            await page.evaluate(f"({COUNT_POSTS}, true)")
            await page.fill("#composer-text", "only once")
            await page.click("#composer-send")
            await page.wait_text("#outbox", "Not sent yet, reconnecting")
            await page.wait_for("keys.length === 3 && document.querySelector('#outbox').hidden")
            assert await page.evaluate("new Set(keys).size") == 1
            assert (await page.wait_text("#timeline", "only once")).count("only once") == 1

            await page.call("Network.enable")
            await page.call("Network.setBlockedURLs", urls=["*/messages"])
            await page.fill("#composer-text", "after the reload")
            await page.click("#composer-send")
            await page.wait_text("#outbox", "after the reload")
            assert await page.evaluate("document.querySelector('#composer-text').value") == ""
            await page.call("Network.setBlockedURLs", urls=[])
            await page.call("Page.reload")
            await page.wait_text("#timeline", "after the reload")
            await page.wait_for("document.querySelector('#outbox').hidden")

            # Too much is said in numbers, and nothing of it is lost.
            await page.evaluate("(document.querySelector('#composer-text').value = 'x'.repeat(50000), true)")
            await page.click("#composer-send")
            await page.wait_text("#composer-error", "Too long: 50,000 of 16,384 bytes.")
            assert await page.evaluate("document.querySelector('#composer-text').value.length") == 50_000

    asyncio.run(whole())
    texts = [m["text"] for m in cluster.api.get(f"{shared.path}/messages").expect(200)["messages"]]
    assert texts == ["only once", "after the reload"]


@pytest.mark.timeout(180)
def test_people_of_one_name_what_waits_for_whom_and_what_is_unread(processes, cluster, tmp_path):
    shared = share(cluster.api, hostDisplayName="Ada")
    guest, twin = shared.join(displayName="Ada"), shared.join(displayName="\u05d3\u05e0\u05d9 \u202e" + "x" * 55)

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            host = await running.open(link(shared, shared.host, cluster.bases[0]))
            other = await running.open(link(shared, twin, cluster.bases[1]))
            await host.wait_text("#connection", "Live")
            await other.wait_text("#connection", "Live")
            shared.prompt("is this from the host?", guest)
            card = await host.wait_text("#pending", "is this from the host?")
            assert "Ada (2)" in card and "collaborator" in card and "Waits for you" in card
            assert "Waits for Ada" in await other.wait_text("#pending", "is this from the host?")
            assert await host.evaluate("document.title") == "(1) Tandem"
            assert "d92d20" in await host.evaluate("document.querySelector('link[rel=icon]').href")
            assert await other.evaluate("document.title") == "Tandem"
            await host.wait_text("#spoken-decision", "Ada (2) proposes: is this from the host?")
            names = "[...document.querySelectorAll('#people bdi')].map(name => name.textContent.length)"
            assert max(await other.evaluate(names)) < 60

            for number in range(60):
                shared.comment(f"comment {number}", guest)
            await host.wait_text("#timeline", "comment 59")
            await host.evaluate("(document.querySelector('#timeline').scrollTop = 0, true)")
            await host.wait_for("!document.querySelector('#jump').hidden")
            shared.comment("unread one", guest)
            shared.comment("unread two", guest)
            await host.wait_text("#jump", "2 new parts")
            # What somebody writes themselves is always shown to them.
            await host.fill("#composer-text", "mine")
            await host.click("#composer-send")
            await host.wait_for("document.querySelector('#jump').hidden")

            # Whoever is removed cannot come back by the link they came by.
            await host.evaluate("(document.querySelectorAll('#people .means-toggle')[0].click(), true)")
            await host.click("#people .means:not([hidden]) .danger")
            await host.click("#also-replace")
            await host.click("#confirm-yes")
            await host.wait_text("#general-invite", "no longer works")
            await other.wait_text("#timeline", "Ada removed Ada (2)")
            assert host.problems == other.problems == []

    asyncio.run(whole())
    path, body = f"{shared.path}/join", {"inviteToken": shared.invite, "userId": "again"}
    cluster.api.post(path, body).expect(403, "INVALID_INVITE_TOKEN")


@pytest.mark.timeout(180)
def test_the_whole_story_by_keyboard_alone(processes, cluster, tmp_path):
    shared = share(cluster.api, hostDisplayName="Ada")
    guest = shared.join(displayName="Grace")
    for prompt in ("approve me", "reject me", "change me"):
        shared.prompt(prompt, guest)
    rested = "!document.querySelector('#pending [data-answer][aria-disabled]')"

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(link(shared, shared.host, cluster.bases[0]))
            await page.wait_text("#pending-count", "3")
            await page.wait_for(rested)
            # A key answers only what has the focus.
            await page.press("a")
            await page.press("n")
            await page.wait_for("document.activeElement.innerText.includes('approve me')")
            await page.press("a")
            await page.wait_text("#pending-count", "2")
            await page.wait_for(rested)
            await page.press("n")
            await page.wait_for("document.activeElement.innerText.includes('reject me')")
            await page.press("r")
            await page.wait_text("#pending-count", "1")
            await page.wait_for(rested)
            await page.press("n")
            await page.press("e")
            await page.wait_for("document.activeElement.matches('#pending textarea')")
            await page.call("Input.insertText", text=" please")
            await page.evaluate("(document.querySelector('#pending article').focus(), true)")
            await page.wait_for(rested)
            await page.press("a")
            await page.wait_text("#pending-count", "0")
            assert await page.evaluate("document.activeElement !== document.body")
            await page.press("c")
            await page.call("Input.insertText", text="done, n a r e s ?")
            await page.call(
                "Input.dispatchKeyEvent", type="keyDown", key="Enter", windowsVirtualKeyCode=13, modifiers=2
            )
            await page.wait_text("#timeline", "done, n a r e s ?")
            await page.evaluate("(document.querySelector('#timeline').focus(), true)")
            await page.press("?")
            await page.wait_text("#keys", "Next decision")
            assert page.problems == []

    asyncio.run(whole())
    statuses = {a["prompt"]: (a["status"], a.get("editedPrompt")) for a in shared.snapshot()["approvals"]}
    assert statuses == {
        "approve me": ("approved", None),
        "reject me": ("rejected", None),
        "change me": ("approved", "change me please"),
    }
