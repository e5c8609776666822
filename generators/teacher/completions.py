"""Read a completion out of a reply's JSON, whatever a server put where."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cotfactory.generators.teacher.reported_usage import reported_usage, shared_usage
from cotfactory.schemas.finish_reason import FINISHED, finish_reason_of
from cotfactory.schemas.python_tool import ToolCall
from cotfactory.schemas.teaching import Completion, ReportedUsage

NOT_READABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading raises for JSON that is no chat completion: what a server may put where is without end."""

REASONING_FIELDS = (
    "reasoning_content",
    "reasoning",
    "thinking",
    "thought",
    "thoughts",
    "reasoning_text",
    "reasoning_details",
    "thinking_blocks",
)
"""Where servers put thinking beside the content: vLLM, DeepSeek; OpenRouter, Groq; Ollama; MiniMax; LiteLLM."""
TEXT_FIELDS = ("text", "thinking", "reasoning", "content", "summary")
"""Where a part has its text: `{"type": "thinking", "thinking": [{"type": "text", "text": "3 + 4"}]}`."""

UNNAMED = "unknown"
"""The model of a completion whose endpoint names none."""

PAID_FOR_NOTHING_TOKENS = 16
"""An empty answer that was billed at more than this was thought about, though its thinking is not shown."""


def read_completion(payload: Any, latency_ms: float) -> Completion:
    """Return the first choice of a chat completion, with what was billed. Raises one of NOT_READABLE."""
    choice = payload["choices"][0]
    said = _said(_message(choice))
    usage = reported_usage(payload, says_something=bool(said.text or said.thought or said.calls))
    return _completion(payload, choice, said, usage, latency_ms)


def read_completions(payload: Any, latency_ms: float) -> tuple[Completion, ...]:
    """Return all choices of a chat completion, in their order; they share what was billed (`shared_usage`).

    Raises one of NOT_READABLE.
    """
    choices = sorted(payload["choices"], key=lambda choice: int(choice.get("index") or 0))
    said = [_said(_message(choice)) for choice in choices]
    lengths = [len(part.text) + len(part.thought) + sum(len(call.arguments) for call in part.calls) for part in said]
    usages = shared_usage(reported_usage(payload, says_something=any(lengths)), lengths)
    read = zip(choices, said, usages, strict=True)
    return tuple(_completion(payload, choice, part, usage, latency_ms) for choice, part, usage in read)


class _Said(NamedTuple):
    """What a message says, what was thought before it, and the tools that it calls."""

    text: str
    thought: str
    is_refusal: bool
    calls: tuple[ToolCall, ...]


def _said(message: Any) -> _Said:
    content, thought_parts = _text_and_thought(message.get("content"))
    refusal = "" if content.strip() else _plain(message.get("refusal"))
    thoughts = (_plain(message[field]) for field in REASONING_FIELDS if field in message)
    reasoning = next((thought for thought in thoughts if thought), thought_parts)
    return _Said(_storable(content or refusal), _storable(reasoning), bool(refusal), _calls(message))


def _calls(message: Any) -> tuple[ToolCall, ...]:
    """Return the calls of a message, those of the older API too; arguments may come as text or as an object."""
    listed = message.get("tool_calls") or []
    older = message.get("function_call")
    called = [(call.get("id"), call.get("function") or call) for call in listed if isinstance(call, Mapping)]
    if older and not called:
        called = [(None, older)]
    return tuple(
        ToolCall(
            id=_storable(str(identity or f"call_{number}")),
            name=_storable(str(function.get("name") or "")),
            arguments=_storable(_arguments(function.get("arguments"))),
        )
        for number, (identity, function) in enumerate(called)
    )


def _arguments(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps({} if given is None else given, ensure_ascii=False)


def _completion(payload: Any, choice: Any, said: _Said, usage: ReportedUsage | None, latency_ms: float) -> Completion:
    raw = choice.get("finish_reason")
    return Completion(
        content=said.text,
        reasoning=said.thought or None,
        tool_calls=said.calls,
        # An upstream that died in the middle is told beside the choice, whatever the reason says; so is a refusal.
        finish_reason=(
            "error" if choice.get("error") else "content_filter" if said.is_refusal else finish_reason_of(raw)
        ),
        finish_reason_raw=None if raw is None else _storable(str(raw)),
        model=_storable(str(payload.get("model") or UNNAMED)),
        usage=usage,
        latency_ms=latency_ms,
    )


def _message(choice: Any) -> Any:
    """Return a choice's message; servers of the older API put its text into the choice."""
    if choice.get("message") is None and isinstance(choice.get("text"), str):
        return {"content": choice["text"]}
    return choice["message"]


def says_nothing(completion: Completion) -> bool:
    """Return whether an endpoint claims to have finished, with nothing said, thought or billed.

    That is a fault of the endpoint. An answer that a filter or the token limit emptied is the teacher's, and so is
    one that it thought about in secret.
    """
    return (
        not completion.tool_calls
        and not completion.content.strip()
        and not (completion.reasoning or "").strip()
        and completion.finish_reason in FINISHED
        and (completion.usage is None or (completion.usage.output_tokens or 0) <= PAID_FOR_NOTHING_TOKENS)
    )


def _text_and_thought(content: Any) -> tuple[str, str]:
    """Return the text and the thinking of a message's content: a string, nothing, or a list of typed parts.

    Parts are `text`, `output_text`, `thinking`, `reasoning`, ...: what has thinking or reasoning in its name is
    thinking, what has text is the answer, and an image is neither.
    """
    if content is None or isinstance(content, str):
        return content or "", ""
    text, thought = [], []
    for part in content:
        kind = part if isinstance(part, str) else str(part.get("type") or "text")
        if isinstance(part, str) or ("text" in kind and not _is_thought(kind)):
            text.append(_plain(part))
        elif _is_thought(kind):
            thought.append(_plain(part))
    return "".join(text), "".join(thought)


def _is_thought(kind: str) -> bool:
    return "think" in kind or "reason" in kind or "thought" in kind


def _plain(value: Any) -> str:
    """Return the text of a string, of a part, or of parts within parts, under whichever name it stands there."""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return "".join(_plain(part) for part in value)
    if isinstance(value, Mapping):
        return next((text for name in TEXT_FIELDS if (text := _plain(value.get(name)))), "")
    return ""


def _storable(text: str) -> str:
    r"""Return `text` as valid UTF-8: a lone surrogate (JSON allows `"\ud800"`) becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text
