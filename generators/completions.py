"""Read a completion out of a reply's JSON, whatever a server put where."""

from collections.abc import Mapping
from typing import Any

from schemas.teaching import Completion, Usage

NOT_READABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading raises for JSON that is no chat completion: what a server may put where is without end."""

UNNAMED = "unknown"
"""The model of a completion whose endpoint names none."""

PAID_FOR_NOTHING_TOKENS = 16
"""An empty answer that was billed at more than this was thought about, though its thinking is not shown."""


def read_completion(payload: Any, latency_ms: float) -> Completion:
    """Return the first choice of a chat completion. Raises one of NOT_READABLE."""
    choice = payload["choices"][0]
    message, usage = choice["message"], payload.get("usage")
    content, thought_parts = _text_and_thought(message.get("content"))
    reasoning = message.get("reasoning_content") or message.get("reasoning") or thought_parts
    return Completion(
        content=_storable(content),
        reasoning=_storable(reasoning) if isinstance(reasoning, str) and reasoning else None,
        finish_reason=str(choice.get("finish_reason") or "unknown"),
        model=str(payload.get("model") or UNNAMED),
        usage=_usage(usage) if usage is not None else None,
        latency_ms=latency_ms,
    )


def says_nothing(completion: Completion) -> bool:
    """Return whether an endpoint claims to have finished, with nothing said, thought or billed.

    That is a fault of the endpoint. An answer that a filter or the token limit emptied is the teacher's, and so is
    one that it thought about in secret.
    """
    return (
        not completion.content.strip()
        and not (completion.reasoning or "").strip()
        and completion.finish_reason in ("stop", "unknown")
        and (completion.usage is None or completion.usage.output_tokens <= PAID_FOR_NOTHING_TOKENS)
    )


def _text_and_thought(content: Any) -> tuple[str, str]:
    """Return the text and the thinking of a message's content: a string, nothing, or a list of typed parts."""
    if content is None or isinstance(content, str):
        return content or "", ""
    text = "".join(str(part["text"]) for part in content if part.get("type") == "text")
    return text, "".join(str(part["thinking"]) for part in content if part.get("type") == "thinking")


def _usage(usage: Mapping[str, Any]) -> Usage:
    details = usage.get("completion_tokens_details") or {}
    return Usage(
        input_tokens=usage.get("prompt_tokens") or 0,
        output_tokens=usage.get("completion_tokens") or 0,
        reasoning_tokens=details.get("reasoning_tokens") or 0,
    )


def _storable(text: str) -> str:
    r"""Return `text` as valid UTF-8: a lone surrogate (JSON allows `"\ud800"`) becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text
