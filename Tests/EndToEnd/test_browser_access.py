"""Everybody can use the page: axe-core finds nothing on any view; on a phone and at 200 % nothing is lost."""

from __future__ import annotations

import asyncio

import pytest
import zxingcpp

from support.agent_updates import message, send, tool
from support.bridge import Bridge
from support.browser import browser
from support.scenario import share
from support.watching import violations

ANSWER = """## Changed

It **works** now, see [the manual](https://example.org/manual), and `a.txt`:

- [x] one
- two
  1. three

| a | b |
|---|--:|
| 1 | 2 |

> quoted

```swift
// A comment
let text = "word", number = 42
```
"""
OUTPUT = "\x1b[1mBuilding\x1b[0m\n\x1b[31merror:\x1b[0m no\n\x1b[38;5;208mwarning\x1b[0m \x1b[44mblue\x1b[0m\n"
SCHEMES = ("light", "dark")
# Everything that can be pressed or written into, and how large it is where it can be seen.
SMALL = """[...document.querySelectorAll("button, summary, select, input, textarea, label.check")]
  .filter(node => node.getClientRects().length)
  .filter(node => node.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }))
  .filter(node => !node.closest(".segmented, label.check input") && !node.matches("label.check input, .backdrop"))
  .filter(node => node.getBoundingClientRect().height < 43.5)
  .map(node => node.outerHTML.slice(0, 80))"""


@pytest.fixture
def session(cluster):
    """A session in which everything that can be shown is there."""
    shared = share(cluster.api, hostDisplayName="Ada")
    grace, second = shared.join(displayName="Grace"), shared.join(displayName="Grace")
    shared.comment("Shall we?", grace)
    with Bridge(cluster.api, shared.agent, cluster.bases[0]) as agent:
        shared.prompt("first")
        dispatch = agent.take()
        agent.start(dispatch)
        old = "\n".join(f"line {n}" for n in range(30))
        diff = {"type": "diff", "path": "/src/a.txt", "oldText": old, "newText": old.replace("line 9", "line nine")}
        send(
            shared,
            {"sessionUpdate": "plan", "entries": [{"content": "Look", "priority": "high", "status": "in_progress"}]},
            {"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": "Hm."}},
            message("Looking.\n", "a"),
            tool("1", "Edit a.txt", kind="edit", status="completed", content=[diff], rawInput={"path": "a.txt"}),
            tool("2", "make", kind="execute", status="failed",
                 content=[{"type": "content", "content": {"type": "text", "text": OUTPUT}}]),
            message(ANSWER, "b"),
        )  # fmt: skip
        agent.complete(dispatch)
        rejected = shared.prompt("never", second)
        shared.resolve(rejected["id"], "reject", reason="No")
        shared.prompt("do this next", grace)
        shared.prompt("second")
        dispatch = agent.take()
        agent.start(dispatch)
        call = {"toolCallId": "3", "title": "Edit a.txt", "kind": "edit", "content": [diff], "rawInput": {"x": 1}}
        options = [
            {"optionId": "o", "name": "Allow", "kind": "allow_once"},
            {"optionId": "r", "name": "Reject", "kind": "reject_once"},
        ]
        body = {"dispatchId": dispatch["dispatchId"], "toolCall": call, "options": options}
        cluster.api.post(f"/api/host-sessions/{shared.agent.id}/permissions", body, shared.agent).expect(201)
        yield shared


def hosts_link(cluster, shared) -> str:
    return f"{cluster.bases[0]}/s/{shared.id}#host={shared.host.id}.{shared.host.token}&invite={shared.invite}"


async def unfold_all(page) -> None:
    await page.evaluate("(document.querySelectorAll('.steps-toggle').forEach(b => b.click()), true)")
    await page.evaluate("(document.querySelectorAll('details').forEach(part => (part.open = true)), true)")
    await page.evaluate("(document.querySelectorAll('.means-toggle').forEach(b => b.click()), true)")


@pytest.mark.timeout(300)
def test_axe_finds_nothing_on_any_view_in_light_and_dark(processes, cluster, session, tmp_path):
    base = cluster.bases[0]

    async def clean(page, view: str) -> None:
        for scheme in SCHEMES:
            await page.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
            assert await violations(page) == [], (view, scheme)

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            for address, selector in (
                (f"{base}/", "#start-link"),
                (f"{base}/s/{session.id}#invite={session.invite}", "#join-name"),
                (f"{base}/s/{session.id}", "#message-title"),
                (f"{base}/nowhere", "#message-title"),
            ):
                page = await running.open(address)
                await page.wait_for(f"document.querySelector('{selector}').getClientRects().length > 0")
                await clean(page, address)
                await page.close()
            host = await running.open(hosts_link(cluster, session))
            await host.wait_text("#pending-count", "2")
            await host.wait_text("#connection", "Live")
            await unfold_all(host)
            await host.click("#pending .edit")
            await host.wait_for("!document.querySelector('[data-answer][aria-disabled]')")
            await clean(host, "the host's session")
            await host.press("Escape")
            await host.evaluate("(document.activeElement.blur(), true)")
            await host.press("?")
            await host.wait_for("document.querySelector('#keys').open")
            await clean(host, "keys")
            await host.evaluate("(document.querySelector('#keys').close(), true)")
            await host.resize(390, 844)
            for opener, view in (("#waiting-bar", "sheet"), ("#open-people", "drawer")):
                await host.evaluate(f"(document.querySelector('{opener}').click(), true)")
                await host.wait_for(f"document.body.classList.contains('{view}-open')")
                await host.wait_for("document.getAnimations().length === 0")
                await clean(host, view)
                assert await host.evaluate(SMALL) == [], view
                await host.press("Escape")
                await host.wait_for(f"!document.body.classList.contains('{view}-open')")
                assert await host.evaluate("document.activeElement !== document.body"), "the focus goes back"
            await host.prefer(forced_colors="active")
            assert await host.evaluate("matchMedia('(forced-colors: active)').matches")
            session.close()
            await host.wait_text("#ended", "This session is over")
            live = "#people .means-toggle, #composer:not([hidden]), #host-tools:not([hidden]), #pending button"
            await host.wait_for(f"document.querySelectorAll('{live}').length === 0")
            await clean(host, "ended")
            assert host.problems == []

    asyncio.run(whole())


