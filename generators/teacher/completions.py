"""Read a completion out of a reply's JSON, whatever a server put where."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from cotfactory.schemas.finish_reason import FINISHED, finish_reason_of
from cotfactory.schemas.teaching import Completion, Usage

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
    """Return the first choice of a chat completion. Raises one of NOT_READABLE."""
    return _choice(payload, payload["choices"][0], _usage(payload.get("usage")), latency_ms)


def read_completions(payload: Any, latency_ms: float) -> tuple[Completion, ...]:
    """Return all choices of a chat completion, in their order. Raises one of NOT_READABLE.

    What was billed for all is shared out: the prompt, which is billed once, to the first, and the answers' tokens by
    the length of their texts. Example: 90 tokens for texts of 100 and 200 characters are 30 and 60.
    """
    choices = sorted(payload["choices"], key=lambda choice: int(choice.get("index") or 0))
    whole = _usage(payload.get("usage"))
    read = [_choice(payload, choice, None, latency_ms) for choice in choices]
    if whole is None:
        return tuple(read)
    usages = _shared(whole, [len(completion.content) + len(completion.reasoning or "") for completion in read])
    return tuple(completion.model_copy(update={"usage": usage}) for completion, usage in zip(read, usages, strict=True))


def _shared(whole: Usage, lengths: Sequence[int]) -> list[Usage]:
    usages, output, reasoning, left = [], whole.output_tokens, whole.reasoning_tokens, sum(lengths)
    for number, length in enumerate(lengths):
        is_last = number == len(lengths) - 1
        tokens, thought = (output, reasoning) if is_last else (
            output * length // max(left, 1), reasoning * length // max(left, 1),
        )  # fmt: skip
        usages.append(
            Usage(input_tokens=whole.input_tokens * (number == 0), output_tokens=tokens, reasoning_tokens=thought)
        )
        output, reasoning, left = output - tokens, reasoning - thought, left - length
    return usages


def _choice(payload: Any, choice: Any, usage: Usage | None, latency_ms: float) -> Completion:
    message, raw = choice["message"], choice.get("finish_reason")
    content, thought_parts = _text_and_thought(message.get("content"))
    thoughts = (_plain(message.get(field)) for field in REASONING_FIELDS)
    reasoning = next((thought for thought in thoughts if thought), thought_parts)
    return Completion(
        content=_storable(content),
        reasoning=_storable(reasoning) or None,
        # An upstream that died in the middle is told beside the choice, whatever the reason says.
        finish_reason="error" if choice.get("error") else finish_reason_of(raw),
        finish_reason_raw=None if raw is None else _storable(str(raw)),
        model=_storable(str(payload.get("model") or UNNAMED)),
        usage=usage,
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
        and completion.finish_reason in FINISHED
        and (completion.usage is None or completion.usage.output_tokens <= PAID_FOR_NOTHING_TOKENS)
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


def _usage(usage: Mapping[str, Any] | None) -> Usage | None:
    """Return what an endpoint says it billed; None when it does not say, or what cannot be."""
    if usage is None:
        return None
    details = usage.get("completion_tokens_details") or {}
    try:
        return Usage(
            input_tokens=usage.get("prompt_tokens") or 0,
            output_tokens=usage.get("completion_tokens") or 0,
            reasoning_tokens=details.get("reasoning_tokens") or 0,
        )
    except ValidationError:
        return None


def _storable(text: str) -> str:
    r"""Return `text` as valid UTF-8: a lone surrogate (JSON allows `"\ud800"`) becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text
