"""What an agent wants to know and what goes with a prompt, in the page: a form, an attachment, a vote."""

from __future__ import annotations

import asyncio
import json

import pytest

from support.browser import browser
from support.host import Host, spoken
from test_browser_host import links, press
from test_permission_requests import EXAMPLE, rest

# A file dropped on the form.
DROP = """(() => {
  const files = new DataTransfer()
  files.items.add(new File(["hello"], "notes.txt", { type: "text/plain" }))
  document.querySelector("#composer").dispatchEvent(new DragEvent("drop", { bubbles: true, dataTransfer: files }))
})()"""


def answer(what: str) -> str:
    return f"document.querySelector('article.pending [data-do={what}]')"


@pytest.mark.timeout(180)
def test_a_file_is_proposed_agreed_to_and_a_question_answered(processes, cluster, tmp_path):
    shared = Host(processes, cluster.api, EXAMPLE).shared
    dora, guest = shared.delegate(), shared.join()
    cluster.api.patch(shared.path, {"approvalsNeeded": 2}, shared.host).expect(200)
    address = links(shared, cluster.bases[0])[0]

    async def whole(stream) -> str:
        async with browser(processes, tmp_path) as running:
            page = await running.open(address)
            await page.wait_for("document.querySelector('#composer:not([hidden])') !== null")
            blocks = [
                {"type": "text", "text": "a question please"},
                {"type": "resource", "resource": {"uri": "file:///notes.txt", "text": "hello"}},
            ]
            body = {"content": blocks}
            sent = await asyncio.to_thread(shared.api.post, f"{shared.path}/prompts", body, guest)
            proposed = sent.expect(200)
            await page.wait_text("article.pending", "notes.txt")
            await page.wait_text("article.pending .waits", "0 of 2 agree")
            await press(page, answer("approve"))
            await page.wait_text("article.pending .waits", "1 of 2 agree")
            await asyncio.to_thread(lambda: shared.resolve(proposed["approval"]["id"], who=dora))
            await page.wait_text("article.question", "How should the greeting sound?")
            field = "document.querySelector('.question-form input[type=text]')"
            await page.evaluate(f"({field}.value = {json.dumps('Ada')})")
            await press(page, "document.querySelector('article.question [data-do=approve]')")
            said = await asyncio.to_thread(lambda: spoken(rest(stream)))
            # What is dropped on the form goes with the host's own prompt, at once.
            await page.evaluate(DROP)
            await page.wait_text("#composer .attachments", "notes.txt")
            await page.fill("#composer-text", "read this")
            await page.click("#composer-send")
            return said + await asyncio.to_thread(lambda: spoken(rest(stream)))

    with shared.stream() as stream:
        said = asyncio.run(whole(stream))
    assert 'name = "Ada", tone = "friendly"' in said
    assert said.count("notes.txt 5 bytes") == 2
