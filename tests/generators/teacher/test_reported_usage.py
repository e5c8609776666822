"""What an endpoint says it billed, by whichever names; what it does not say counts at its worst case."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.teacher.reported_usage import billed_usage, reported_usage, shared_usage
from cotfactory.schemas.teaching import Completion, ReportedUsage, Usage
from tests.builders import a_completion

WORST = Usage(input_tokens=200, output_tokens=2_000)


def _with(usage: ReportedUsage | None, content: str = "seven") -> Completion:
    return a_completion(content)._replace(usage=usage)


def told(usage: Any) -> tuple[int | None, int | None, int, int | None]:
    """Return (input, output, reasoning, cached) of a reply with text."""
    read = reported_usage({"usage": usage}, says_something=True) or ReportedUsage()
    return read.input_tokens, read.output_tokens, read.reasoning_tokens, read.cached_input_tokens


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        # OpenAI: reasoning and cached tokens are inside
        (
            {"prompt_tokens": 40, "completion_tokens": 90, "total_tokens": 130,
             "prompt_tokens_details": {"cached_tokens": 32}, "completion_tokens_details": {"reasoning_tokens": 70}},
            (40, 90, 70, 32),
        ),
        # OpenAI's Responses
        (
            {"input_tokens": 40, "output_tokens": 90, "total_tokens": 130,
             "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 70}},
            (40, 90, 70, 0),
        ),
        # xAI: reasoning beside the completion's tokens
        (
            {"prompt_tokens": 40, "completion_tokens": 20, "total_tokens": 130,
             "completion_tokens_details": {"reasoning_tokens": 70}},
            (40, 90, 70, None),
        ),
        # ... and where no total tells so, more thinking than output cannot be inside
        ({"prompt_tokens": 40, "completion_tokens": 20, "reasoning_tokens": 70}, (40, 90, 70, None)),
        # Gemini through the OpenAI API: the total alone tells
        ({"prompt_tokens": 40, "completion_tokens": 20, "total_tokens": 130}, (40, 90, 0, None)),
        # Gemini's own names
        (
            {"promptTokenCount": 40, "candidatesTokenCount": 20, "thoughtsTokenCount": 70, "totalTokenCount": 130,
             "cachedContentTokenCount": 8, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 40}]},
            (40, 90, 70, 8),
        ),
        ({"promptTokenCount": 40, "candidatesTokenCount": 90, "thoughtsTokenCount": 7}, (40, 97, 7, None)),
        # Anthropic: cached tokens beside the input's, written or read
        (
            {"input_tokens": 8, "cache_creation_input_tokens": 12, "cache_read_input_tokens": 20, "output_tokens": 90},
            (40, 90, 0, 20),
        ),
        # ... Bedrock's names for the same
        ({"inputTokens": 8, "outputTokens": 90, "cacheReadInputTokens": 32, "totalTokens": 130}, (40, 90, 0, 32)),
        # ... a gateway that has added them up tells a total, or the cached tokens inside as well
        ({"prompt_tokens": 40, "completion_tokens": 90, "total_tokens": 130, "cache_read_input_tokens": 32},
         (40, 90, 0, 32)),
        ({"prompt_tokens": 40, "completion_tokens": 90, "prompt_tokens_details": {"cached_tokens": 32},
          "cache_read_input_tokens": 32}, (40, 90, 0, 32)),
        # DeepSeek, Moonshot
        ({"prompt_tokens": 40, "completion_tokens": 90, "prompt_cache_hit_tokens": 32, "prompt_cache_miss_tokens": 8},
         (40, 90, 0, 32)),
        ({"prompt_tokens": 40, "completion_tokens": 90, "cached_tokens": 32}, (40, 90, 0, 32)),
        # Cohere: the larger of units and tokens
        ({"billed_units": {"input_tokens": 30, "output_tokens": 90}, "tokens": {"input_tokens": 40}},
         (40, 90, 0, None)),
        # numbers as text and as floats, rounded up
        ({"prompt_tokens": "40", "completion_tokens": 89.2}, (40, 90, 0, None)),
        # both ways of naming: the larger
        ({"prompt_tokens": 40, "completion_tokens": 0, "input_tokens": 0, "output_tokens": 90}, (40, 90, 0, None)),
        # one side is told: the other is not
        ({"prompt_tokens": 40}, (40, None, 0, None)),
        ({"completion_tokens": 90}, (None, 90, 0, None)),
        ({"total_tokens": 130}, (None, 130, 0, None)),
        ({"prompt_tokens": 40, "total_tokens": 130}, (40, 90, 0, None)),
        # no count: text, a list, true, less than nothing, none though there is text
        ({"prompt_tokens": 40, "completion_tokens": "many"}, (40, None, 0, None)),
        ({"prompt_tokens": 40, "completion_tokens": [90]}, (40, None, 0, None)),
        ({"prompt_tokens": 40, "completion_tokens": True}, (40, None, 0, None)),
        ({"prompt_tokens": 40, "completion_tokens": -1, "total_tokens": 39}, (40, None, 0, None)),
        ({"prompt_tokens": 40, "completion_tokens": 0, "total_tokens": 40}, (40, None, 0, None)),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, (None, None, 0, None)),
        ({"prompt_tokens": float("nan"), "completion_tokens": float("inf")}, (None, None, 0, None)),
        # details that are no object do not hide what is beside them
        ({"prompt_tokens": 40, "completion_tokens": 90, "completion_tokens_details": [1], "prompt_tokens_details": "x"},
         (40, 90, 0, None)),
        # more cached than there was
        ({"prompt_tokens": 40, "completion_tokens": 90, "cached_tokens": 64}, (40, 90, 0, 40)),
        # nothing
        ({}, (None, None, 0, None)),
        (None, (None, None, 0, None)),
        ([], (None, None, 0, None)),
        ("free", (None, None, 0, None)),
        (7, (None, None, 0, None)),
    ],
)  # fmt: skip
def test_what_is_told(usage: Any, expected: tuple[int | None, int | None, int, int | None]) -> None:
    assert told(usage) == expected


@pytest.mark.parametrize(
    "payload",
    [
        {"usageMetadata": {"promptTokenCount": 40, "candidatesTokenCount": 90}},
        {"usage": {}, "x_groq": {"id": "r", "usage": {"prompt_tokens": 40, "completion_tokens": 90}}},
        {"usage": None, "meta": {"billed_units": {"input_tokens": 40, "output_tokens": 90}}},
        {"prompt_eval_count": 40, "eval_count": 90, "eval_duration": 7},
    ],
)
def test_where_it_is_told(payload: dict[str, Any]) -> None:
    assert reported_usage(payload, says_something=True) == Usage(input_tokens=40, output_tokens=90)


def test_no_tokens_can_be_nothing_said() -> None:
    usage = {"usage": {"prompt_tokens": 40, "completion_tokens": 0}}
    assert reported_usage(usage, says_something=False) == Usage(input_tokens=40, output_tokens=0)


@pytest.mark.parametrize(
    ("usage", "billed", "estimated"),
    [
        ({"prompt_tokens": 40, "completion_tokens": 90}, (40, 90), False),
        ({"prompt_tokens": 40}, (40, 2_000), True),
        ({"completion_tokens": 9_000}, (200, 9_000), True),  # beyond the limit, and told
        ({}, (200, 2_000), True),
        (None, (200, 2_000), True),
    ],
)
def test_what_is_not_told_counts_at_its_worst_case(usage: Any, billed: tuple[int, int], estimated: bool) -> None:
    read = reported_usage({"usage": usage}, says_something=True)
    counted = billed_usage(_with(read), WORST)
    assert ((counted.input_tokens, counted.output_tokens), counted.estimated) == (billed, estimated)


def test_without_a_limit_each_byte_may_be_a_token() -> None:
    unlimited = Usage(input_tokens=200)
    assert billed_usage(_with(None, "sève"), unlimited).output_tokens == 5


def test_several_answers_share_what_was_told() -> None:
    assert shared_usage(None, [1, 2]) == [None, None]
    whole = Usage(input_tokens=40, output_tokens=90, reasoning_tokens=30, cached_input_tokens=32)
    assert shared_usage(whole, [1, 2]) == [
        Usage(input_tokens=40, output_tokens=30, reasoning_tokens=10, cached_input_tokens=32),
        Usage(input_tokens=0, output_tokens=60, reasoning_tokens=20),
    ]
    assert shared_usage(ReportedUsage(input_tokens=40), [1, 2]) == [ReportedUsage(input_tokens=40), ReportedUsage(
        input_tokens=0
    )]  # fmt: skip


NAMES = st.sampled_from(
    ["usage", "tokens", "prompt_tokens", "completion_tokens", "total_tokens", "promptTokenCount", "reasoning_tokens",
     "cache_read_input_tokens", "cached_tokens", "completion_tokens_details", "output_tokens", "thoughtsTokenCount"]
) | st.text(max_size=5)  # fmt: skip

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.booleans())
def test_whatever_is_sent_as_usage_is_read_and_never_counts_less_than_it_says(usage: Any, says_something: bool) -> None:
    read = reported_usage({"usage": usage}, says_something=says_something)
    if read is None:
        return
    whole = (read.input_tokens or 0), (read.output_tokens or 0)
    assert read.reasoning_tokens <= whole[1] or read.output_tokens is None
    assert (read.cached_input_tokens or 0) <= whole[0] or read.input_tokens is None


@given(*[st.integers(0, 10_000)] * 4)
def test_a_total_is_never_more_than_what_counts(prompt: int, completion: int, reasoning: int, more: int) -> None:
    total = prompt + completion + more
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total,
             "completion_tokens_details": {"reasoning_tokens": reasoning}}  # fmt: skip
    counted = billed_usage(_with(reported_usage({"usage": usage}, says_something=True)), WORST)
    assert counted.input_tokens + counted.output_tokens >= total
    assert counted.output_tokens >= max(completion, reasoning)
