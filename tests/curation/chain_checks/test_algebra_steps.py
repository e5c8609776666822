"""Percentages and linear steps are found wrong where they plainly are, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.curation.chain_checks.algebra_steps import wrong_algebra

WRONG = [
    "20% of 50 = 15",
    "20% of $50 is $15.",
    "15 percent of 1,200 is 200",
    "2x + 3 = 11\n2x = 9",
    "2x + 3 = 11, so 2x = 8, so x = 5",
    "$3(x - 2) = 12$\n$3x - 6 = 12$\n$3x = 17$",
    "\\[ 18 + 6t = 48 \\implies 6t = 32 \\]",
]

RIGHT_OR_UNCLEAR = [
    "20% of 50 = 10",
    "3% of $3,550 = 0.03 x $3,550",  # goes on
    "33% of 10 = 3.3",
    "20% of 50 + 3 = 13",
    "2x + 3 = 11\n2x = 8\nx = 4",
    "x = 3, x = 5",  # two solutions
    "2x = 8. For the other case x = 7",  # words between
    "x^2 = 9\nx = 3",
    "2x + y = 7\n2x = 4",  # two unknowns
    "3x = 10, so x = 3.33",  # rounded
    "6/x = 3\nx = 2",  # not linear as written
    "f(x) = 2x\nx = 3",
    "2x = 2y\nx = 5",
    "18+6*t=48\n6*t=48-18=30\n6t=30",  # a chain of equalities is not cut short
]


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_step_is_found(text: str) -> None:
    assert list(wrong_algebra(text))


@pytest.mark.parametrize("text", RIGHT_OR_UNCLEAR)
def test_a_right_or_unclear_step_is_left_alone(text: str) -> None:
    assert list(wrong_algebra(text)) == []


@given(st.integers(2, 20), st.integers(-50, 50), st.integers(-50, 50), st.integers(-3, 3))
def test_solving_is_recomputed(a: int, b: int, x: int, error: int) -> None:
    sign = "+" if b >= 0 else "-"
    found = list(wrong_algebra(f"{a}x {sign} {abs(b)} = {a * x + b}\n{a}x = {a * x + error * a}"))
    assert bool(found) == (error != 0)


@given(st.text(alphabet="0123456789xyn+-*/=()%., of\n$\\", max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    list(wrong_algebra(text))
