"""References that can be read as a mathematical answer, and those that cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.math.readable import is_in_words, why_no_answer

READABLE = [
    "18", "-\\frac{1}{2}", "x^2 + 1", "(1, 2]", "\\{1, 2\\}", "2401_7", "3:4", "12:30 PM", "x = 5", "3 apples",
    "\\text{even}", "Friday", "yes", "True", "no real solutions", "all real numbers", "\\text{October 30}",
    "\\text{(C)}", "\\frac{1}{7}\\triangle ABC", "\\sum_{n=1}^\\infty \\frac{1}{n^2}", "2^{10^{10}}",
    "(-\\infty, 3) \\cup (3, \\infty)", "\\emptyset", "0.56 = 56\\%", "500 \\text{ cm} = 5 \\text{ m}",
]  # fmt: skip


@pytest.mark.parametrize("reference", READABLE)
def test_what_mathematics_answers_with(reference: str) -> None:
    assert why_no_answer(reference) is None


@pytest.mark.parametrize(
    ("reference", "words"),
    [("two apples", True), ("\\text{even}", True), ("(2, \\text{odd})", True), ("18", False), ("3 apples", False),
     ("x^2 + 1", False), ("3tbd", False), ("\\{1, 2\\}", False)],
)  # fmt: skip
def test_what_is_compared_as_words(reference: str, words: bool) -> None:
    assert is_in_words(reference) is words
    assert why_no_answer(reference) is None


UNREADABLE = [
    ("4/0", "division_by_zero"),
    ("(1, \\frac{4}{0})", "division_by_zero"),
    ("\\frac{1}{x - x}", "division_by_zero"),
    ("5 +", "unreadable"),
    ("))((", "unreadable"),
    ("5 = 6", "unreadable"),
    ("[1, 2", "unreadable"),
    ("__import__('os').system('false')", "unreadable"),
    ("See the solution above for the details of the proof", "missing"),  # points elsewhere
    ("The answer depends on what the author may have meant by it", "prose"),
    ("two apples, maybe", "unsure"),
    ("probably 12", "unsure"),
    ("12 (I think)", "unsure"),
    ("\\text{not sure}", "unsure"),
    ("5 or so", "unsure"),
    ("TBD", "unsure"),  # as a whole: t * b * d has small letters and other neighbours
    ("nan", "missing"),
    ("N/A", "missing"),
    ("", "missing"),
]


@pytest.mark.parametrize(("reference", "fault"), UNREADABLE)
def test_what_is_no_answer_and_why(reference: str, fault: str) -> None:
    assert why_no_answer(reference) == fault


@given(st.text(max_size=60))
def test_any_text_is_decided(text: str) -> None:
    assert why_no_answer(text) in {None, "missing", "unsure", "unreadable", "prose", "division_by_zero"}
