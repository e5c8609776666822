from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.problems.chains import (
    Equation,
    Ref,
    WorkedChain,
    evaluate,
    write_latex,
    write_lines,
    write_number,
)
from tests.generators.arithmetic import value

F = Fraction
NUMBERS = st.fractions(min_value=-1000, max_value=1000, max_denominator=50)


@pytest.mark.parametrize(
    ("number", "as_fraction", "written"),
    [
        (F(12), False, "12"),
        (F(3, 4), False, "0.75"),
        (F(3, 4), True, "3/4"),
        (F(-1, 20), False, "-0.05"),
        (F(7, 3), False, "7/3"),  # no decimal is exact
        (F(-100), True, "-100"),
    ],
)
def test_numbers_are_written_exactly(number: Fraction, as_fraction: bool, written: str) -> None:
    assert write_number(number, as_fraction=as_fraction) == written


@given(NUMBERS, st.booleans())
def test_a_written_number_reads_back_as_itself(number: Fraction, as_fraction: bool) -> None:
    assert Fraction(write_number(number, as_fraction=as_fraction)) == number


def test_latex_keeps_the_sign_outside_the_fraction() -> None:
    assert write_latex(F(-3, 4)) == r"-\frac{3}{4}"
    assert write_latex(F(6, 2)) == "3"


@given(st.lists(st.tuples(st.sampled_from("+-*/"), NUMBERS), min_size=1, max_size=6), NUMBERS, st.booleans())
def test_every_written_equation_holds_as_it_reads(
    operations: list[tuple[str, Fraction]], start: Fraction, as_fraction: bool
) -> None:
    """Brackets stand wherever a reader with the usual precedence would otherwise read something else."""
    lines = [("So ", Equation((start, *operations[0]), as_fraction), ".")]
    lines += [
        ("So ", Equation((Ref(step), sign, number), as_fraction), ".")
        for step, (sign, number) in enumerate(operations[1:])
    ]
    chain = WorkedChain(tuple(lines))
    try:
        values = evaluate(chain)
    except ZeroDivisionError:
        return
    for line in write_lines(chain, values):
        left, right = line.removeprefix("So ").removesuffix(".").split(" = ")
        assert value(left) == Fraction(right)


def test_a_given_result_is_carried_on_and_a_shown_one_is_not() -> None:
    chain = WorkedChain(((Equation((F(3), "*", F(4))),), (Equation((Ref(0), "+", F(5))), " in all, after ", Ref(0))))
    wrong = {0: F(13)}
    assert write_lines(chain, evaluate(chain)) == ["3 * 4 = 12", "12 + 5 = 17 in all, after 12"]
    assert write_lines(chain, evaluate(chain, wrong)) == ["3 * 4 = 13", "13 + 5 = 18 in all, after 13"]
    assert write_lines(chain, evaluate(chain), wrong) == ["3 * 4 = 13", "12 + 5 = 17 in all, after 12"]
