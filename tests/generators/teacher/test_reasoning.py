"""Thinking is never read as an answer, wherever the endpoint put it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.teacher.reasoning import split
from tests.builders import a_completion


@pytest.mark.parametrize(
    ("content", "field", "expected"),
    [
        ("The answer is 7.", None, (None, "The answer is 7.")),
        ("<think>3 + 4</think>The answer is 7.", None, ("3 + 4", "The answer is 7.")),
        ("The answer is 7.", "3 + 4", ("3 + 4", "The answer is 7.")),  # reasoning_content, or reasoning
        ("The answer is 7.", "<think>3 + 4</think>", ("3 + 4", "The answer is 7.")),  # both ways at once
        ("<think>maybe 5?</think>The answer is 7.", "3 + 4", ("3 + 4", "The answer is 7.")),  # never an answer
        ("3 + 4</think>The answer is 7.", None, ("3 + 4", "The answer is 7.")),  # the template opened the tag
        ("<think>3 + 4", None, ("3 + 4", "")),  # never closed: cut while thinking
        ("Well. <think>3 + 4</think> 7", None, ("3 + 4", "Well.  7")),
        ("<think>a</think>6<think>b</think>7", None, ("a6b", "7")),  # the 6 was not the last word
        ("<think>a</think>7<think>wait", None, ("a\nwait", "")),  # thinking again, cut
        ("<think></think>7", None, (None, "7")),  # a switched-off thinker
        ("<think>\n\n</think>\n\n7", None, (None, "7")),
        ("7", "", (None, "7")),
        ("", "3 + 4", ("3 + 4", "")),
        ("", None, (None, "")),
    ],
)
def test_split(content: str, field: str | None, expected: tuple[str | None, str]) -> None:
    assert split(a_completion(content, field)) == expected


@given(st.lists(st.sampled_from(["<think>", "</think>", "a", " ", "\n", "7"])).map("".join))
def test_no_tag_reaches_the_reasoning_and_no_thought_the_response(content: str) -> None:
    reasoning, response = split(a_completion(content))
    assert "<think>" not in (reasoning or "")
    assert "</think>" not in (reasoning or "") + response
