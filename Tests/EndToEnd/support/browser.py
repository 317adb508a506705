"""A real browser without a window, driven over its DevTools protocol: pages, typing, clicking, and what is shown."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from .processes import Processes
from .topology import program
from .waiting import PATIENCE, PAUSE, Deadline, eventually

# The middle of an element that stands still and is covered by nothing.
AT_REST = """new Promise(resolve => {
  const node = document.querySelector(%s)
  if (!node) return resolve(null)
  node.scrollIntoView({ block: "nearest" })
  const middle = () => {
    const { x, y, width, height } = node.getBoundingClientRect()
    return [x + width / 2, y + height / 2]
  }
  const before = middle().join()
  setTimeout(() => {
    const [x, y] = middle()
    const top = document.elementFromPoint(x, y)
    resolve(middle().join() === before && node.contains(top) ? { x, y } : null)
  }, 50)
})"""


class Browser:
    """One running browser. Every page lives in a profile of its own, as if each visitor had a machine of their own."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.pages: dict[str, Page] = {}
        self._reader = asyncio.create_task(self._read())

    async def call(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": parameters}
        await self._socket.send_json(message | ({"sessionId": session} if session else {}))
        return await asyncio.wait_for(self._waiting[number], PATIENCE)

    async def _read(self) -> None:
        async for received in self._socket:
            message = json.loads(received.data)
            if "id" in message:
                future = self._waiting.pop(message["id"])
                if "error" in message:
                    future.set_exception(AssertionError(message["error"]))
                else:
                    future.set_result(message["result"])
            elif page := self.pages.get(message.get("sessionId", "")):
                page.noticed(message)

    async def open(self, address: str, beside: Page | None = None) -> Page:
        """A page in a fresh profile, or in that of another page, which may be closed by now."""
        profile = beside.profile if beside else (await self.call("Target.createBrowserContext"))["browserContextId"]
        made = await self.call("Target.createTarget", url="about:blank", browserContextId=profile)
        attached = await self.call("Target.attachToTarget", targetId=made["targetId"], flatten=True)
        page = Page(self, attached["sessionId"], made["targetId"], profile)
        self.pages[page.session] = page
        for domain in ("Runtime", "Log", "Page"):
            await page.call(f"{domain}.enable")
        # Several pages are typed into at once, so each is to behave as if it were in front.
        await page.call("Emulation.setFocusEmulationEnabled", enabled=True)
        await page.call("Page.navigate", url=address)
        return page


class Page:
    """One page; what goes wrong in it (exceptions, errors on the console, refused resources) is kept."""

    def __init__(self, browser: Browser, session: str, target: str, profile: str) -> None:
        self.browser = browser
        self.session = session
        self.target = target
        self.profile = profile
        self.problems: list[str] = []

    async def call(self, method: str, **parameters: Any) -> Any:
        return await self.browser.call(method, self.session, **parameters)

    def noticed(self, message: dict[str, Any]) -> None:
        method, params = message["method"], message["params"]
        entry = params.get("entry", {})
        if method == "Runtime.exceptionThrown" or (method == "Log.entryAdded" and entry["level"] == "error"):
            self.problems.append(json.dumps(params)[:500])

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def wait_for(self, expression: str, seconds: float = PATIENCE) -> Any:
        """The first truthy value of the expression."""
        deadline = Deadline(seconds)
        while True:
            try:
                value = await self.evaluate(expression)
            except AssertionError:
                value = None  # between two documents
            if value:
                return value
            if deadline.passed:
                shown = await self.evaluate("document.body.innerText")
                raise AssertionError(f"never true: {expression}\n{shown}\n{self.problems}")
            await asyncio.sleep(PAUSE)

    async def wait_text(self, selector: str, text: str, seconds: float = PATIENCE) -> str:
        """What an element shows, once it holds that text."""
        within = f"(document.querySelector({json.dumps(selector)})?.innerText ?? '')"
        await self.wait_for(f"{within}.includes({json.dumps(text)})", seconds)
        return await self.evaluate(within)

    async def fill(self, selector: str, text: str) -> None:
        """Types into a field the way a person does: until the text stands there."""
        field = f"document.querySelector({json.dumps(selector)})"
        await self.wait_for(f"{field}?.getClientRects().length > 0")
        deadline = Deadline(PATIENCE)
        while await self.evaluate(f"{field}.value") != text:
            assert not deadline.passed, f"{selector} takes no text"
            # A page that was just opened may not take input yet, though its field has the focus.
            await self.evaluate(f"({field}.focus(), {field}.select())")
            await self.call("Input.insertText", text=text)

    async def click(self, selector: str) -> None:
        """Clicks once the element is there and takes clicks."""
        found = f"document.querySelector({json.dumps(selector)})"
        taking = f"!{found}.disabled && !{found}.hasAttribute('aria-disabled')"
        await self.wait_for(f"{found} && {taking} && {found}.getClientRects().length > 0")
        await self.evaluate(f"{found}.click()")

    async def press(self, key: str) -> None:
        """One key, wherever the focus is."""
        code = {"Enter": 13, "Escape": 27, "Tab": 9}.get(key, ord(key[0].upper()))
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    async def tap(self, selector: str) -> None:
        """One real click in the middle of an element, as a mouse does it: no script helps, nothing is tried twice."""
        place = await self.wait_for(AT_REST % json.dumps(selector))
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    async def resize(self, width: int, height: int) -> None:
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
        await self.call("Emulation.setDeviceMetricsOverride", **screen)

    async def prefer(self, **features: str) -> None:
        """Media features, such as `prefers_color_scheme="dark"`."""
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        await self.call("Emulation.setEmulatedMedia", features=wanted)

    async def close(self) -> None:
        """Closes the tab; its profile stays."""
        await self.browser.call("Target.closeTarget", targetId=self.target)


@asynccontextmanager
async def browser(processes: Processes, directory: Path):
    """A browser that ends with the block."""
    profile = directory / "profile"
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    options.append("--window-size=1440,900")
    process = processes.start(
        "chromium",
        [program("chromium"), *options, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
    )
    told = profile / "DevToolsActivePort"
    content = eventually(lambda: told.read_text() if told.exists() else "", "the browser to listen", 60)
    port, path = content.split("\n")[:2]
    async with aiohttp.ClientSession() as http:
        async with http.ws_connect(f"ws://127.0.0.1:{port}{path}", max_msg_size=0) as socket:
            yield Browser(socket)
    process.terminate()
