"""Whoever closes the tab comes back as themselves, until they say otherwise or the server no longer takes their key."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from support.browser import browser
from support.client import APIKey, Credentials, HostToken
from support.scenario import ROOT, Shared, share, unique

KEY = "correct horse battery staple"
SESSION_IS_SHOWN = "!document.querySelector('#session').hidden"
STORED = "JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage })"
# What the page is about to save as a file.
SAVED = """window.saved = new Promise(resolve => {
  const make = URL.createObjectURL.bind(URL)
  URL.createObjectURL = blob => { resolve(blob.text()); return make(blob) }
})"""
FORM_IS_SHOWN = "!document.querySelector('#join').hidden"


@pytest.fixture
def keyed(make_cluster):
    """A session on a server that gives nobody's key out a second time."""
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    cluster = make_cluster(1, TANDEM_ACCESS="keyed", TANDEM_API_KEYS=f"ci:{digest}")
    api = cluster.api
    made = api.post("/api/host-sessions", {"userId": "o", "hostSessionId": unique("hs")}, APIKey(KEY)).expect(201)
    agent = HostToken(made["hostSession"]["id"], made["hostToken"])
    body = {"hostSessionId": agent.id, "hostUserId": "h"}
    reply = api.post(ROOT, body, APIKey(KEY), headers=agent.header).expect(201)
    host = Credentials(reply["hostParticipant"]["id"], reply["hostParticipant"]["accessToken"])
    session = reply["session"]
    shared = Shared(api, session["id"], reply["inviteToken"], host, agent, session, reply["hostParticipant"])
    return shared, cluster.bases[0]


def people(shared: Shared) -> list[str]:
    """Who is there now, by the names they gave."""
    present = shared.api.get(shared.path, shared.host).expect(200)["participants"]
    return [p["displayName"] for p in present if "leftAt" not in p and p["id"] != shared.host.id]


async def join(page, name: str) -> None:
    await page.fill("#join-name", name)
    await page.click("#join-form button")
    await page.wait_text("#people", name)


@pytest.mark.timeout(180)
def test_a_guest_who_closes_the_tab_comes_back_as_themselves_until_they_are_forgotten(processes, keyed, tmp_path):
    shared, base = keyed
    plain = f"{base}/s/{shared.id}"
    invite = f"{plain}#invite={shared.invite}"

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            first = await running.open(invite)
            await join(first, "Grace")
            await first.close()
            # By the invite, and by the bare address that their history knows.
            tabs = [await running.open(address, beside=first) for address in (invite, plain)]
            for tab in tabs:
                await tab.wait_for(SESSION_IS_SHOWN)
                await tab.wait_text("#people", "Grace")
                await tab.wait_text("#connection", "Live")
                assert "#" not in await tab.evaluate("location.href")
            assert people(shared) == ["Grace"]
            await tabs[0].fill("#composer-text", "from one tab")
            await tabs[0].click("#composer-send")
            await tabs[1].wait_text("#timeline", "from one tab")

            await tabs[0].click("#forget")
            await tabs[0].wait_text("#confirm-text", "removes your name and your key")
            await tabs[0].click("#confirm-yes")
            await tabs[0].wait_text("#message", "This browser has forgotten you")
            await tabs[1].wait_text("#message", "in another tab")
            for tab in tabs:
                assert "from one tab" not in await tab.evaluate("document.body.textContent")
            assert shared.id not in await tabs[0].evaluate(STORED) and "Grace" not in await tabs[0].evaluate(STORED)
            assert people(shared) == ["Grace"], "forgetting is not leaving"
            again = await running.open(plain, beside=first)
            await again.wait_text("#message", "An invite is missing")
            again = await running.open(invite, beside=first)
            await join(again, "Ada")
            assert people(shared) == ["Grace", "Ada"]
            for page in (first, *tabs, again):
                assert page.problems == []

    asyncio.run(whole())


@pytest.mark.timeout(180)
def test_one_browser_comes_back_to_several_sessions_each_with_its_own_key(processes, cluster, tmp_path):
    sessions = [share(cluster.api), share(cluster.api)]
    base = cluster.bases[0]

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            first = await running.open(f"{base}/s/{sessions[0].id}#invite={sessions[0].invite}")
            await join(first, "Grace")
            second = await running.open(f"{base}/s/{sessions[1].id}#invite={sessions[1].invite}", beside=first)
            await second.wait_for("document.querySelector('#join-name')?.value === 'Grace'")
            await second.click("#join-form button")
            await second.wait_text("#people", "Grace")
            for page in (first, second):
                await page.close()
            for shared in sessions:
                page = await running.open(f"{base}/s/{shared.id}", beside=first)
                await page.wait_text("#people", "Grace")
                await page.click("#leave")
                await page.click("#confirm-yes")
                await page.wait_text("#message", "You have left the session")
                assert shared.id not in await page.evaluate(STORED)
                assert page.problems == []

    asyncio.run(whole())


