"""A teacher on loopback that answers as a test wants and counts what it was asked, sample by sample."""

import asyncio
import json
import re
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from tests.generators.scripted_server import chat

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answer = Callable[[str, int], str | int | Fault]
"""(question, seed) -> the text of the answer, an HTTP status to refuse with, or something worse."""
Talk = Callable[[list[str], int], tuple[str | int, str]]
"""(all that was said so far, seed) -> the text of the answer or an HTTP status, and the finish reason."""


class CountingTeacher:
    """Answers `What is A + B?` rightly unless told otherwise."""

    def __init__(self) -> None:
        self.answer: Answer = right
        self.talk: Talk | None = None
        self.asked: Counter[tuple[str, int]] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.base_url = ""
        self.on_ask: Callable[[], None] | None = None
        self.usage: dict[str, int] | None = chat()["usage"]
        self.finish_reason = "stop"
        self.model: str | None = None
        self.returns_several = False

    @property
    def calls(self) -> int:
        return self.asked.total()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        turns = [message["content"] for message in body["messages"]]
        question = turns[0].splitlines()[0]
        self.asked["\n".join((question, *turns[1:])), body["seed"]] += 1
        self.bodies.append(body)
        if self.on_ask is not None:
            self.on_ask()
        finish_reason = self.finish_reason
        if self.talk is None:
            said = self.answer(question, body["seed"])
        else:
            said, finish_reason = self.talk(turns, body["seed"])
        if isinstance(said, int):
            return web.json_response({"error": {"message": "refused"}}, status=said)
        if callable(said):
            return await said(request)
        reply = {**chat(said), "usage": self.usage, "model": self.model or body["model"]}
        reply["choices"][0]["finish_reason"] = finish_reason
        for index in range(1, body.get("n", 1) if self.returns_several else 1):
            more = chat(str(self.answer(question, body["seed"] + index)))["choices"][0]
            reply["choices"].append({**more, "index": index})
        return web.json_response(reply)

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "m", "object": "model"}]})

    async def serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        ready.set()
        await stop.wait()
        await runner.cleanup()


def right(question: str, seed: int) -> str:
    """Return a right answer with a right step, in words that differ from sample to sample."""
    a, b = map(int, re.findall(r"\d+", question)[:2])
    return f"<think>Way {seed}: {a} + {b} = {a + b}</think>The answer is \\boxed{{{a + b}}}."


def wrong(question: str, seed: int) -> str:
    """Return a wrong answer."""
    return f"<think>Way {seed}.</think>The answer is \\boxed{{-{seed + 1}}}."


@contextmanager
def counting_teacher() -> Iterator[CountingTeacher]:
    """Yield a running teacher."""
    teacher = CountingTeacher()
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(teacher.serve(ready, stop),), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield teacher
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
