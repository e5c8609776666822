"""Rounding that the question asks for is the only tolerance."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.math.math_answers import compare_math
from cotfactory.graders.math.rounding import declared_rounding, rounds_to

DECLARED = [
    ("How far is it? Express your answer to the nearest tenth.", "1/10"),
    ("What is its area, to the nearest hundredth of an inch?", "1/100"),
    ("What is $x$ rounded to the nearest integer?", "1"),
    ("What is it worth (to the nearest cent)?", "1/100"),
    ("To the nearest degree: give it to the nearest degree.", "1"),
    ("How long is the fence to the nearest foot? [asy] draw((0,0)--(1,0)); [/asy]", "1"),
    ("Give it to two decimal places.", "1/100"),
    ("Give it to 3 decimal places.", "1/1000"),
    # a number rounded on the way says nothing about the answer
    ("Prices are rounded to the nearest dollar. How many coins are needed?", None),
    ("Find the point nearest to $A$.", None),
    ("Is $2/3$ or $3/4$ nearest to one half?", None),
    ("Give $a$ to the nearest tenth and $b$ to the nearest hundredth.", None),  # two steps: neither is known
    ("What is the second decimal digit of $1/7$?", None),
    ("", None),
]


@pytest.mark.parametrize(("question", "step"), DECLARED)
def test_what_the_question_declares(question: str, step: str | None) -> None:
    found = declared_rounding(question)
    assert (found and found.step) == (None if step is None else Fraction(step))


TENTH = "How far is it, to the nearest tenth?"
AGREE = [
    ("8.2", "8.2462"),
    ("8.2", "8.15"),  # halves go up
    ("8.2 \\text{ km}", "8.2462 \\text{ km}"),
    ("\\frac{70}{9}", "7.8"),
    ("\\sqrt{68}", "8.2"),
    ("45.5\\%", "45.45\\%"),
]
DISAGREE = [
    ("8.2", "8"),  # fewer places than asked for
    ("8.2", "8.3"),
    ("8.2", "8.2501"),
    ("8.2", "\\sqrt{68}"),  # an expression that restates the question is no rounded answer
    ("8.2 \\text{ km}", "8.2462 \\text{ kg}"),
    ("\\sqrt{68}", "8.25"),
    ("8.2", "8.2462 \\text{ or } 8.1"),
]


@pytest.mark.parametrize(("reference", "answer"), AGREE)
def test_rounded_as_asked(reference: str, answer: str) -> None:
    assert compare_math(reference, answer, TENTH, None).result == "equal"
    assert compare_math(reference, answer, "How far is it?", None).result != "equal"


@pytest.mark.parametrize(("reference", "answer"), DISAGREE)
def test_not_rounded_as_asked(reference: str, answer: str) -> None:
    assert compare_math(reference, answer, TENTH, None).result != "equal"


@given(st.fractions(max_denominator=10**6), st.sampled_from([Fraction(1), Fraction(1, 10), Fraction(100)]))
def test_rounding_moves_by_half_a_step_at_most(value: Fraction, step: Fraction) -> None:
    rounded = rounds_to(value, step)
    assert rounded % step == 0
    assert abs(rounded - value) * 2 <= step
    assert rounds_to(-value, step) == -rounded


@given(st.text(alphabet="to the nearest 1decimalplaces.?[asy]/ T", max_size=200))
def test_any_question_declares_a_step_or_none(question: str) -> None:
    rounding = declared_rounding(question)
    assert rounding is None or rounding.step_of(Fraction(22, 7)) > 0
