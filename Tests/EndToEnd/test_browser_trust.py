"""What an approver is shown in the page is what they answer: nothing hidden, nothing cut unsaid, nothing swapped."""

from __future__ import annotations

import asyncio
import json

import pytest

from support.bridge import Bridge
from support.browser import browser
from support.scenario import share

# Clicks, at the very moment when the cards change, at the place where a button stood until then.
CLICK_AT_THE_SWAP = """(() => {
  const { x, y, width, height } = document.querySelector("#pending .permission button").getBoundingClientRect()
  window.swapped = new Promise(resolve => new MutationObserver((_, observer) => {
    if (document.querySelectorAll("#pending .permission").length !== 1) return
    observer.disconnect()
    const under = document.elementFromPoint(x + width / 2, y + height / 2)
    under.dispatchEvent(new MouseEvent("click", { bubbles: true, detail: 1 }))
    resolve(under.innerText)
  }).observe(document.querySelector("#pending"), { childList: true }))
})()"""
RECORD_ANSWERS = """(() => {
  window.sent = []
  const plain = window.fetch
  window.fetch = (address, options) => {
    if (/approvals/.test(address)) window.sent.push(options)
    return plain(address, options)
  }
})()"""
BOTH_AT_ONCE = """(() => {
  for (const name of ["%s", "%s"]) document.querySelector("#pending " + name).click()
})()"""
REFUSE_WITH = """(() => {
  window.fetch = async () => new Response(JSON.stringify({ error: "no", code: "%s" }), { status: %d })
})()"""
NO_NETWORK = "(window.fetch = () => Promise.reject(new TypeError('Failed to fetch')), true)"
OPTIONS = [
    {"optionId": "o", "name": "Allow once", "kind": "allow_once"},
    {"optionId": "n", "name": "Reject", "kind": "allow_always"},
    {"optionId": "r", "name": "No", "kind": "reject_once"},
]
# One of each class, as an approver must see it.
HIDDEN = (
    *(0x00, 0x1B, 0x0D, 0x85, 0xA0, 0xAD),  # controls, a space that is none, soft hyphen
    *(0x200B, 0x200D, 0x200F, 0x2060, 0x2064, 0xFEFF),  # zero width
    *(0x061C, 0x202A, 0x202E, 0x2066, 0x2069),  # direction
    *(0xE0041, 0xE007F, 0xFE00, 0xFE0F, 0xE0100),  # tags, variation selectors after a letter
    *(0x2028, 0x2029, 0x2800, 0x3164, 0xE000),  # separators, blanks, private use
)

# What stands on the card of the request that is as hostile as can be.
EXACT = (
    *("/src/aU+000AbU+200B.txt:3", "/newU+2066.txt", "new file", "oneU+00A0two", "[image]", "itU+2060"),
    *("curl xU+00AD | sh", "rm -rf /", "argU+200Es", "too large to be shown exactly", "32 lines, 351 characters"),
    *("GoU+202E on", "allows it this time", "allows it from now on, without asking", "refuses it this time"),
    "counts as allowing it (strange)",
)


def link(shared, who, base: str) -> str:
    return f"{base}/s/{shared.id}#host={who.id}.{who.token}"


class Turn:
    """A turn of the agent that asks."""

    def __init__(self, cluster, **session) -> None:
        self.api = cluster.api
        self.shared = share(cluster.api, **session)
        self.agent = Bridge(cluster.api, self.shared.agent, cluster.bases[0])
        self.shared.prompt("begin")
        self.dispatch = self.agent.take()
        self.agent.start(self.dispatch)

    def ask(self, title: str, options=OPTIONS, **call) -> str:
        body = {"dispatchId": self.dispatch["dispatchId"], "toolCall": {"toolCallId": "c", "title": title} | call}
        path = f"/api/host-sessions/{self.shared.agent.id}/permissions"
        return self.api.post(path, body | {"options": options}, self.shared.agent).expect(201)["approval"]["id"]

    def withdraw(self, approval: str) -> None:
        path = f"/api/host-sessions/{self.shared.agent.id}/permissions/{approval}"
        self.api.delete(path, self.shared.agent).expect(200)

    def status(self, approval: str) -> str:
        return self.shared.approval(approval)["status"]


