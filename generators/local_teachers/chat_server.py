"""The OpenAI chat protocol on the server's side: what a local teacher is asked, and what it sends back.

Covers `POST /v1/chat/completions` (whole or streamed; several choices where the teacher gives them) and
`GET /v1/models`; anything else gets an error
body as OpenAI's clients expect it: `{"error": {"message", "type", "param", "code"}}`.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from aiohttp import web

from cotfactory.generators.local_teachers.own_host import own_host_only

CHARACTERS_PER_TOKEN = 4
CHARACTERS_PER_EVENT = 100
LARGEST_REQUEST_BYTES = 64 * 2**20


class ChatRequest(NamedTuple):
    """What a client asks for: `prompt` is all that the user said, `sample` which answer to it is wanted.

    `sample` is the request's `seed`, or without one how many answers this model already gave to these messages. `turn`
    counts the user's later turns, and `last` is what was said in the last of them. `calls` are how many calls of a tool
    the conversation holds, None where it may not make any. With `samples` (the API's `n`) that many answers are wanted,
    from number `sample` on.
    """

    model: str
    prompt: str
    sample: int
    max_tokens: int | None
    turn: int = 0
    calls: int | None = None
    samples: int = 1
    temperature: float = 1.0
    last: str = ""


class ChatReply(NamedTuple):
    """One answer; `reasoning` is sent as `reasoning_content`, and `model` is who is said to have answered.

    `code` is what it calls the tool `python` with, if it does.
    """

    model: str
    content: str
    reasoning: str | None
    finish_reason: str
    code: str | None = None


class ChatRefusal(Exception):
    """A request that gets no answer, with the HTTP status and the code that the error body carries."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message)
        self.status, self.code, self.message = status, code, message


Answer = Callable[[ChatRequest], ChatReply]
"""Answers a request at once, or raises ChatRefusal."""
AnswerSeveral = Callable[[ChatRequest], Awaitable[Sequence[ChatReply]]]
"""Gives as many answers as a request wants, some time later, or raises ChatRefusal."""
MOST_SAMPLES = 128


def token_count(text: str) -> int:
    """Return about how many tokens a text has: one for every four characters, rounded up."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def chat_app(models: Sequence[str], answer: Answer) -> web.Application:
    """Return the web application that answers with `answer`, one choice a request, and lists `models`."""

    async def answer_one(request: ChatRequest) -> Sequence[ChatReply]:
        if request.samples > 1:
            raise ChatRefusal(400, "unsupported", f"n={request.samples}: this teacher gives one choice a request")
        return (answer(request),)

    return several_choices_app(models, answer_one)


def several_choices_app(models: Sequence[str], answer: AnswerSeveral) -> web.Application:
    """Return the web application that answers with `answer`, as many choices as are asked for, and lists `models`."""
    given: Counter[bytes] = Counter()

    async def complete(request: web.Request) -> web.Response:
        try:
            body = _read_body(await request.read())
            replies = await answer(_chat_request(body, given))
        except ChatRefusal as refusal:
            return _error(refusal)
        completion = _completion(body, replies)
        if body.get("stream"):
            return web.Response(body=_events(body, completion), content_type="text/event-stream")
        return web.json_response(completion)

    async def list_models(_: web.Request) -> web.Response:
        listed = [{"id": model, "object": "model", "created": 0, "owned_by": "cotfactory"} for model in models]
        return web.json_response({"object": "list", "data": listed})

    app = web.Application(client_max_size=LARGEST_REQUEST_BYTES, middlewares=[own_host_only])
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_get("/v1/models", list_models)
    return app


def _read_body(raw: bytes) -> dict[str, Any]:
    """Return the request's JSON object, with what every chat request must have; raises ChatRefusal."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ChatRefusal(400, "invalid_json", f"the request body is not JSON: {error}") from error
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise ChatRefusal(400, "invalid_request", "the request needs `model`, a string")
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise ChatRefusal(400, "invalid_request", "the request needs `messages`, a list of objects")
    samples = body.get("n")
    if samples is not None and not (isinstance(samples, int) and 1 <= samples <= MOST_SAMPLES):
        raise ChatRefusal(400, "invalid_request", f"n={samples!r}: a number from 1 to {MOST_SAMPLES} was expected")
    if body.get("stream") and samples not in (None, 1):
        raise ChatRefusal(400, "unsupported", f"n={samples!r} with `stream`: several choices come whole")
    if not isinstance(body.get("temperature") or 0, int | float):
        raise ChatRefusal(400, "invalid_request", f"temperature={body['temperature']!r}: a number was expected")
    if not isinstance(body.get("stream_options") or {}, dict):
        raise ChatRefusal(400, "invalid_request", f"stream_options={body['stream_options']!r}: an object was expected")
    for name in ("seed", "max_tokens", "max_completion_tokens"):
        if body.get(name) is not None and not isinstance(body[name], int):
            raise ChatRefusal(400, "invalid_request", f"{name}={body[name]!r}: an integer was expected")
    return body


def _chat_request(body: dict[str, Any], given: Counter[bytes]) -> ChatRequest:
    asked = [_text(message) for message in body["messages"] if message.get("role") == "user"]
    if not asked:
        raise ChatRefusal(400, "invalid_request", "the request has no user message")
    sample = body.get("seed")
    if sample is None:
        key = hashlib.sha256(json.dumps([body["model"], body["messages"]]).encode()).digest()
        sample = given[key]
        given[key] += body.get("n") or 1
    max_tokens = body.get("max_tokens") or body.get("max_completion_tokens")
    temperature = 1.0 if body.get("temperature") is None else float(body["temperature"])
    prompt, turn, samples = "\n".join(asked), len(asked) - 1, body.get("n") or 1
    return ChatRequest(
        body["model"], prompt, sample, max_tokens, turn, _calls(body), samples, temperature, last=asked[-1]
    )


def _calls(body: dict[str, Any]) -> int | None:
    """Return how many calls the conversation holds, None where the request offers no tool to call."""
    if not body.get("tools") or body.get("tool_choice") == "none":
        return None
    return sum(len(message.get("tool_calls") or ()) for message in body["messages"])


def _text(message: dict[str, Any]) -> str:
    """Return a message's text; content may also be a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _completion(body: dict[str, Any], replies: Sequence[ChatReply]) -> dict[str, Any]:
    thought = sum(token_count(reply.reasoning or "") for reply in replies)
    prompt_tokens = sum(token_count(_text(part)) for part in body["messages"])
    completion_tokens = thought + sum(token_count(reply.content) for reply in replies)
    return {
        "id": f"chatcmpl-{time.time_ns():x}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": replies[0].model,
        "choices": [_choice(body, index, reply) for index, reply in enumerate(replies)],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "completion_tokens_details": {"reasoning_tokens": thought},
        },
    }


def _choice(body: dict[str, Any], index: int, reply: ChatReply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.content}
    if reply.reasoning is not None:
        message["reasoning_content"] = reply.reasoning
    if reply.code is not None:
        function = {"name": "python", "arguments": json.dumps({"code": reply.code})}
        message["tool_calls"] = [{"id": f"call_{_calls(body) or 0}", "type": "function", "function": function}]
    return {"index": index, "message": message, "finish_reason": reply.finish_reason, "logprobs": None}


def _events(body: dict[str, Any], completion: dict[str, Any]) -> bytes:
    """Return a completion as the events of a stream, all at once: it is there already."""
    (choice,), usage = completion["choices"], completion["usage"]
    pieces = [
        {name: text[start : start + CHARACTERS_PER_EVENT]}
        for name in ("reasoning_content", "content")
        for text in (choice["message"].get(name, ""),)
        for start in range(0, len(text), CHARACTERS_PER_EVENT)
    ]
    told = {**completion, "object": "chat.completion.chunk"}
    del told["usage"]
    called = [
        {"tool_calls": [{"index": at, **call}]} for at, call in enumerate(choice["message"].get("tool_calls", ()))
    ]
    deltas = [{"role": "assistant", "content": ""}, *pieces, *called, {}]
    chunks = [
        {**told, "choices": [{"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}]}
        for delta, reason in zip(deltas, [None] * (len(deltas) - 1) + [choice["finish_reason"]], strict=True)
    ]
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**told, "choices": [], "usage": usage})
    return b"".join(b"data: %s\n\n" % data for data in (*(json.dumps(part).encode() for part in chunks), b"[DONE]"))


def _error(refusal: ChatRefusal) -> web.Response:
    body = {
        "message": refusal.message,
        "type": "invalid_request_error",
        "param": None,
        "code": refusal.code,
    }
    return web.json_response({"error": body}, status=refusal.status)
