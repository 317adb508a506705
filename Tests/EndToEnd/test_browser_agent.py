"""What the page shows of the agent and lets people change: its mode and options, and a prompt that interrupts."""

from __future__ import annotations

import asyncio
import json

import pytest

from support.browser import browser
from support.host import Host
from support.nodes import binary

EXAMPLE = [binary(), "example-agent", "--fast"]


async def choose(page, selector: str, value: str) -> None:
    field = f"document.querySelector({json.dumps(selector)})"
    await page.wait_for(f"{field} !== null && !{field}.closest('section').hidden")
    await page.evaluate(f"({field}.value = {json.dumps(value)}, {field}.dispatchEvent(new Event('change', {{bubbles: true}})))")


async def prompt(page, text: str) -> None:
    await page.click("input[name=kind][value=prompt]")
    await page.fill("#composer-text", text)
    await page.click("#composer-send")


@pytest.mark.timeout(180)
def test_a_mode_an_option_and_a_prompt_that_interrupts(processes, cluster, tmp_path):
    agent = Host(processes, cluster.api, EXAMPLE, "--cwd", str(tmp_path))
    shared = agent.shared
    hosts = f"{cluster.bases[0]}/s/{shared.id}#host={shared.host.id}.{shared.host.token}"
    invite = f"{cluster.bases[1]}/s/{shared.id}#invite={shared.invite}"

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            host, guest = await running.open(hosts), await running.open(invite)
            await guest.fill("#join-name", "Grace")
            await guest.click("#join-form button")
            await guest.wait_text("#people", "Grace")
            await guest.wait_text("#fact-agent", "Code")

            # The guest proposes another mode; the host approves it, and everybody sees it.
            await choose(guest, "[data-control=control-mode-mode]", "ask")
            await host.wait_text("#pending", "wants to set")
            await host.wait_text("#pending", "Set the agent's mode to ask.")
            await host.click("#pending button.primary")
            await guest.wait_text("#fact-agent", "Ask first")
            # The host sets an option at once.
            await choose(host, "[data-control=control-option-tone]", "formal")
            tone = "document.querySelector('[data-control=control-option-tone]').value === 'formal'"
            await guest.wait_for(tone)

            await prompt(host, "long 600")
            await host.wait_text("#timeline", "tick")
            await guest.wait_for("!document.querySelector('#turn').hidden")
            await guest.click("input[name=kind][value=prompt]")
            await guest.click("#composer-interrupt")
            await prompt(guest, "explain instead")
            await host.wait_text("#pending", "It stops what runs then, and runs next.")
            await host.click("#pending button.primary")
            await guest.wait_text("#timeline", "It was stopped for another prompt by")
            for page in (host, guest):
                assert page.problems == []

    asyncio.run(whole())
    state = shared.snapshot()["agent"]
    assert state["mode"] == "ask" and state["options"][0]["currentValue"] == "formal"
