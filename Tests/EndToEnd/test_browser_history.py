"""Thousands of events: the newest are shown at once, older ones on the way up, and the page stays light.

The figures are printed (`-s` shows them), what is asserted is counts: a loaded machine is slower, not different.
"""

from __future__ import annotations

import asyncio

import pytest

from support.agent_updates import message, send, thought, tool
from support.bridge import Bridge
from support.browser import browser
from support.scenario import share
from support.watching import percentile, watch, watched

TURNS, PER_TURN = 60, 100
NODES = "document.querySelectorAll('*').length"
# From the snapshot's answer to the first entry that is shown.
SHOWN = """new Promise(resolve => {
  const snapshot = performance.getEntriesByType("resource")
    .filter(entry => /shared-sessions.[^/]+$/.test(entry.name)).at(-1)?.responseEnd ?? 0
  resolve(Math.round((window.firstEntry ?? performance.now()) - snapshot))
})"""
MARK_FIRST = """new MutationObserver((_, observer) => {
  if (!document.querySelector("#timeline .entries > li")) return
  requestAnimationFrame(() => { window.firstEntry = performance.now() })
  observer.disconnect()
}).observe(document, { childList: true, subtree: true })"""


def long_history(cluster):
    """60 turns of 100 updates each: words, steps with changes, thoughts."""
    shared = share(cluster.api)
    with Bridge(cluster.api, shared.agent, cluster.bases[0]) as agent:
        for turn in range(TURNS):
            shared.prompt(f"prompt number {turn}")
            dispatch = agent.take()
            agent.start(dispatch)
            updates = []
            for at in range(PER_TURN // 5):
                updates += [
                    thought(f"thinking about part {at}. "),
                    tool(f"{turn}-{at}", f"Edit file{at}.swift", kind="edit", status="in_progress"),
                    {"sessionUpdate": "tool_call_update", "toolCallId": f"{turn}-{at}", "status": "completed",
                     "content": [{"type": "diff", "path": f"/{at}.swift", "oldText": "a\nb\n", "newText": "a\nc\n"}]},
                    message(f"Part **{at}** of turn {turn} is done: `file{at}.swift`. ", f"{turn}-{at}"),
                    message("It was changed in one place.\n", f"{turn}-{at}"),
                ]  # fmt: skip
            send(shared, *updates)
            agent.complete(dispatch)
    return shared


@pytest.mark.timeout(240)
def test_the_newest_of_thousands_of_events_are_shown_first_and_the_page_stays_light(processes, cluster, tmp_path):
    shared = long_history(cluster)
    address = f"{cluster.bases[0]}/s/{shared.id}#host={shared.host.id}.{shared.host.token}"

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open("about:blank")
            await page.call("Page.addScriptToEvaluateOnNewDocument", source=MARK_FIRST)
            await page.call("Page.navigate", url=address)
            await page.wait_text("#timeline", f"prompt number {TURNS - 1}")
            shown, nodes = await page.evaluate(SHOWN), await page.evaluate(NODES)
            await watch(page)
            await page.evaluate("document.querySelector('#composer-text').focus()")
            for letter in "the quick brown fox jumps":
                await page.press(letter)
            await page.wait_for("document.querySelector('#composer-text').value.endsWith('jumps')")
            idle = await watched(page)
            for letter in "over the lazy dog":
                send(shared, message("streaming words, ", "live"))
                await page.press(letter)
            await page.wait_for("document.querySelector('#composer-text').value.endsWith('dog')")
            await page.wait_text("#timeline", "streaming words")
            busy = await watched(page)
            print(
                f"\n{TURNS * PER_TURN} events: shown {shown} ms after the snapshot, {nodes} nodes, "
                f"tasks over 50 ms until then {idle['long']} and while streaming {busy['long']}, "
                f"typing p95 {percentile(idle['keys'], 0.95):.0f} ms idle, {percentile(busy['keys'], 0.95):.0f} ms busy"
            )
            assert nodes < 6000, "only the newest are in the page"
            assert len(idle["long"]) < 15, "the history is taken in parts"
            assert busy["added"] < 40 and busy["removed"] < 10, "what streams is added to what is there"

            # Older ones come as somebody scrolls, up to where the session began.
            for _ in range(60):
                if "The session began" in await page.evaluate("document.querySelector('#timeline').innerText"):
                    break
                before = await page.evaluate("document.querySelectorAll('#timeline .entries > li').length")
                await page.evaluate("(document.querySelector('#timeline').scrollTop = 0, true)")
                more = f"document.querySelectorAll('#timeline .entries > li').length > {before}"
                began = "document.querySelector('#timeline').innerText.includes('The session began')"
                parts = "document.querySelector('#timeline .earlier:not([hidden])') !== null"
                await page.wait_for(f"{more} || {began} || {parts}")
            shown_now = await page.evaluate("document.querySelector('#timeline').innerText")
            assert "The session began" in shown_now and "prompt number 0" in shown_now
            await page.click("#jump")
            await page.wait_for("document.querySelector('#jump').hidden")
            assert page.problems == []

    asyncio.run(whole())


@pytest.mark.timeout(120)
def test_where_the_kept_events_begin_is_said(processes, make_cluster, tmp_path):
    cluster = make_cluster(1, TANDEM_EVENTS_RETAINED=100)
    shared = share(cluster.api)
    for number in range(400):
        shared.comment(f"comment {number}")

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(f"{cluster.bases[0]}/s/{shared.id}#host={shared.host.id}.{shared.host.token}")
            shown = await page.wait_text("#timeline", "comment 399")
            assert "comment 0\n" not in shown
            await page.evaluate("(document.querySelector('#timeline').scrollTop = 0, true)")
            await page.wait_text("#timeline", "no longer kept")

    asyncio.run(whole())