@pytest.mark.timeout(180)
def test_on_a_phone_and_at_200_percent_everything_is_on_the_screen(processes, cluster, session, tmp_path):
    # 1440 pixels at 200 % are 720; 320 are what a page must do with at 400 %.
    inside = """["#composer-send", "#composer-text", "#timeline", "#waiting-bar"].map(name => {
      const { top, bottom, left, right } = document.querySelector(name).getBoundingClientRect()
      return top >= 0 && bottom <= innerHeight && left >= 0 && right <= innerWidth
    })"""
    scrolls = "document.documentElement.scrollHeight - innerHeight"

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(hosts_link(cluster, session))
            await page.wait_text("#pending-count", "2")
            for width, height in ((390, 844), (320, 568), (720, 450)):
                await page.resize(width, height)
                await page.wait_for("document.querySelector('#waiting-bar').getClientRects().length > 0")
                assert await page.evaluate(inside) == [True] * 4, (width, height)
                assert await page.evaluate(scrolls) <= 0, "the timeline is the only scroller"
                assert await page.evaluate("document.querySelector('.bar').offsetHeight") == 48
                assert await page.evaluate("document.querySelector('#timeline').clientHeight") > 60
            await page.resize(390, 844)
            one_line = await page.evaluate("document.querySelector('#composer-text').offsetHeight")
            await page.fill("#composer-text", "one\ntwo\nthree\nfour")
            assert await page.evaluate("document.querySelector('#composer-text').offsetHeight") > one_line + 40
            assert await page.evaluate(inside) == [True] * 4
            # A decision by touch: the bar opens the sheet, and the answer is on the screen without scrolling.
            await page.tap("#waiting-bar")
            await page.wait_for("document.body.classList.contains('sheet-open')")
            await page.wait_for("!document.querySelector('#pending [data-answer][aria-disabled]')")
            place = "document.querySelector('#pending [data-do=approve]').getBoundingClientRect()"
            await page.wait_for(f"{place}.bottom <= innerHeight && {place}.top >= 0")
            await page.tap("#pending [data-do=approve]")
            await page.wait_text("#pending-count", "1")
            await page.tap("#close-sheet")
            await page.tap("#open-people")
            await page.wait_for("document.body.classList.contains('drawer-open')")
            assert page.problems == []

    asyncio.run(whole())


def decoded(rows: list[str]) -> str:
    """What a reader makes of a code that is drawn with eight pixels for each square."""
    lines = [bytes(0 if square == "1" else 255 for square in row for _ in range(8)) for row in rows for _ in range(8)]
    picture = memoryview(b"".join(lines)).cast("B", (len(lines), len(lines[0])))
    return zxingcpp.read_barcodes(picture)[0].text


@pytest.mark.timeout(120)
def test_links_are_copied_and_their_qr_codes_can_be_read(processes, cluster, tmp_path):
    shared = share(cluster.api)
    link = f"{cluster.bases[0]}/s/{shared.id}#invite={shared.invite}"
    codes = """import("/web/qr.js").then(({ qrRows }) => %s.map(text =>
      qrRows(text).map(row => "0000" + row.map(dark => dark ? "1" : "0").join("") + "0000")))"""
    drawn = """[...document.querySelector("#general .qr path").getAttribute("d").matchAll(/M(\\d+) (\\d+)/g)]
      .map(([, x, y]) => [Number(x), Number(y)])"""

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(hosts_link(cluster, shared))
            await page.wait_text("#connection", "Live")
            texts = ["x" * length for length in (1, 15, 27, 63, 107, 181, 214, 330, 413, 504, 625, 666)]
            texts.append("\u00e9\u4e2d \U0001f600")
            for text, rows in zip(texts, await page.evaluate(codes % texts), strict=True):
                blank = "0" * len(rows[0])
                assert decoded([blank] * 4 + rows + [blank] * 4) == text
            too_long = """import("/web/qr.js").then(({ qrRows }) => {
              try { qrRows("x".repeat(667)) } catch (error) { return error.name }
            })"""
            assert await page.evaluate(too_long) == "RangeError"

            await page.click("#general summary")
            await page.wait_text("#general .url", link)
            await page.click("#general .qr-place summary")
            await page.wait_for("document.querySelector('#general .qr') !== null")
            size = int(
                (await page.evaluate("document.querySelector('#general .qr').getAttribute('viewBox')")).split()[2]
            )
            dark = {tuple(place) for place in await page.evaluate(drawn)}
            assert decoded(["".join("1" if (x, y) in dark else "0" for x in range(size)) for y in range(size)]) == link
            await page.evaluate("(navigator.clipboard.writeText = async text => { window.copied = text }, true)")
            await page.click("#general .copy")
            await page.wait_text("#general .copy", "Copied")
            assert await page.evaluate("window.copied") == link
            await page.click("#tool-invite")
            await page.wait_text("#general-invite", "no longer works")
            assert link not in await page.evaluate("document.querySelector('#general-invite').innerText")
            assert page.problems == []

    asyncio.run(whole())
