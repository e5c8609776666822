"""Read what an endpoint says it billed: prompt, cached prompt, answer and reasoning tokens, by whichever names.

What an endpoint does not say is None here and counts at its worst case later (`billed_usage`). Output billed is the
larger of what is told and of total minus prompt: xAI and Gemini tell reasoning tokens beside the completion's, or in
the total alone.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from cotfactory.schemas.teaching import Completion, ReportedUsage, Usage

PLACES = ("usage", "usage_metadata", "usageMetadata", "x_groq", "meta")
"""Where a reply tells what it billed: the OpenAI API and most others; Gemini; Groq's streams; Cohere."""
INSIDE = ("usage", "billed_units", "tokens", "prompt_tokens_details", "input_tokens_details",
          "completion_tokens_details", "output_tokens_details")  # fmt: skip
"""Under which names numbers stand one level further in: `x_groq: {usage: ...}`, Cohere's units, OpenAI's details."""

Kind = Literal["input", "output", "total", "cached", "cached_beside", "written_beside", "reasoning", "reasoning_beside"]

NAMES: dict[Kind, tuple[str, ...]] = {
    "input": ("prompt_tokens", "input_tokens", "prompt_token_count", "input_token_count", "prompt_eval_count"),
    "output": (
        "completion_tokens", "output_tokens", "candidates_token_count", "output_token_count", "eval_count",
        "generated_tokens", "generated_token_count", "completion_token_count",
    ),
    "total": ("total_tokens", "total_token_count"),
    # Part of the prompt tokens: OpenAI, Moonshot; DeepSeek; Gemini.
    "cached": (
        "cached_tokens", "prompt_cache_hit_tokens", "cached_content_token_count", "num_cached_tokens",
        "cached_input_tokens", "cached_prompt_tokens",
    ),
    # Beside the prompt tokens, in Anthropic's and Bedrock's counting.
    "cached_beside": ("cache_read_input_tokens", "cache_read_input_token_count"),
    "written_beside": (
        "cache_creation_input_tokens", "cache_write_input_tokens", "cache_write_input_token_count",
    ),
    "reasoning": ("reasoning_tokens", "thinking_tokens", "reasoning_token_count", "reasoning_output_tokens"),
    # Never part of the output tokens, in Gemini's counting.
    "reasoning_beside": ("thoughts_token_count", "thoughts_tokens"),
}  # fmt: skip
"""What is counted, by the names that endpoints give it, in snake case."""
KINDS: dict[str, Kind] = {name: kind for kind, names in NAMES.items() for name in names}

MOST_TOKENS = 2**53 - 1
KNOWN = frozenset((*KINDS, *INSIDE))
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def reported_usage(payload: Mapping[str, Any], *, says_something: bool) -> ReportedUsage | None:
    """Return what a reply says it billed; None when it says nothing of it, or nothing that can be.

    `says_something` is whether there is text or thinking in the answer, which no tokens cannot be. Never raises.
    """
    for place in PLACES:
        found = _read(_numbers(payload.get(place)), says_something=says_something)
        if found is not None:
            return found
    return _read(_numbers(payload), says_something=says_something)  # Ollama's own API: beside the answer


def billed_usage(completion: Completion, worst: Usage) -> Usage:
    """Return what an answer was billed, what its endpoint did not say at the `worst` case of its request.

    Without a limit on output tokens there is none: then each byte of the answer may be a token.
    """
    told = completion.usage or ReportedUsage()
    if isinstance(told, Usage):
        return told
    text = len(f"{completion.content}{completion.reasoning or ''}".encode())
    return Usage(
        input_tokens=worst.input_tokens if told.input_tokens is None else told.input_tokens,
        output_tokens=(worst.output_tokens or text) if told.output_tokens is None else told.output_tokens,
        reasoning_tokens=told.reasoning_tokens,
        cached_input_tokens=told.cached_input_tokens,
        estimated=True,
    )


