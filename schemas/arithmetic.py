"""Arithmetic: the value of numbers joined by + - * / and brackets, with the usual precedence.

The one reader of plain arithmetic. Problems are worked out with it (`generators/problems/chains.py`), and what chains
state is recomputed with it (`curation/chain_checks/`): over fractions, whole numbers or linear terms. What graders read
is another language, LaTeX with functions, roots and products without a sign; it has a parser of its own.
"""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar, cast

V = TypeVar("V")
"""What is computed with: any kind of value that is added, subtracted, multiplied and negated among itself."""


@dataclass(frozen=True)
class Notation:
    """What an expression may hold beside numbers, `+ - * /` and brackets.

    `signs` may stand before a number or bracket; `percent` is what a per cent sign behind one makes of it (None: it is
    refused); `divide` divides two values.
    """

    signs: str = ""
    percent: Callable[[Any], Any] | None = None
    divide: Callable[[Any, Any], Any] = operator.truediv


PLAIN = Notation()


def compute(terms: Sequence[V | str], notation: Notation = PLAIN) -> V:
    """Return the value of an expression: values, and the signs between them as strings.

    Raises ZeroDivisionError for a division by zero, ValueError for anything that is no expression, and whatever the
    values' own operations raise.

    >>> compute([Fraction(2), "+", Fraction(3), "*", Fraction(4)])
    Fraction(14, 1)
    """
    value, end = _sum(terms, 0, notation)
    if end != len(terms):
        raise ValueError(f"an operator or the end was expected at term {end} of {list(terms)}")
    return cast("V", value)


def last_digit(number: str) -> Fraction:
    """Return what one unit in the last digit of a stated number is worth: `3.33` -> 1/100, `12` -> 1.

    Digits past the sixth are a pocket calculator's noise (`0.5 - 0.4 = 0.09999999999999998`).
    """
    digits = _DECIMALS.match(number.strip())
    return _UNITS[min(6, len(digits[1]) if digits else 0)]


_DECIMALS = re.compile(r"[^.]*\.?(\d*)")
_UNITS = tuple(Fraction(1, 10**digits) for digits in range(7))


def _sum(terms: Sequence[Any], at: int, notation: Notation) -> tuple[Any, int]:
    value, at = _product(terms, at, notation)
    while at < len(terms) and terms[at] in ("+", "-"):
        right, after = _product(terms, at + 1, notation)
        value, at = (value + right if terms[at] == "+" else value - right), after
    return value, at


def _product(terms: Sequence[Any], at: int, notation: Notation) -> tuple[Any, int]:
    value, at = _factor(terms, at, notation)
    while at < len(terms) and terms[at] in ("*", "/"):
        right, after = _factor(terms, at + 1, notation)
        value, at = (value * right if terms[at] == "*" else notation.divide(value, right)), after
    return value, at


def _factor(terms: Sequence[Any], at: int, notation: Notation) -> tuple[Any, int]:
    term = terms[at] if at < len(terms) else "the end"
    if not isinstance(term, str):
        value, at = term, at + 1
    elif term in ("+", "-") and term in notation.signs:
        value, at = _factor(terms, at + 1, notation)
        return (value if term == "+" else -value), at
    elif term == "(":
        value, at = _sum(terms, at + 1, notation)
        if at >= len(terms) or terms[at] != ")":
            raise ValueError(f"a closing bracket was expected at term {at}")
        at += 1
    else:
        raise ValueError(f"a number was expected at term {at}, found {term!r}")
    if notation.percent is not None and at < len(terms) and terms[at] == "%":
        return notation.percent(value), at + 1
    return value, at
