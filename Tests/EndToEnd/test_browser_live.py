"""While the agent streams, every control reacts to its first click, and what has the focus or is selected stays."""

from __future__ import annotations

import asyncio
import json

import pytest

from support.agent_updates import message, send, tool
from support.bridge import Bridge
from support.browser import browser
from support.scenario import share
from support.watching import watch, watched

PER_SECOND = 30
STILL = "!document.querySelector('%s').hasAttribute('aria-disabled')"


@pytest.fixture
def turn(cluster):
    """A running turn with a proposal and a request of the agent that wait."""
    shared = share(cluster.api, hostDisplayName="Ada")
    guest = shared.join(displayName="Grace")
    with Bridge(cluster.api, shared.agent, cluster.bases[0]) as agent:
        shared.prompt("begin")
        dispatch = agent.take()
        agent.start(dispatch)
        send(shared, message("The first words. ", "one"), tool("c", "Read a.txt", status="completed"))
        shared.prompt("and then that", guest)
        yield shared, dispatch


async def stream(shared, until: asyncio.Event) -> None:
    """30 chunks a second, each a few words of one message."""
    number = 0
    while not until.is_set():
        number += 1
        await asyncio.to_thread(send, shared, message(f"word {number} and **more** of it. ", "two"))
        await asyncio.sleep(1 / PER_SECOND)


@pytest.mark.timeout(180)
def test_every_control_reacts_to_its_first_click_while_the_agent_streams(processes, cluster, turn, tmp_path):
    shared, _ = turn

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(f"{cluster.bases[1]}/s/{shared.id}#host={shared.host.id}.{shared.host.token}")
            await page.wait_text("#pending", "and then that")
            done = asyncio.Event()
            streaming = asyncio.create_task(stream(shared, done))
            await page.wait_text("#timeline", "word 5 ")
            await watch(page)

            async def reacts(selector: str, expression: str) -> None:
                """One click of the mouse, and no second one."""
                await page.tap(selector)
                await page.wait_for(expression, 20)

            for _ in range(3):
                await reacts("#people .means-toggle", "document.querySelector('#people .means:not([hidden])') !== null")
                await reacts("#people .means-toggle", "document.querySelector('#people .means:not([hidden])') === null")
            await reacts("#timeline .step summary", "document.querySelector('#timeline .step').open")
            await reacts("#general summary", "document.querySelector('#general').open")
            await reacts("#general summary", "!document.querySelector('#general').open")
            await reacts("#composer label:has([value=prompt])", "document.querySelector('#composer [value=prompt]').checked")
            await reacts("#open-keys", "document.querySelector('#keys').open")
            await reacts("#keys button", "!document.querySelector('#keys').open")

            # What is written, focused and selected stays.
            await page.fill("#pending .reason", "because")
            chosen = """(() => {
              const text = document.querySelector("#timeline .markdown p").firstChild
              getSelection().setBaseAndExtent(text, 4, text, 9)
              return getSelection().toString()
            })()"""
            assert await page.evaluate(chosen) == "first"
            await page.evaluate("(document.querySelector('#pending .reason').focus(), true)")
            seen = await page.evaluate("document.querySelector('#timeline').innerText.length")
            await page.wait_for(f"document.querySelector('#timeline').innerText.length > {seen + 500}")
            assert await page.evaluate("document.activeElement.value") == "because"
            last = """(() => {
              const text = [...document.querySelectorAll("#timeline .markdown p")].at(-1).firstChild
              getSelection().setBaseAndExtent(text, 0, text, 6)
              return getSelection().toString()
            })()"""
            assert await page.evaluate(last) == "word 1"
            seen = await page.evaluate("document.querySelector('#timeline').innerText.length")
            await page.wait_for(f"document.querySelector('#timeline').innerText.length > {seen + 500}")
            assert await page.evaluate("getSelection().toString()") == "word 1", "also in the message that grows"

            await page.wait_for(STILL % "#pending [data-do=reject]")
            await reacts("#pending [data-do=reject]", "document.querySelector('#pending-count').innerText === '0'")
            assert await page.evaluate("document.activeElement !== document.body"), "the focus is not lost"
            counts = await watched(page)
            print(f"\nwhile streaming: {counts['added']} nodes added, {counts['removed']} removed, {counts['long']}")
            await reacts("#turn-cancel", "true")
            done.set()
            await streaming
            assert page.problems == []

    asyncio.run(whole())
    assert [a["reason"] for a in shared.snapshot()["approvals"] if a["status"] == "rejected"] == ["because"]


@pytest.mark.timeout(120)
def test_what_hides_in_a_message_that_grows_is_shown_and_nothing_widens_the_page(processes, cluster, turn, tmp_path):
    shared, _ = turn
    hostile = (
        "<img src=x onerror=alert(1)> \u202egnp.exe [click](javascript:alert(1)) "
        "[bank](https://bank.example@evil.example/) "
    )
    widths = """[document.documentElement, ...document.querySelectorAll("#timeline, .side, .decisions, .drawer")]
      .map(part => part.scrollWidth - part.clientWidth)"""

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(f"{cluster.bases[0]}/s/{shared.id}#host={shared.host.id}.{shared.host.token}")
            await page.wait_text("#timeline", "The first words")
            send(
                shared,
                {"sessionUpdate": "session_info_update", "title": "t" * 50_000},
                message(hostile, "h"),
                message("x" * 50_000 + "\n\n| a | b |\n|--|--|\n| " + "y" * 3_000 + " | z |\n", "h"),
                message("```\n" + "z" * 20_000 + "\n```\n", "h"),
                tool("w", "w" * 50_000, kind="execute", rawInput={"command": "v" * 5_000}),
                tool("\u202e", "\u202eevil\u200b", status="in_progress"),
            )
            shared.comment("c" * 16_000)
            shown = await page.wait_text("#timeline", "ccc")
            assert "<img src=x" in shown and "U+202E" in shown and "\u202e" not in shown
            assert "evil.example" in shown
            links = await page.evaluate("[...document.querySelectorAll('#timeline a')].map(a => [a.protocol, a.rel])")
            assert links == [["https:", "noopener noreferrer nofollow"]]
            assert await page.evaluate("document.querySelectorAll('#timeline img').length") == 0
            await page.evaluate("(document.querySelectorAll('.steps-toggle').forEach(b => b.click()), true)")
            await page.evaluate("(document.querySelectorAll('.step').forEach(step => (step.open = true)), true)")
            for width, height in ((1440, 900), (720, 450), (390, 844), (320, 568)):
                await page.resize(width, height)
                assert set(await page.evaluate(widths)) == {0}, (width, json.dumps(await page.evaluate(widths)))
            assert page.problems == []

    asyncio.run(whole())
