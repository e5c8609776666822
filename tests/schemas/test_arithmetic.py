"""Arithmetic is read by the usual precedence, over any values; what is no expression is refused."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.schemas.arithmetic import PLAIN, Notation, compute, last_digit

F = Fraction
SIGNED = Notation(signs="+-", percent=lambda value: value / 100)
WHOLE = Notation(divide=lambda value, other: Fraction(value) / other)


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([F(2), "+", F(3), "*", F(4)], 14),
        (["(", F(2), "+", F(3), ")", "*", F(4)], 20),
        ([F(10), "-", F(3), "-", F(4)], 3),  # from the left, not 10 - (3 - 4)
        ([F(12), "/", F(3), "/", F(2)], 2),
        ([F(3), "-", "(", F(-2), ")"], 5),
    ],
)
def test_expressions_have_their_usual_value(terms: list[Fraction | str], expected: int) -> None:
    assert compute(terms) == compute(terms, SIGNED) == expected


@pytest.mark.parametrize(
    ("terms", "notation", "expected"),
    [
        (["-", F(2), "*", F(3)], SIGNED, -6),
        ([F(2), "*", "-", "-", "(", F(3), ")"], SIGNED, 6),
        (["+", F(2), "-", "-", F(3)], SIGNED, 5),
        (["-", F(50), "%"], SIGNED, F(-1, 2)),
        ([F(3), "*", "(", F(20), "+", F(30), ")", "%"], SIGNED, F(3, 2)),  # of the bracket, not of the product
        ([1, "/", 3], WHOLE, F(1, 3)),  # whole numbers stay whole until they are divided
    ],
)
def test_what_a_notation_allows(terms: list[Any], notation: Notation, expected: Fraction | int) -> None:
    assert compute(terms, notation) == expected


@pytest.mark.parametrize(
    ("terms", "notation"),
    [
        *(
            (terms, PLAIN)
            for terms in ([], ["+"], [F(1), F(2)], [F(1), "+"], ["(", F(1)], [F(1), ")"], ["-", F(1)], [F(1), "%"])
        ),
        ([F(1), "%", "%"], SIGNED),
        (["+", F(1)], Notation(signs="-")),
        (["%"], SIGNED),
    ],
)
def test_what_is_no_expression_is_refused(terms: list[Fraction | str], notation: Notation) -> None:
    with pytest.raises(ValueError, match="expected"):
        compute(terms, notation)


@given(st.recursive(st.integers(-99, 99), lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner), max_leaves=12))
def test_brackets_decide(tree: Any) -> None:
    def terms(node: Any) -> list[int | str]:
        return [node] if isinstance(node, int) else ["(", *terms(node[0]), node[1], *terms(node[2]), ")"]

    def value(node: Any) -> int:
        if isinstance(node, int):
            return node
        left, right = value(node[0]), value(node[2])
        return {"+": left + right, "-": left - right, "*": left * right}[node[1]]

    assert compute(terms(tree)) == value(tree)


@pytest.mark.parametrize(
    ("number", "worth"),
    [
        ("3.33", F(1, 100)),
        ("12", F(1)),
        (".5", F(1, 10)),
        ("1,234.50", F(1, 100)),
        ("0.09999999999999998", F(1, 10**6)),  # a calculator's noise
        ("", F(1)),
    ],
)
def test_what_the_last_digit_is_worth(number: str, worth: Fraction) -> None:
    assert last_digit(number) == worth
