"""Takes the pictures of the README from a real session; a debug build is needed.

    .build/venv/bin/python Tests/EndToEnd/pictures.py .github
"""

from __future__ import annotations

import asyncio
import base64
import sys
import tempfile
from pathlib import Path

from support.browser import Page, browser
from support.client import API
from support.nodes import start_nodes
from support.processes import Processes
from support.redis_server import RedisServer
from support.showcase import play

OPEN_THE_EDIT = """(() => {
  document.querySelector("#timeline .steps-toggle").click()
  document.querySelectorAll("#timeline .step")[1].open = true
  document.querySelectorAll("#timeline .turn")[0].scrollIntoView()
})()"""


async def picture(page: Page, path: Path, width: int, height: int, scheme: str) -> None:
    await page.resize(width, height)
    await page.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    await page.wait_for("!document.querySelector('[data-answer][aria-disabled]')")
    # Two frames: the first lays out, the second has painted it.
    frames = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
    await page.evaluate(frames)
    taken = await page.call("Page.captureScreenshot", format="png")
    path.write_bytes(base64.b64decode(taken["data"]))
    print(path, path.stat().st_size, "bytes")


async def take(processes: Processes, work: Path, address: str, folder: Path) -> None:
    async with browser(processes, work) as running:
        page = await running.open(address)
        await page.wait_text("#pending-count", "2")
        await page.wait_text("#connection", "Live")
        await page.evaluate(OPEN_THE_EDIT)
        await picture(page, folder / "page.png", 1280, 860, "light")
        await page.evaluate("(document.querySelector('#jump').click(), true)")
        await page.resize(390, 780)
        await page.click("#waiting-bar")
        await page.evaluate("(document.querySelector('#pending').lastElementChild.scrollIntoView(), true)")
        await picture(page, folder / "phone.png", 390, 780, "light")


def main() -> None:
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as work:
        processes = Processes(Path(work))
        redis = RedisServer(processes)
        try:
            node = start_nodes(processes, 1, redis.url)[0]
            shared, agent = play(API([node.base]), node.base)
            link = f"{node.base}/s/{shared.id}#host={shared.host.id}.{shared.host.token}&invite={shared.invite}"
            asyncio.run(take(processes, Path(work), link, folder))
            agent.crash()
        finally:
            processes.end_all()
            redis.remove()


if __name__ == "__main__":
    main()
