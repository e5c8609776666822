"""A real HTTP server on loopback that answers chat completions from a script, one entry a request."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

HANG_S = 60.0


def chat(content: str = "7", **message: Any) -> dict[str, Any]:
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m-served",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, **message},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
    }


@dataclass
class Script:
    """What to answer, request by request: a dict (JSON), (status, headers, body), "reset" or "hang".

    When the entries are used up the last one is repeated.
    """

    entries: list[Any]
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    delay_s: float = 0.0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        entry = self.entries[min(len(self.requests), len(self.entries) - 1)]
        self.requests.append(await request.json())
        self.keys.append(request.headers.get("Authorization", ""))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if entry == "reset":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            if entry == "hang":
                await asyncio.sleep(HANG_S)
            if isinstance(entry, tuple):
                status, headers, body = entry
                return web.Response(status=status, headers=headers, text=body)
            return web.json_response(entry)
        finally:
            self.in_flight -= 1


@asynccontextmanager
async def serving(entries: Iterable[Any], models: Any = None) -> AsyncIterator[tuple[str, Script]]:
    """Yield (base URL, script) of a running server; `models` is what `/models` answers."""
    script = Script(list(entries))

    async def list_models(_: web.Request) -> web.StreamResponse:
        if isinstance(models, tuple):
            return web.Response(status=models[0], headers=models[1], text=models[2])
        return web.json_response(
            {"object": "list", "data": [{"id": model, "object": "model"} for model in models or []]}
        )

    app = web.Application()
    app.router.add_post("/v1/chat/completions", script.answer)
    app.router.add_get("/v1/models", list_models)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/v1", script
    finally:
        await runner.cleanup()
