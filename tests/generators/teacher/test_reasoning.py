"""Thinking is never read as an answer, wherever the endpoint put it."""

import pytest

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
        # A field of its own: the answer may speak of the tags, and is left alone.
        ("Use </think> to close, so 7.", "3 + 4", ("3 + 4", "Use </think> to close, so 7.")),
        ("It ends with <think>x</think>.", "3 + 4", ("3 + 4", "It ends with <think>x</think>.")),
        ("</think>\n\n7", "3 + 4", ("3 + 4", "7")),  # the parser has left the closing tag behind
        ("<answer>7</answer>", "3 + 4", ("3 + 4", "7")),
        ("7", "", (None, "7")),
        ("", "3 + 4", ("3 + 4", "")),
        ("", None, (None, "")),
    ],
)
def test_split(content: str, field: str | None, expected: tuple[str | None, str]) -> None:
    assert split(a_completion(content, field)) == expected