def shared_usage(whole: ReportedUsage | None, lengths: Sequence[int]) -> list[ReportedUsage | None]:
    """Share out what was billed for several answers: the prompt, billed once, to the first; the rest by text length.

    Example: 90 output tokens for texts of 100 and 200 characters are 30 and 60.
    """
    if whole is None:
        return [None] * len(lengths)
    usages: list[ReportedUsage | None] = []
    output, reasoning, left = whole.output_tokens, whole.reasoning_tokens, sum(lengths)
    for number, length in enumerate(lengths):
        is_last = number == len(lengths) - 1
        tokens = output if output is None or is_last else output * length // max(left, 1)
        thought = reasoning if is_last else reasoning * length // max(left, 1)
        prompt = whole.input_tokens if number == 0 or whole.input_tokens is None else 0
        cached = whole.cached_input_tokens if number == 0 else None
        usages.append(_usage(prompt, tokens, thought, cached))
        output, reasoning, left = None if output is None else output - (tokens or 0), reasoning - thought, left - length
    return usages


def _usage(prompt: int | None, output: int | None, reasoning: int, cached: int | None) -> ReportedUsage:
    """Return both sides as a Usage, or what is told of them."""
    if prompt is not None and output is not None:
        return Usage(input_tokens=prompt, output_tokens=output, reasoning_tokens=reasoning, cached_input_tokens=cached)
    return ReportedUsage(
        input_tokens=prompt, output_tokens=output, reasoning_tokens=reasoning, cached_input_tokens=cached
    )


def _read(told: Mapping[Kind, int], *, says_something: bool) -> ReportedUsage | None:
    if not told:
        return None
    total, cached = told.get("total"), told.get("cached")
    prompt = told.get("input") or None  # no prompt is empty
    beside = told.get("cached_beside", 0) + told.get("written_beside", 0)
    output = _output(told)
    # Gateways that tell the same tokens in both ways, or a total without them, have counted them inside.
    if beside and cached is None and (total is None or total != (prompt or 0) + (output or 0)):
        prompt = (prompt or 0) + beside
    cached = told.get("cached_beside") if cached is None else cached
    if total is not None and total > (prompt or 0):
        output = max(output or 0, total - (prompt or 0))
    if output == 0 and says_something:
        output = None
    if prompt is None and output is None:
        return None
    reasoning = max(told.get("reasoning", 0), told.get("reasoning_beside", 0))
    return _usage(
        prompt,
        output,
        reasoning if output is None else min(reasoning, output),
        cached if cached is None or prompt is None else min(cached, prompt),
    )


def _output(told: Mapping[Kind, int]) -> int | None:
    """Return output tokens with the reasoning ones, which are inside unless they cannot be."""
    if "output" not in told:
        return None
    output, inside, beside = told["output"], told.get("reasoning", 0), told.get("reasoning_beside", 0)
    return output + max(beside, inside if inside > output else 0)


def _numbers(usage: Any) -> dict[Kind, int]:
    """Return the largest token count of each kind in a usage object, its details and inner objects."""
    told: dict[Kind, int] = {}
    if not isinstance(usage, Mapping):
        return told
    for name, value in usage.items():
        if isinstance(value, Mapping):
            if _snake(name) in INSIDE:
                for inner, count in value.items():
                    _take(told, inner, count)
        else:
            _take(told, name, value)
    return told


def _take(told: dict[Kind, int], name: Any, count: Any) -> None:
    kind = KINDS.get(_snake(name))
    if kind is not None and (number := _whole(count)) is not None:
        told[kind] = max(told.get(kind, 0), number)


def _snake(name: Any) -> str:
    """Return a key in snake case; nearly all of them are."""
    return name if name in KNOWN else _HUMP.sub("_", str(name)).lower()


def _whole(value: Any) -> int | None:
    """Return a count of tokens as a whole number, rounded up; None for what is none: text, a list, -1, NaN, True."""
    if type(value) is int:  # as nearly all are
        return value if 0 <= value <= MOST_TOKENS else None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_TOKENS:
        return None
    return math.ceil(value)