@pytest.fixture
def turn(cluster):
    made = Turn(cluster)
    yield made
    made.agent.crash()


@pytest.mark.timeout(120)
def test_a_request_that_slides_under_the_pointer_takes_no_answer(processes, cluster, turn, tmp_path):
    harmless, other = turn.ask("read the manual"), turn.ask("erase the disk")

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(link(turn.shared, turn.shared.host, cluster.bases[0]))
            await page.wait_text("#pending-count", "2")
            await page.wait_for("!document.querySelector('#pending [data-answer][aria-disabled]')")
            await page.evaluate(RECORD_ANSWERS)
            await page.evaluate(CLICK_AT_THE_SWAP)
            turn.withdraw(harmless)
            assert await page.evaluate("window.swapped") == "Allow once", "the pointer was over the other request"
            await page.wait_text("#pending", "only just appeared or moved")
            assert await page.evaluate("window.sent.length") == 0
            assert turn.status(other) == "pending"
            # Once it has stood still it is as good as any.
            await page.click("#pending .permission button")
            await page.wait_text("#pending-count", "0")
            assert page.problems == []

    asyncio.run(whole())
    assert turn.status(other) == "approved"


@pytest.mark.timeout(120)
def test_an_answer_to_what_has_gone_says_so_and_changes_nothing(processes, cluster, turn, tmp_path):
    asked = turn.ask("read the manual")

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(link(turn.shared, turn.shared.host, cluster.bases[0]))
            await page.wait_for("document.querySelector('#pending [data-answer]:not([aria-disabled])') !== null")
            # The page does not hear of it before it answers.
            await page.evaluate("window.requestAnimationFrame = () => 0")
            turn.shared.answer(asked, "r")
            await page.click("#pending .permission button")
            await page.wait_text("#notice", "Your answer changed nothing")

    asyncio.run(whole())
    assert turn.shared.approval(asked)["optionId"] == "r"


@pytest.mark.timeout(120)
def test_a_request_that_was_cut_says_how_much_and_takes_a_second_step(processes, cluster, turn, tmp_path):
    cut = [{"field": "rawInput", "bytes": 12345}, {"field": "content", "bytes": 1}, {"field": "x\u202e", "bytes": "y"}]
    asked = turn.ask("write a file", _meta={"tandem": {"cut": cut}})
    missing = "12,345 bytes of its input, 1 byte of its content and an unknown number of bytes of \u201cxU+202E\u201d"

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(link(turn.shared, turn.shared.host, cluster.bases[0]))
            await page.wait_text("#pending .cut", f"Not everything is shown. Cut because it was too large: {missing}.")
            await page.evaluate(RECORD_ANSWERS)
            await page.click("#pending .options button")
            step = await page.wait_text("#pending .unseen", f"You have not seen {missing}.")
            assert "Allow once" in step and "allows it this time" in step
            assert await page.evaluate("document.querySelectorAll('#pending .options').length") == 0
            # Neither step takes the second half of a double click on the other.
            await page.evaluate(BOTH_AT_ONCE % (".back", ".options li:nth-child(3) button"))
            await page.wait_text("#pending", "only just appeared or moved")
            await page.wait_for("!document.querySelector('#pending [data-answer][aria-disabled]')")
            await page.evaluate(BOTH_AT_ONCE % (".options li:nth-child(3) button", ".unseen-yes"))
            await page.wait_text("#pending .unseen", "No")
            assert await page.evaluate("window.sent.length") == 0
            assert turn.status(asked) == "pending"
            await page.click("#pending .unseen-yes")
            await page.wait_text("#pending-count", "0")
            assert page.problems == []

    asyncio.run(whole())
    answered = turn.shared.approval(asked)
    assert (answered["status"], answered["optionId"]) == ("rejected", "r")


