"""A real Chromium, driven over its DevTools socket: pages are opened, keys pressed, places clicked, pictures taken."""

import asyncio
import base64
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium")
KEYS = {"Enter": (13, "\r"), "ArrowDown": (40, "")}


class Page:
    """One page of the browser, with storage of its own."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, session: str) -> None:
        self._socket, self._session, self._numbers = socket, session, itertools.count(1)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result; events that come in between are passed over."""
        return await _call(self._socket, next(self._numbers), method, self._session, parameters)

    async def evaluate(self, script: str) -> Any:
        """Return the value of an expression of JavaScript; a promise is waited for."""
        found = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def open(self, url: str) -> None:
        """Go to an address and wait until the page is there."""
        await self.call("Page.navigate", url=url)
        await self.loaded()

    async def press(self, key: str) -> None:
        """Press and release a key."""
        code, text = KEYS[key] if key in KEYS else (ord(key.upper()), key)
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more)

    async def loaded(self, other_than: Any = None) -> None:
        """Wait for a page that is whole, and is not the one whose `performance.timeOrigin` is given."""
        for _ in range(3_000):  # a minute: a page of a megabyte takes seconds on a busy machine
            state = await self.evaluate("[document.readyState, performance.timeOrigin, location.protocol]")
            if state[0] == "complete" and state[1] != other_than and state[2] != "about:":
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"no other page came: {state}")

    async def picture(self, path: Path, width: int, height: int, *, dark: bool = False) -> None:
        """Take a picture of the whole page at this width."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        await self.call("Emulation.setEmulatedMedia", features=scheme)
        found = await self.call("Page.captureScreenshot", captureBeyondViewport=False)
        path.write_bytes(base64.b64decode(found["data"]))


@asynccontextmanager
async def browser(folder: Path, pages: int = 1) -> AsyncIterator[list[Page]]:
    """Run Chromium and give pages of it, none of which knows the cookies of another."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}"),
        *("--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows"),
        *("--remote-debugging-port=0", "about:blank"),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port = await _port(folder / "DevToolsActivePort")
        async with aiohttp.ClientSession() as client:
            async with client.get(f"http://127.0.0.1:{port}/json/version") as reply:
                address = (await reply.json())["webSocketDebuggerUrl"]
            opened = []
            for number in range(pages):
                socket = await client.ws_connect(address, max_msg_size=0)
                context = await _call(socket, 10**6, "Target.createBrowserContext", None, {})
                at = {"url": "about:blank", "newWindow": True, **context}
                target = await _call(socket, 10**6 + 1, "Target.createTarget", None, at)
                attached = await _call(socket, 10**6 + 2, "Target.attachToTarget", None, {**target, "flatten": True})
                opened.append(Page(socket, attached["sessionId"]))
                await opened[number].call("Page.enable")
                # Each page thinks that it is the one in front: keys wait for ever at others.
                await opened[number].call("Emulation.setFocusEmulationEnabled", enabled=True)
            yield opened
    finally:
        process.kill()
        await process.wait()


async def _port(told: Path) -> int:
    for _ in range(1_500):
        if told.exists() and (lines := told.read_text().splitlines()):
            return int(lines[0])
        await asyncio.sleep(0.02)
    raise AssertionError("Chromium does not say where it listens")


async def _call(
    socket: aiohttp.ClientWebSocketResponse, number: int, method: str, session: str | None, parameters: dict[str, Any]
) -> dict[str, Any]:
    of_page = {"sessionId": session} if session else {}
    await socket.send_json({"id": number, "method": method, "params": parameters, **of_page})
    while True:
        told = json.loads((await asyncio.wait_for(socket.receive(), 60)).data)
        if told.get("id") == number:
            assert "error" not in told, told["error"]
            result: dict[str, Any] = told["result"]
            return result
