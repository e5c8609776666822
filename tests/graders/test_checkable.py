"""References that are answers, and words that stand where one should be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.checkable import stands_for_no_answer, why_no_text

NONE = [
    "See proof.",
    "see the attached solution",
    "Refer to figure 3",
    "The statement is proved",
    "\\text{The claim has been established.}",
    "Proof omitted.",
    "Q.E.D.",
    "proved",
    "Hence proved.",
    "Answers may vary",
    "The answer will vary depending on the student.",
    "No answer provided",
    "Left to the reader",
    "not given",
]
SOME = [
    "42",
    "Proof by induction",  # "which technique ...?"
    "the proofreader",
    "seesaw",
    "see",
    "No",
    "not",
    "no solution",  # of an equation
    "None of them",
    "left",
    "left to right",
    "identity",
    "The claim is false",
    "theorem of Pythagoras",
    "answer",
]


@pytest.mark.parametrize("text", NONE)
def test_words_in_place_of_an_answer(text: str) -> None:
    assert stands_for_no_answer(text)
    assert why_no_text(text) == "missing"


@pytest.mark.parametrize("text", SOME)
def test_answers(text: str) -> None:
    assert not stands_for_no_answer(text)
    assert why_no_text(text) is None


def test_prose_is_no_text_answer() -> None:
    assert why_no_text("word " * 30) is None
    assert why_no_text("word " * 31) == "prose"
    assert why_no_text("First line.\nSecond line.") == "prose"
    assert why_no_text(" \n") == "missing"
    assert why_no_text("Friday\n") is None


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    assert why_no_text(text) in {None, "missing", "prose"}
