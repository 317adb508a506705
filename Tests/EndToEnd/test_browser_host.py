"""What a host does with a live session in the page, and what the others see of it at once."""

from __future__ import annotations

import asyncio
import json

import pytest

from support.browser import browser
from support.scenario import share
from support.waiting import eventually_async

# What the page is about to save as a file.
SAVED = """window.saved = new Promise(resolve => {
  const make = URL.createObjectURL.bind(URL)
  URL.createObjectURL = blob => { resolve(blob.text()); return make(blob) }
})"""


def links(shared, base: str) -> tuple[str, str]:
    page = f"{base}/s/{shared.id}"
    return f"{page}#host={shared.host.id}.{shared.host.token}", f"{page}#invite={shared.invite}"


async def unfold(page, selector: str) -> None:
    await page.wait_for(f"document.querySelector({json.dumps(selector)}) !== null")
    await page.evaluate(f"document.querySelector({json.dumps(selector)}).closest('details').open = true")


async def choose(page, selector: str, value: str) -> None:
    field = f"document.querySelector({json.dumps(selector)})"
    changed = "new Event('input', { bubbles: true })"
    await page.evaluate(f"({field}.value = {json.dumps(value)}, {field}.dispatchEvent({changed}))")


async def join(page, name: str) -> None:
    await page.fill("#join-name", name)
    await page.click("#join-form button")
    await page.wait_text("#people", name)


def person(name: str, button: str) -> str:
    """The button of that name beside a person, as an expression."""
    return (
        f"[...document.querySelectorAll('#people li')].find(li => li.innerText.includes({json.dumps(name)}))"
        f"?.querySelector({json.dumps(button)})"
    )


async def press(page, expression: str) -> None:
    await page.wait_for(f"{expression} && !({expression}).disabled && !({expression}).hasAttribute('aria-disabled')")
    await page.evaluate(f"({expression}).click()")


@pytest.mark.timeout(180)
def test_settings_people_and_the_handing_over_of_the_role(processes, cluster, tmp_path):
    shared = share(cluster.api)
    hosts, invite = links(shared, cluster.bases[0])[0], links(shared, cluster.bases[1])[1]

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            host, guest = await running.open(hosts), await running.open(invite)
            await join(guest, "Grace")
            await host.wait_text("#people", "Grace")

            await unfold(host, "#settings")
            await choose(host, "#set-mode", "comment_only")
            await host.click("#settings button")
            await guest.wait_text("#fact-mode", "comment only")
            await choose(host, "#set-mode", "prompt_with_approval")
            await host.fill("#set-timeout", "2")
            await host.fill("#set-expiry", "30")
            await host.click("#settings button")
            await guest.wait_text("#fact-expiry", "ends in")
            session = shared.snapshot()["session"]
            assert session["approvalTimeoutSeconds"] == 120 and "expiresAt" in session
            for needed in ("2", "1"):
                await host.fill("#set-needed", needed)
                await host.click("#settings button")
                await eventually_async(
                    lambda needed=needed: str(shared.snapshot()["session"].get("approvalsNeeded", 1)) == needed,
                    "as many must approve as the host has said",
                )

            await guest.click("input[name=kind][value=prompt]")
            await guest.fill("#composer-text", "do this and that")
            await guest.click("#composer-send")
            await guest.wait_text("#pending", "do this and that")
            await press(host, person("Grace", ".means-toggle"))
            await press(host, person("Grace", ".may-approve"))
            await guest.wait_text("#pending", "Approve and run")
            await guest.click("#pending .edit")
            await guest.fill("#pending textarea", "do only this")
            await guest.click("#pending button.primary")
            await host.wait_text("#queue", "do only this")
            await host.wait_text("#queue-count", "1")
            await guest.click("#queue button")
            await host.wait_for("document.querySelector('#queue-section').hidden")

            await press(host, person("Grace", ".make-host"))
            await host.click("#confirm-yes")
            await guest.wait_text("#fact-role", "host")
            await host.wait_text("#fact-role", "collaborator")
            await guest.wait_for("!document.querySelector('#host-tools').hidden")
            await host.wait_for("document.querySelector('#host-tools').hidden")
            for page in (host, guest):
                assert page.problems == []

    asyncio.run(whole())
    approval = shared.snapshot()["approvals"][0]
    assert approval["prompt"] == "do this and that" and approval["editedPrompt"] == "do only this"
    assert approval["status"] == "withdrawn"


@pytest.mark.timeout(180)
def test_invites_with_bounds_of_their_own_and_the_record(processes, cluster, tmp_path):
    shared = share(cluster.api)
    hosts = links(shared, cluster.bases[0])[0]

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            host = await running.open(hosts)
            await unfold(host, "#invite-form")
            await host.fill("#invite-label", "the auditors")
            await choose(host, "#invite-role", "viewer")
            await host.fill("#invite-uses", "1")
            await host.click("#invite-form button")
            await host.wait_text("#invite-list", "Uses: 0 of 1")
            link = await host.wait_text("#tool-result .url", "#invite=")
            assert link.startswith(f"{cluster.bases[0]}/s/{shared.id}#invite=")

            guest = await running.open(link.strip())
            await join(guest, "Otto")
            await guest.wait_text("#fact-role", "viewer")
            late = await running.open(link.strip())
            await late.fill("#join-name", "Paula")
            await late.click("#join-form button")
            await late.wait_text("#join-error", "invite")

            await host.fill("#invite-label", "somebody else")
            await host.click("#invite-form button")
            await host.wait_text("#invite-list", "somebody else")
            await host.click("#invite-list button")
            await host.wait_text("#invite-list", "ended")

            await host.evaluate(f"({SAVED}, true)")
            await host.click("#record")
            lines = [json.loads(line) for line in (await host.evaluate("window.saved")).splitlines()]
            assert lines[0]["type"] == "shared_session_created"
            joined = [line["payload"]["participant"] for line in lines if line["type"] == "participant_joined"]
            assert [participant["displayName"] for participant in joined[1:]] == ["Otto"]
            assert host.problems == []

    asyncio.run(whole())
