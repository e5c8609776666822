"""Read what an endpoint says it billed: prompt, cached prompt, answer and reasoning tokens, by whichever names.

What an endpoint does not say is None here and counts at its worst case later (`billed_usage`). Output billed is the
larger of what is told and of total minus prompt: xAI and Gemini tell reasoning tokens beside the completion's, or in
the total alone.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cotfactory.schemas.teaching import Completion, ReportedUsage, Usage

PLACES = ("usage", "usage_metadata", "usageMetadata", "x_groq", "meta")
"""Where a reply tells what it billed: the OpenAI API and most others; Gemini; Groq's streams; Cohere."""
INSIDE = ("usage", "billed_units", "tokens", "prompt_tokens_details", "input_tokens_details",
          "completion_tokens_details", "output_tokens_details")  # fmt: skip
"""Under which names numbers stand one level further in: `x_groq: {usage: ...}`, Cohere's units, OpenAI's details."""

INPUT = ("prompt_tokens", "input_tokens", "prompt_token_count", "input_token_count", "prompt_eval_count")
OUTPUT = ("completion_tokens", "output_tokens", "candidates_token_count", "output_token_count", "eval_count",
          "generated_tokens", "generated_token_count", "completion_token_count")  # fmt: skip
TOTAL = ("total_tokens", "total_token_count")
CACHED = ("cached_tokens", "prompt_cache_hit_tokens", "cached_content_token_count", "num_cached_tokens",
          "cached_input_tokens", "cached_prompt_tokens")  # fmt: skip
"""Part of the prompt tokens: OpenAI, Moonshot; DeepSeek; Gemini."""
CACHED_BESIDE = ("cache_read_input_tokens", "cache_read_input_token_count")
WRITTEN_BESIDE = ("cache_creation_input_tokens", "cache_write_input_tokens", "cache_write_input_token_count")
"""Beside the prompt tokens, in Anthropic's and Bedrock's counting."""
REASONING = ("reasoning_tokens", "thinking_tokens", "reasoning_token_count", "reasoning_output_tokens")
REASONING_BESIDE = ("thoughts_token_count", "thoughts_tokens")
"""Never part of the output tokens, in Gemini's counting."""

MOST_TOKENS = 2**53 - 1
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


def _read(told: Mapping[str, int], *, says_something: bool) -> ReportedUsage | None:
    total, cached = _most(told, TOTAL), _most(told, CACHED)
    prompt = _most(told, INPUT) or None  # no prompt is empty
    beside = (_most(told, CACHED_BESIDE) or 0) + (_most(told, WRITTEN_BESIDE) or 0)
    output = _output(told)
    # Gateways that tell the same tokens in both ways, or a total without them, have counted them inside.
    if beside and cached is None and (total is None or total != (prompt or 0) + (output or 0)):
        prompt = (prompt or 0) + beside
    cached = _most(told, CACHED_BESIDE) if cached is None else cached
    if total is not None and total > (prompt or 0):
        output = max(output or 0, total - (prompt or 0))
    if output == 0 and says_something:
        output = None
    if prompt is None and output is None:
        return None
    reasoning = max(_most(told, REASONING) or 0, _most(told, REASONING_BESIDE) or 0)
    return _usage(
        prompt,
        output,
        reasoning if output is None else min(reasoning, output),
        cached if cached is None or prompt is None else min(cached, prompt),
    )


def _output(told: Mapping[str, int]) -> int | None:
    """Return output tokens with the reasoning ones, which are inside unless they cannot be."""
    output, inside, beside = _most(told, OUTPUT), _most(told, REASONING) or 0, _most(told, REASONING_BESIDE) or 0
    if output is None:
        return None
    return output + max(beside, inside if inside > output else 0)


def _most(told: Mapping[str, int], names: Sequence[str]) -> int | None:
    """Return the largest number that stands under any of the names."""
    return max((told[name] for name in names if name in told), default=None)


def _numbers(usage: Any) -> dict[str, int]:
    """Return all token counts of a usage object by name in snake case, those of its details and inner objects too."""
    told: dict[str, int] = {}
    if isinstance(usage, Mapping):
        named = {_HUMP.sub("_", str(name)).lower(): value for name, value in usage.items()}
        for value in (*(named.get(name) for name in INSIDE), named):
            if isinstance(value, Mapping):
                told |= {name: number for name, count in value.items() if (number := _whole(count)) is not None}
    return told


def _whole(value: Any) -> int | None:
    """Return a count of tokens as a whole number, rounded up; None for what is none: text, a list, -1, NaN, True."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_TOKENS:
        return None
    return math.ceil(value)
