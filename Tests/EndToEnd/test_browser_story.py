"""The whole story with a host and two guests on two nodes, one of them on a phone, in light and dark."""

from __future__ import annotations

import asyncio

import pytest

from support.agent_updates import message, send, tool
from support.bridge import Bridge
from support.browser import browser
from support.scenario import share
from support.showcase import ask, diff

RESTED = "!document.querySelector('#pending [data-answer][aria-disabled]')"


async def join(page, name: str) -> None:
    await page.fill("#join-name", name)
    await page.click("#join-form button")
    await page.wait_text("#people", name)
    await page.wait_text("#connection", "Live")


async def propose(page, text: str) -> None:
    await page.click("input[name=kind][value=prompt]")
    await page.fill("#composer-text", text)
    await page.click("#composer-send")


async def means(page, name: str, button: str) -> None:
    """What the host can do about a person: unfolded, and pressed."""
    row = f"[...document.querySelectorAll('#people li')].find(li => li.innerText.includes('{name}'))"
    await page.wait_for(f"{row} !== undefined")
    await page.evaluate(f"{row}.querySelector('.means').hidden && {row}.querySelector('.means-toggle').click()")
    found = f"{row}?.querySelector('{button}')"
    await page.wait_for(f"{found} && !{found}.hasAttribute('aria-disabled')")
    await page.evaluate(f"{found}.click()")


@pytest.mark.timeout(300)
def test_the_whole_story_of_a_host_and_two_guests(processes, cluster, tmp_path):
    shared = share(cluster.api, hostDisplayName="Ada")
    agent = Bridge(cluster.api, shared.agent, cluster.bases[0])
    first, second = cluster.bases
    invite = f"#invite={shared.invite}"

    def run(*updates) -> dict:
        dispatch = agent.take()
        agent.start(dispatch)
        send(shared, *updates)
        return dispatch

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            host = await running.open(f"{first}/s/{shared.id}#host={shared.host.id}.{shared.host.token}")
            grace = await running.open(f"{second}/s/{shared.id}{invite}")
            linus = await running.open(f"{first}/s/{shared.id}{invite}")
            pages = (host, grace, linus)
            await grace.prefer(prefers_color_scheme="dark")
            await join(grace, "Grace")
            await join(linus, "Linus")
            await linus.resize(390, 844)
            await grace.fill("#composer-text", "hello all")
            await grace.click("#composer-send")
            for page in pages:
                await page.wait_text("#timeline", "hello all")

            # Proposed, edited, approved, run.
            await propose(grace, "tidy up")
            await host.wait_text("#pending", "tidy up")
            await linus.wait_text("#waiting-bar", "Grace proposes: tidy up")
            await host.click("#pending [data-do=edit]")
            await host.fill("#pending textarea", "tidy up the tests")
            await host.click("#pending [data-do=approve]")
            dispatch = await asyncio.to_thread(run, message("Tidying.\n"), tool("1", "Read a.txt", status="completed"))
            for page in pages:
                await page.wait_text("#timeline", "Edited and approved by Ada")
                await page.wait_text("#turn-text", "The agent is working")
            # The agent asks; a delegate on a phone answers.
            await means(host, "Linus", ".may-approve")
            await linus.wait_text("#timeline", "Ada lets Linus approve prompts")
            change = diff("/src/a.txt", "one\ntwo\n", "one\n2\n")
            await asyncio.to_thread(ask, shared, dispatch, kind="edit", content=[change])
            await grace.wait_text("#pending", "Waits for Ada or Linus")
            await linus.tap("#waiting-bar")
            card = await linus.wait_text("#pending", "Edit a.txt")
            assert "+1" in card and "Grace" in card
            await linus.wait_for(RESTED)
            await linus.click("#pending [data-do=approve]")
            await host.wait_text("#timeline", "Linus: Allow once")
            assert (await asyncio.to_thread(agent.stream.next)).type == "permission"
            send(shared, message("All **done**.", "end"))
            agent.complete(dispatch)
            for page in pages:
                await page.wait_text("#timeline", "All done.")
                await page.wait_text("#spoken", "The agent has finished. All **done**.")

            # Rejected with a reason, stopped, removed and back.
            await propose(grace, "delete it all")
            await host.wait_text("#pending", "delete it all")
            await host.fill("#pending .reason", "we need it")
            await host.click("#pending [data-do=reject]")
            await grace.wait_text("#timeline", "Rejected by Ada · Reason: we need it")
            await propose(host, "and one more")
            dispatch = await asyncio.to_thread(run, message("Working", "w"))
            await host.click("#turn-cancel")
            await asyncio.to_thread(agent.expect_cancel, dispatch["dispatchId"])
            agent.complete(dispatch, "cancelled")
            await grace.wait_text("#timeline", "It was stopped")
            await means(host, "Grace", ".danger")
            await host.click("#confirm-yes")
            await grace.wait_text("#join-why", "the host removed you")
            await join(grace, "Grace")

            await host.click("#tool-close")
            await host.click("#confirm-yes")
            for page in pages:
                await page.wait_text("#ended", "This session is over")
                assert "All done." in await page.evaluate("document.querySelector('#timeline').innerText")
                assert await page.evaluate("document.querySelector('#composer').hidden")
            await linus.call("Page.reload")
            await linus.wait_text("#ended", "This session is over")
            await linus.wait_text("#timeline", "All done.")
            for page in pages:
                # Being refused after a removal and after the end is a part of the story.
                assert [problem for problem in page.problems if '"network"' not in problem] == []

    asyncio.run(whole())
    agent.crash()