@pytest.mark.timeout(180)
def test_a_key_that_is_no_longer_taken_is_dropped_and_its_owner_can_join_again(processes, keyed, tmp_path):
    shared, base = keyed
    plain = f"{base}/s/{shared.id}"

    def remove(name: str) -> None:
        present = shared.api.get(shared.path, shared.host).expect(200)["participants"]
        who = next(p["id"] for p in present if p.get("displayName") == name and "leftAt" not in p)
        shared.api.delete(f"{shared.path}/participants/{who}", shared.host).expect(200)

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            first = await running.open(f"{plain}#invite={shared.invite}")
            await join(first, "Grace")
            remove("Grace")
            await first.wait_text("#join-why", "the host removed you")
            assert await first.evaluate(FORM_IS_SHOWN)
            await join(first, "Grace")
            await first.close()
            remove("Grace")
            later = await running.open(plain, beside=first)
            await later.wait_text("#join-why", "the host removed you")
            await join(later, "Grace")
            await later.wait_text("#connection", "Live")
            await later.fill("#composer-text", "once")
            await later.click("#composer-send")
            assert (await later.wait_text("#timeline", "once")).count("once") == 1

            # A link of a host that is wrong, and no invite: it is asked for.
            wrong = await running.open(f"{plain}#host={shared.host.id}.{'A' * 43}")
            await wrong.wait_text("#join-why", "no longer taken")
            assert "#" not in await wrong.evaluate("location.href")
            assert shared.host.id not in await wrong.evaluate(STORED)
            await wrong.fill("#join-link", f"{plain}x#invite={shared.invite}")
            await wrong.fill("#join-name", "Ada")
            await wrong.click("#join-form button")
            await wrong.wait_text("#join-error", "not an invite link of this session")
            await wrong.fill("#join-link", f"{plain}#invite={shared.invite}")
            await join(wrong, "Ada")

            shared.api.delete(shared.path, shared.host).expect(200)
            over = await running.open(plain, beside=first)
            await over.wait_text("#ended", "This session is over")
            assert "once" in await over.wait_text("#timeline", "The host ended the session")
            assert await over.evaluate("document.querySelector('#composer').hidden")
            await over.evaluate(f"({SAVED}, true)")
            await over.click("#ended-record")
            assert '"once"' in await over.evaluate("window.saved")
            await over.click("#forget")
            await over.click("#confirm-yes")
            await over.wait_text("#message", "has forgotten you")
            assert shared.id not in await over.evaluate(STORED)

    asyncio.run(whole())


@pytest.mark.timeout(120)
def test_a_browser_remembers_so_many_sessions_and_no_more(processes, cluster, tmp_path):
    shared = share(cluster.api)
    many = """import("/web/credentials.js").then(({ keep, read }) => {
      for (let at = 0; at < 60; at++) keep(`s${at}`, { id: "p", token: "t" })
      const kept = Object.keys(localStorage).filter((name) => name.startsWith("tandem:session:"))
      return [kept.length, read("s59")?.id ?? null]
    })"""

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(f"{cluster.bases[0]}/s/{shared.id}")
            await page.wait_text("#message", "invite")
            assert await page.evaluate(many) == [50, "p"]

    asyncio.run(whole())


@pytest.mark.timeout(180)
def test_who_lost_only_the_key_joins_as_somebody_new_instead_of_never_again(processes, keyed, tmp_path):
    shared, base = keyed
    invite = f"{base}/s/{shared.id}#invite={shared.invite}"

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            first = await running.open(invite)
            await join(first, "Grace")
            key = "Object.keys(localStorage).find((name) => name.startsWith('tandem:session:'))"
            await first.evaluate(f"localStorage.removeItem({key})")
            await first.close()
            again = await running.open(invite, beside=first)
            await join(again, "Grace")
            await again.wait_text("#connection", "Live")

    asyncio.run(whole())
    assert people(shared) == ["Grace", "Grace"]
