"""A chat endpoint on loopback with rules of its own: which fields, headers and queries it takes, and how it answers."""

import asyncio
import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

USUAL = frozenset({"model", "messages", "temperature", "top_p", "stream", "stop", "n"})
SUM = re.compile(r"What is (\d+) \+ (\d+)\?")

ANSWERS = itertools.count(1)
"""Numbers the answers of all endpoints, so that no two are the same."""


def sum_of(body: Mapping[str, Any]) -> tuple[int, int]:
    """Return the numbers that the conversation asks to add."""
    found = SUM.search(" ".join(str(message["content"]) for message in body["messages"]))
    assert found is not None, body
    return int(found[1]), int(found[2])


def thinks_apart(body: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return a message with the thinking in a field of its own."""
    return {"content": said(body), "reasoning_content": thought(body, number)}


def thinks_in_tags(body: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return a message with the thinking between tags."""
    return {"content": f"<think>\n{thought(body, number)}\n</think>\n\n{said(body)}"}


def thinks_in_reasoning(body: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return a message with the thinking in the other field that is usual."""
    return {"content": said(body), "reasoning": thought(body, number)}


def thinks_in_thought_tags(body: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return a message with the thinking between Gemini's tags."""
    return {"content": f"<thought>{thought(body, number)}</thought>{said(body)}"}


def thinks_in_parts(body: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return a message whose content is a list of typed parts."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": thought(body, number)}], "closed": True}
    return {"content": [thinking, {"type": "text", "text": said(body)}]}


def shows_no_thinking(body: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return the answer alone."""
    return {"content": f"Way {number}: {said(body)}"}


def said(body: Mapping[str, Any]) -> str:
    """Return the right answer."""
    return f"The answer is \\boxed{{{sum(sum_of(body))}}}."


def thought(body: Mapping[str, Any], number: int) -> str:
    """Return the thinking that leads to it, other words each time."""
    a, b = sum_of(body)
    return f"Way {number}: I add {a} and {b}, so {a} + {b} = {a + b}."


@dataclass(frozen=True)
class Rules:
    """What an endpoint insists on.

    `fields` are all that a body may hold, `refused` those that get words of their own; `wanted` are values that must be
    there, by dotted path, each with the words of its absence. `refusal` is the status of all of these.
    """

    model: str = "m"
    path: str = "/v1"
    fields: frozenset[str] | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    wanted: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    models: tuple[int, Any] | None = None
    message: Callable[[Mapping[str, Any], int], dict[str, Any]] = thinks_apart
    finish_reason: str = "stop"
    refusal: int = 400


class EndpointServer:
    """An endpoint that keeps what it was asked: `bodies` of chat requests, and `headers` and `queries` of all."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.bodies: list[dict[str, Any]] = []
        self.refusals: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.queries: list[Mapping[str, str]] = []
        self.origin = ""
        self.base_url = ""

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        refused = self._refused(request)
        if refused is not None:
            return refused
        body = await request.json()
        self.bodies.append(body)
        fault = self._fault(body)
        if fault is not None:
            return self._refuse(self.rules.refusal, fault)
        message = self.rules.message(body, next(ANSWERS))
        usage = {"prompt_tokens": 30, "completion_tokens": 60, "total_tokens": 90}
        if body.get("stream"):
            return await self._streamed(request, body, message, usage)
        return web.json_response(
            {
                "id": "x",
                "object": "chat.completion",
                "created": 1,
                "model": body["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": self.rules.finish_reason}],
                "usage": usage,
            }
        )

    async def _streamed(
        self, request: web.Request, body: Mapping[str, Any], message: Mapping[str, Any], usage: Mapping[str, int]
    ) -> web.StreamResponse:
        """Send field after field, the reason why it ended, and the bill where it is asked for."""
        deltas = [({"role": "assistant"}, None), *(({name: value}, None) for name, value in message.items())]
        choices: list[list[Any]] = [
            [{"index": 0, "delta": delta, "finish_reason": reason}]
            for delta, reason in (*deltas, ({}, self.rules.finish_reason))
        ]
        reply = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await reply.prepare(request)
        told = body.get("stream_options", {}).get("include_usage")
        for choice in [*choices, []]:
            chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
            last = {"usage": usage} if told and not choice else {}
            if choice or last:
                await reply.write(f"data: {json.dumps(chunk | {'choices': choice} | last)}\n\n".encode())
        await reply.write(b"data: [DONE]\n\n")
        await reply.write_eof()
        return reply

    async def _models(self, request: web.Request) -> web.Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        listed = {"object": "list", "data": [{"id": self.rules.model, "object": "model"}]}
        status, payload = self.rules.models or (200, listed)
        return web.json_response(payload, status=status)

    def _refused(self, request: web.Request) -> web.Response | None:
        self.headers.append(request.headers)
        self.queries.append(request.query)
        for name, value in self.rules.query.items():
            if request.query.get(name) != value:
                return self._refuse(404, f"Resource not found: {name} is missing")
        for name, value in self.rules.headers.items():
            if request.headers.get(name) != value:
                return self._refuse(401, f"Access denied: {name} is missing or wrong")
        return None

    def _fault(self, body: Mapping[str, Any]) -> str | None:
        rules = self.rules
        if body["model"] != rules.model:
            return f"The model {body['model']} does not exist"
        for name, words in rules.refused.items():
            if name in body:
                return words
        further = sorted(body.keys() - rules.fields) if rules.fields is not None else []
        if further:
            return f"Extra inputs are not permitted: {further[0]}"
        for path, (value, words) in rules.wanted.items():
            if _at(body, path) != value:
                return words
        return None

    def _refuse(self, status: int, words: str) -> web.Response:
        self.refusals.append(words)
        return web.json_response({"error": {"message": words, "type": "invalid_request_error"}}, status=status)

    async def serve(self, ready: threading.Event, stop: asyncio.Event, port: int = 0) -> None:
        """Serve on a port, a free one by default, until told to stop."""
        app = web.Application()
        app.router.add_post(f"{self.rules.path}/chat/completions", self._complete)
        app.router.add_get(f"{self.rules.path}/models", self._models)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        self.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.base_url = self.origin + self.rules.path
        ready.set()
        await stop.wait()
        await runner.cleanup()


def _at(body: Mapping[str, Any], path: str) -> Any:
    value: Any = body
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


@contextmanager
def endpoint(rules: Rules) -> Iterator[EndpointServer]:
    """Yield a running endpoint."""
    server = EndpointServer(rules)
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(server.serve(ready, stop),), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