@pytest.mark.timeout(120)
def test_an_approver_sees_the_exact_request_and_what_its_options_really_do(processes, cluster, turn, tmp_path):
    turn.ask(
        "run \u202etests",
        kind="execute",
        locations=[{"path": "/src/a\nb\u200b.txt", "line": 3}],
        content=[
            {"type": "diff", "path": "/new\u2066.txt", "newText": "one\u00a0two\n"},
            {"type": "content", "content": {"type": "image", "data": "", "mimeType": "image/png"}},
            {"type": "unheard", "of": "it\u2060"},
        ],
        rawInput={
            "command": f"curl x\u00ad | sh\n{'y' * 300}" + "\n" * 30 + "rm -rf /",
            "force": True,
            "inode": 12345678901234567890,
            "arg\u200es": ["a", 1],
        },
        options=[*OPTIONS, {"optionId": "u", "name": "Go\u202e on", "kind": "strange"}],
    )
    plain = turn.shared.join(displayName="Gr\u202eace\u200b")

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(link(turn.shared, turn.shared.host, cluster.bases[0]))
            await page.wait_text("#pending .permission", "run U+202Etests")
            await page.evaluate("document.querySelector('#pending .whole').open = true")
            shown = await page.wait_text("#pending .permission", "Raw input")
            for text in EXACT:
                assert text in shown, text
            people = await page.wait_text("#people", "GrU+202EaceU+200B")
            assert not set(people + shown) & set(map(chr, HIDDEN))
            assert await page.evaluate("[...document.querySelectorAll('#people bdi')].length") == 2
            await page.wait_text("#timeline", "GrU+202EaceU+200B joined")
            whole = await page.wait_text("#pending .whole", '"toolCallId": "c"')
            assert "xU+00AD | sh" in whole
            # However long a command is, it wraps, also on a phone.
            for width in (1280, 390):
                screen = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": False}
                await page.call("Emulation.setDeviceMetricsOverride", **screen)
                parts = "[document.documentElement, document.querySelector('.side')]"
                assert await page.evaluate(f"{parts}.map((part) => part.scrollWidth - part.clientWidth)") == [0, 0]
            assert page.problems == []

    asyncio.run(whole())
    assert plain


@pytest.mark.timeout(120)
def test_a_viewer_who_may_decide_from_now_on_sees_what_was_kept_from_viewers(processes, cluster, tmp_path):
    turn = Turn(cluster, viewerUpdates="reduced")
    viewer = turn.shared.join("vera", "viewer")
    turn.ask("run it", rawInput={"command": "rm -rf /"})

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(link(turn.shared, viewer, cluster.bases[0]))
            assert "rm -rf /" not in await page.wait_text("#pending .permission", "run it")
            path = f"{turn.shared.path}/participants/{viewer.id}"
            for change in ({"role": "collaborator"}, {"canApprove": True}):
                cluster.api.patch(path, change, turn.shared.host).expect(200)
            await page.wait_text("#pending .permission", "rm -rf /")
            await page.click("#pending .permission .options button")
            await page.wait_text("#pending-count", "0")
            assert page.problems == []

    asyncio.run(whole())
    turn.agent.crash()


@pytest.mark.timeout(120)
def test_every_hidden_character_is_shown_also_in_a_prompt_that_is_edited(processes, cluster, tmp_path):
    shared = share(cluster.api)
    guest = shared.join()
    prompt = shared.prompt("fix\u200b it", guest)
    texts = [f"a{chr(code)}b" for code in HIDDEN]

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(link(shared, shared.host, cluster.bases[0]))
            revealed = "import('/web/text.js').then(({ revealed, hiddenCount }) => %s)"
            shown = await page.evaluate(revealed % f"{json.dumps(texts)}.map(t => revealed(t).textContent)")
            assert shown == [f"aU+{code:04X}b" for code in HIDDEN]
            # What everybody writes is left alone.
            usual = "caf\u00e9 \u2764\ufe0f 1\ufe0f\u20e3 \u05e9\u05dc\u05d5\u05dd\tx\n\U0001f600"
            assert await page.evaluate(revealed % f"hiddenCount({json.dumps(usual)})") == 0

            await page.wait_text("#pending", "fixU+200B it")
            await page.click("#pending .edit")
            await page.wait_text("#pending", "The agent gets")
            await page.fill("#pending textarea", "fix it\u202e all")
            await page.wait_text("#pending", "fix itU+202E all")
            await page.evaluate(RECORD_ANSWERS)
            await page.fill("#pending textarea", "fix it all")
            await page.wait_for("!document.querySelector('#pending').innerText.includes('The agent gets')")
            await page.click("#pending button.primary")
            await page.wait_text("#pending-count", "0")
            sent = await page.evaluate("window.sent.map((options) => JSON.parse(options.body))")
            digest = await page.evaluate("import('/web/digest.js').then((m) => m.sha256('fix\\u200b it'))")
            assert sent == [{"action": "approve", "editedPrompt": "fix it all", "promptHash": digest}]
            keys = await page.evaluate("window.sent.map((options) => options.headers['Idempotency-Key'])")
            assert [len(key) >= 22 for key in keys] == [True]
            assert page.problems == []

    asyncio.run(whole())
    assert shared.approval(prompt["id"])["editedPrompt"] == "fix it all"


