"""What a person or a machine makes of a page: axe-core's findings, and how much work the page has had."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from .browser import Page

# Rules about the page as a whole that need a whole site around it are not among these.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def violations(page: Page) -> list[str]:
    """What axe-core has against the page as it is shown now, one line for each rule and place."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text() + "; true")
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found: list[dict[str, Any]] = await page.evaluate(
        f"axe.run(document, {json.dumps(options)}).then(({{violations}}) => violations)"
    )
    return [f"{v['id']}: {node['target']} {node['failureSummary'][:300]}" for v in found for node in v["nodes"]]


# Counts tasks that kept the page busy, what was added to and removed from it, and how long keys waited to be shown.
WATCH = """(() => {
  window.watched = { long: [], added: 0, removed: 0, keys: [] }
  new PerformanceObserver(list => list.getEntries().forEach(entry => watched.long.push(Math.round(entry.duration))))
    .observe({ type: "longtask", buffered: true })
  new MutationObserver(list => list.forEach(change => {
    watched.added += change.addedNodes.length
    watched.removed += change.removedNodes.length
  })).observe(document.body, { childList: true, subtree: true })
  document.addEventListener("keydown", event => {
    const begun = event.timeStamp
    requestAnimationFrame(() => setTimeout(() => watched.keys.push(performance.now() - begun)))
  }, true)
})()"""


async def watch(page: Page) -> None:
    await page.evaluate(f"({WATCH}, true)")


async def watched(page: Page) -> dict[str, Any]:
    """The counts since the last time they were asked for."""
    seen = await page.evaluate("watched")
    await page.evaluate("(Object.assign(watched, { long: [], added: 0, removed: 0, keys: [] }), true)")
    return seen


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0
