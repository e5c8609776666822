"""A completion out of a reply's JSON: what was said, what was billed, and by whom."""

from typing import Any

import pytest

from cotfactory.generators.teacher.completions import (
    NOT_READABLE,
    PAID_FOR_NOTHING_TOKENS,
    UNNAMED,
    read_completion,
    read_completions,
    says_nothing,
)
from cotfactory.schemas.teaching import ReportedUsage, Usage
from tests.builders import a_completion


def reply(*texts: str, usage: Any = None, **beside: Any) -> dict[str, Any]:
    choices = [
        {"index": number, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for number, text in enumerate(texts)
    ]
    return {"model": "served", "choices": choices, "usage": usage, **beside}


def usage_of(prompt: int, completion: int, reasoning: int | None = None) -> dict[str, Any]:
    details = {} if reasoning is None else {"completion_tokens_details": {"reasoning_tokens": reasoning}}
    return {"prompt_tokens": prompt, "completion_tokens": completion, **details}


def test_one_choice() -> None:
    read = read_completion(reply("seven", "eight", usage=usage_of(3, 5, 2)), 12.5)
    assert (read.content, read.reasoning, read.model, read.latency_ms) == ("seven", None, "served", 12.5)
    assert read.usage == Usage(input_tokens=3, output_tokens=5, reasoning_tokens=2)


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (None, None),
        (usage_of(3, 5), Usage(input_tokens=3, output_tokens=5)),
        ({"prompt_tokens": None, "completion_tokens": 5}, ReportedUsage(output_tokens=5)),
        (usage_of(3, -1), ReportedUsage(input_tokens=3)),  # what cannot be is not stated
        (usage_of(3, 10**30), ReportedUsage(input_tokens=3)),
        ({**usage_of(3, 5), "completion_tokens_details": None}, Usage(input_tokens=3, output_tokens=5)),
    ],
)
def test_what_was_billed(usage: Any, read: ReportedUsage | None) -> None:
    assert read_completion(reply("x", usage=usage), 1.0).usage == read


def test_several_choices_share_the_bill_by_their_lengths() -> None:
    """90 tokens for 100 and 200 characters are 30 and 60, and so for the thinking in them; the prompt is paid once."""
    read = read_completions(reply("x" * 100, "y" * 200, usage=usage_of(7, 90, 30)), 1.0)
    assert [completion.usage for completion in read] == [
        Usage(input_tokens=7, output_tokens=30, reasoning_tokens=10),
        Usage(input_tokens=0, output_tokens=60, reasoning_tokens=20),
    ]


def test_nothing_of_a_bill_is_lost_in_rounding() -> None:
    read = read_completions(reply("a", "bb", "", usage=usage_of(1, 10, 4)), 1.0)
    usages = [completion.usage for completion in read if completion.usage is not None]
    assert sum(usage.output_tokens or 0 for usage in usages) == 10
    assert sum(usage.reasoning_tokens for usage in usages) == 4
    assert sum(usage.input_tokens or 0 for usage in usages) == 1


def test_thinking_counts_towards_the_share_of_a_choice() -> None:
    two = reply("x" * 50, "y" * 50, usage=usage_of(0, 100))
    two["choices"][1]["message"]["reasoning_content"] = "z" * 100
    assert [completion.usage.output_tokens for completion in read_completions(two, 1.0) if completion.usage] == [25, 75]


def test_choices_come_in_their_own_order_and_without_a_bill_unbilled() -> None:
    two = reply("first", "second")
    two["choices"].reverse()
    read = read_completions(two, 1.0)
    assert [completion.content for completion in read] == ["first", "second"]
    assert [completion.usage for completion in read] == [None, None]


@pytest.mark.parametrize("model", [None, ""])
def test_a_model_that_is_not_named(model: str | None) -> None:
    assert read_completion({**reply("x"), "model": model}, 1.0).model == UNNAMED


@pytest.mark.parametrize("broken", [{}, {"choices": []}, {"choices": [{}]}, {"choices": None}, [], "text", None, 7])
def test_what_is_no_completion(broken: Any) -> None:
    with pytest.raises(NOT_READABLE):
        read_completion(broken, 1.0)


@pytest.mark.parametrize(
    ("changes", "nothing"),
    [
        ({}, True),
        ({"content": "\n "}, True),
        ({"content": "7"}, False),
        ({"reasoning": "hm"}, False),
        ({"reasoning": " "}, True),
        ({"finish_reason": "unknown"}, True),
        ({"finish_reason": "length"}, False),  # the token limit emptied it
        ({"finish_reason": "content_filter"}, False),
        ({"usage": None}, True),
        ({"usage": Usage(output_tokens=PAID_FOR_NOTHING_TOKENS)}, True),
        ({"usage": Usage(output_tokens=PAID_FOR_NOTHING_TOKENS + 1)}, False),  # thought about in secret
    ],
)
def test_an_answer_with_nothing_in_it(changes: dict[str, Any], nothing: bool) -> None:
    empty = a_completion("")._replace(**{"usage": Usage(output_tokens=1), **changes})
    assert says_nothing(empty) is nothing


@pytest.mark.parametrize(
    ("content", "said", "thought"),
    [
        ("7", "7", None),
        (None, "", None),
        ([], "", None),
        (["3 + 4", " = 7"], "3 + 4 = 7", None),  # parts without a type
        ([{"text": "7"}], "7", None),
        ([{"type": "output_text", "text": "7"}, {"type": "text", "content": "!"}], "7!", None),
        ([{"type": "thinking", "thinking": "3 + 4"}, {"type": "text", "text": "7"}], "7", "3 + 4"),
        # parts within parts
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "3 "}, {"text": "+ 4"}]}], "", "3 + 4"),
        ([{"type": "reasoning_text", "text": "3 + 4"}, {"type": "text", "text": "7"}], "7", "3 + 4"),
        ([{"type": "thought", "summary": "hm"}, "7"], "7", "hm"),
        ([{"type": "image", "content": "data"}, {"type": "text", "text": 7}], "", None),  # neither text nor thinking
    ],
)
def test_content_in_parts(content: Any, said: str, thought: str | None) -> None:
    payload = reply("")
    payload["choices"][0]["message"]["content"] = content
    read = read_completion(payload, 1.0)
    assert (read.content, read.reasoning) == (said, thought)


def test_thinking_beside_the_content_goes_before_thinking_within_it() -> None:
    payload = reply("")
    payload["choices"][0]["message"] |= {"content": [{"type": "thinking", "thinking": "within"}], "reasoning": "beside"}
    assert read_completion(payload, 1.0).reasoning == "beside"


def test_an_upstream_that_died_in_the_middle() -> None:
    payload = reply("3 + ")
    payload["choices"][0]["error"] = {"code": 502}
    read = read_completion(payload, 1.0)
    assert (read.finish_reason, read.finish_reason_raw) == ("error", "stop")


def test_half_a_character_is_stored_as_a_question_mark() -> None:
    assert read_completion(reply("é \ud800"), 1.0).content == "é ?"