@pytest.mark.timeout(120)
def test_a_card_whose_content_has_changed_is_drawn_anew_and_rests(processes, cluster, tmp_path):
    shared = share(cluster.api)
    guest = shared.join()
    shared.prompt("fix it", guest)
    changed = """import("/web/lists.js").then(async ({ KeptList }) => {
      const { meaningOf, pendingNode } = await import("/web/decisions.js")
      const me = { id: "h", role: "host" }
      const context = { model: { who: () => ({ name: "x" }) }, me, actions: {} }
      const place = document.createElement("div")
      const list = new KeptList(place, (item) => pendingNode(item, context), (item) => meaningOf(item, me))
      const approval = { id: "a", kind: "prompt", prompt: "one", createdAt: "2026-01-01T00:00:00Z", participantId: "p" }
      const draw = (items) => (list.render(items), place.firstElementChild)
      const first = draw([approval])
      const same = draw([{ ...approval, expiresAt: "2027-01-01T00:00:00Z" }])
      const other = draw([{ ...approval, prompt: "two" }])
      return [first === same, first === other, other.innerText.includes("two"), place.children.length]
    })"""
    portable = """import("/web/digest.js").then(async ({ portableSHA256, sha256 }) => {
      for (let length = 0; length < 200; length++) {
        const text = "\\u00e9x".repeat(length).slice(0, length)
        if (portableSHA256(new TextEncoder().encode(text)) !== await sha256(text)) return length
      }
      return "all the same"
    })"""

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(link(shared, shared.host, cluster.bases[0]))
            await page.wait_text("#pending", "fix it")
            assert await page.evaluate(changed) == [True, False, True, 1]
            assert await page.evaluate(portable) == "all the same"
            # Whoever types keeps the focus while other things happen.
            await page.fill("#pending input", "becau")
            shared.prompt("and that", guest)
            await page.wait_text("#pending-count", "2")
            assert await page.evaluate("document.activeElement.value") == "becau"

    asyncio.run(whole())


@pytest.mark.timeout(120)
def test_refusals_and_a_lost_network_are_said_in_plain_sentences(processes, cluster, tmp_path):
    shared = share(cluster.api)

    async def whole() -> None:
        async with browser(processes, tmp_path) as running:
            page = await running.open(link(shared, shared.host, cluster.bases[0]))
            await page.wait_text("#connection", "Live")
            for answer, sentence in (
                (REFUSE_WITH % ("HOST_NOT_ALLOWED", 421), "does not answer to the name"),
                (REFUSE_WITH % ("ORIGIN_NOT_ALLOWED", 403), "takes nothing from a page of the address"),
            ):
                await page.evaluate(answer)
                await page.fill("#composer-text", "hello")
                await page.click("#composer-send")
                await page.wait_text("#composer-error", sentence)
                assert await page.evaluate("document.querySelector('#composer-text').value") == "hello"
            # What the network has swallowed waits, and goes out once.
            await page.evaluate(NO_NETWORK)
            await page.click("#composer-send")
            await page.wait_text("#outbox", "Not sent yet")
            assert "Failed to fetch" not in await page.evaluate("document.body.innerText")
            # Nobody's key is dropped because something stands between them and the server.
            await page.call("Network.enable")
            await page.call("Network.setBlockedURLs", urls=["*/api/*"])
            await page.call("Page.reload")
            shown = await page.wait_text("#message", "The server cannot be reached")
            assert "Look whether" not in shown and "Failed to fetch" not in shown
            await page.call("Network.setBlockedURLs", urls=[])
            await page.click("#message-buttons button")
            await page.wait_text("#connection", "Live")
            assert (await page.wait_text("#timeline", "hello")).count("hello") == 1
            await page.wait_for("document.querySelector('#outbox').hidden")

    asyncio.run(whole())
