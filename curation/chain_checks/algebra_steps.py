"""Recompute algebra and percentages that a chain states: `2x = 8, so x = 5`, `20% of 50 = 15`.

Two linear equations in the same single unknown, one right after the other, must have the same solution. Only what
stands directly next to each other, joined by nothing but a word like `so`, is compared: an equation further on may
belong to another case or another unknown of the same name.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

_LATEX = {"\\times": "*", "\\cdot": "*", "\\div": "/", "\\$": "", "\\!": "", "\\,": "", "$": "", "\\left": "",
          "\\right": "", "−": "-", "–": "-", "×": "*", "·": "*", "÷": "/"}  # fmt: skip
_LETTER = r"[a-zA-Z](?![a-zA-Z])"
_SIDE = rf"(?:[-+][ \t]{{0,3}})?[(]?(?:[\d.]|{_LETTER})(?:[\d.+\-*/() \t]|{_LETTER}){{0,80}}"
# Both sides are read as far as they go, and never a part of them: `6t = 48 - 18 = 30` does not say `6t = 48`.
_EQUATION = re.compile(
    rf"(?<![\w.=<>^_\\/*+\-(){{}}])(?<![=+*/^<>-] )({_SIDE})=[ \t]{{0,3}}((?>{_SIDE}))"
    r"(?![\w=^_{}!<>%]|\\(?!implies|Rightarrow|rightarrow|quad|[\])\\]))"
)
_JOIN = re.compile(
    r"[\s.,;:]*(?:(?:so|thus|then|hence|therefore|which|that|this|we|get|gives|giving|is|means|implies|and|to|have|"
    r"\\implies|\\Rightarrow|\\rightarrow|⇒|=>|→|\\\\|&|\\quad|simplify|simplifies|simplifying|solving|us)[\s.,;:]*){0,6}"
)
_TERM = re.compile(r"(\d+(?:\.\d+)?|\.\d+)|([a-zA-Z])|([-+*/()])|[ \t]+")
_NUMBER = r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_PERCENT_OF = re.compile(
    rf"(?<![\w.,/*+\-^(]){_NUMBER} ?(?:\\?%|percent) of [€£]?{_NUMBER} ?(?:is|=|equals) ?[€£]?{_NUMBER}"
    r"(?![\w%/*+\-^]|[.,]\d| ?[*/+\-%(=]| x \d)"
)
MAX_LETTERS = 1


class _Linear(NamedTuple):
    """a * unknown + b."""

    a: Fraction
    b: Fraction


def wrong_algebra(text: str) -> Iterator[str]:
    """Yield the percentages and the linear steps of a chain that do not hold, as short texts."""
    for name, sign in _LATEX.items():
        text = text.replace(name, sign)
    yield from _wrong_percentages(text)
    matches = [(match, _solved(match[1], match[2].rstrip(" \t."))) for match in _EQUATION.finditer(text)]
    for (first, before), (second, after) in pairwise(matches):
        if before is None or after is None or not _JOIN.fullmatch(text, first.end(), second.start()):
            continue
        (unknown, one, is_solved), (other, two, _) = before, after
        # `x = 3, x = 5` may be two solutions; `2x = 6, x = 5` may not.
        if unknown == other and not is_solved and one != two and abs(one - two) >= _rounding(second[2]):
            yield f"{first.group().strip()} -> {second.group().strip()}"


def _wrong_percentages(text: str) -> Iterator[str]:
    for match in _PERCENT_OF.finditer(text):
        share, whole, said = (Fraction(part.replace(",", "")) for part in match.groups())
        if abs(share * whole / 100 - said) >= _slack(match[3]):
            yield match.group()


def _slack(number: str) -> Fraction:
    """Return what one unit in the last digit of a stated number is worth; whole numbers of things may be rounded."""
    digits = re.match(r"[^.]*\.?(\d*)", number.strip())
    return Fraction(1, 10 ** min(6, len(digits[1]) if digits else 0))


def _rounding(side: str) -> Fraction:
    """Return what the solution of an equation may be off by: nothing where only whole numbers are stated."""
    return _slack(side) if "." in side else Fraction(0)


def _solved(left: str, right: str) -> tuple[str, Fraction, bool] | None:
    """Return (unknown, its value, whether the equation merely names it) of a linear equation in one unknown."""
    letters = {sign for sign in left + right if sign.isalpha()}
    if len(letters) != MAX_LETTERS:
        return None
    try:
        one, other = _linear(left), _linear(right)
    except (ValueError, ZeroDivisionError, RecursionError):
        return None
    a, b = one.a - other.a, other.b - one.b
    return None if a == 0 else (letters.pop(), b / a, left.strip().isalpha())


def _linear(text: str) -> _Linear:
    """Read a sum of numbers and one unknown. Raises ValueError for anything that is not linear."""
    tokens: list[str] = []
    place = 0
    while place < len(text):
        match = _TERM.match(text, place)
        if match is None:
            raise ValueError(f"not linear: {text}")
        place = match.end()
        part = match.group().strip()
        if part:
            # `2x`, `2(x + 1)` and `x(3)` leave out the sign of multiplication; `x y` and `2 3` mean something else.
            if tokens and (part[0].isalpha() or part == "(") and (tokens[-1][0].isdigit() or tokens[-1] == ")"):
                tokens.append("*")
            elif tokens and part[0].isalnum() and (tokens[-1][0].isalnum() or tokens[-1] == ")"):
                raise ValueError(f"two words: {text}")
            tokens.append(part)
    if len(tokens) > 60 or any(len(token) > 15 for token in tokens):
        raise ValueError(f"too long: {text[:60]}")
    if sum(one == "/" and other.isalpha() for one, other in pairwise(tokens)):
        raise ValueError(f"divides by the unknown: {text}")
    value, rest = _sum(tokens)
    if rest:
        raise ValueError(f"not read to its end: {text}")
    return value


def _sum(tokens: list[str]) -> tuple[_Linear, list[str]]:
    value, rest = _product(tokens)
    while rest and rest[0] in "+-":
        sign = 1 if rest[0] == "+" else -1
        other, rest = _product(rest[1:])
        value = _Linear(value.a + sign * other.a, value.b + sign * other.b)
    return value, rest


def _product(tokens: list[str]) -> tuple[_Linear, list[str]]:
    value, rest = _atom(tokens)
    while rest and rest[0] in "*/":
        other, after = _atom(rest[1:])
        if rest[0] == "/":
            if other.a:
                raise ValueError("divides by the unknown")
            value = _Linear(value.a / other.b, value.b / other.b)
        elif value.a and other.a:
            raise ValueError("not linear")
        else:
            value = _Linear(value.a * other.b + other.a * value.b, value.b * other.b)
        rest = after
    return value, rest


def _atom(tokens: list[str]) -> tuple[_Linear, list[str]]:
    if not tokens:
        raise ValueError("an operator has no right side")
    first, rest = tokens[0], tokens[1:]
    if first in "+-":
        value, rest = _atom(rest)
        return (value if first == "+" else _Linear(-value.a, -value.b)), rest
    if first == "(":
        value, rest = _sum(rest)
        if not rest or rest[0] != ")":
            raise ValueError("a parenthesis is not closed")
        return value, rest[1:]
    if first.isalpha():
        return _Linear(Fraction(1), Fraction(0)), rest
    if first[0].isdigit() or first[0] == ".":
        return _Linear(Fraction(0), Fraction(first)), rest
    raise ValueError(f"unexpected {first}")
