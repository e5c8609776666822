"""Recompute algebra and percentages that a chain states: `2x = 8, so x = 5`, `20% of 50 = 15`.

Two linear equations in the same single unknown, one right after the other, must have the same solution. Only what
stands directly next to each other, joined by nothing but a word like `so`, is compared: an equation further on may
belong to another case or another unknown of the same name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from cotfactory.schemas.arithmetic import Notation, compute, last_digit

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
MAX_LETTERS, MIN_EQUATIONS = 1, 2


@dataclass(frozen=True)
class _Linear:
    """a * unknown + b. Raises ValueError for what makes it anything else: a square, a division by the unknown."""

    a: Fraction
    b: Fraction

    def __add__(self, other: "_Linear") -> "_Linear":
        return _Linear(self.a + other.a, self.b + other.b)

    def __sub__(self, other: "_Linear") -> "_Linear":
        return self + -other

    def __neg__(self) -> "_Linear":
        return _Linear(-self.a, -self.b)

    def __mul__(self, other: "_Linear") -> "_Linear":
        if self.a and other.a:
            raise ValueError("not linear")
        return _Linear(self.a * other.b + other.a * self.b, self.b * other.b)

    def __truediv__(self, other: "_Linear") -> "_Linear":
        if other.a:
            raise ValueError("divides by the unknown")
        return _Linear(self.a / other.b, self.b / other.b)


_NOTATION = Notation(signs="+-")


def wrong_algebra(text: str) -> Iterator[str]:
    """Yield the percentages and the linear steps of a chain that do not hold, as short texts."""
    for name, sign in _LATEX.items():
        text = text.replace(name, sign)
    yield from _wrong_percentages(text)
    if text.count("=") < MIN_EQUATIONS:
        return
    matches = [(match, _solved(match[1], match[2].rstrip(" \t."))) for match in _equations(text)]
    for (first, before), (second, after) in pairwise(matches):
        if before is None or after is None or not _JOIN.fullmatch(text, first.end(), second.start()):
            continue
        (unknown, value, is_solved), (next_unknown, next_value, _) = before, after
        # `x = 3, x = 5` may be two solutions; `2x = 6, x = 5` may not.
        if unknown != next_unknown or is_solved or value == next_value:
            continue
        if abs(value - next_value) >= _rounding(second[2]):
            yield f"{first.group().strip()} -> {second.group().strip()}"


def _equations(text: str) -> Iterator[re.Match[str]]:
    """Yield the equations of a text: none goes on in another line, and most lines have none."""
    start = 0
    while (equals := text.find("=", start)) >= 0:
        start, end = text.rfind("\n", 0, equals) + 1, text.find("\n", equals)
        end = end if end >= 0 else len(text)
        yield from _EQUATION.finditer(text, start, end)
        start = end


def _wrong_percentages(text: str) -> Iterator[str]:
    if "% of " not in text and "percent of " not in text:  # a tenth of the time that the pattern takes
        return
    for match in _PERCENT_OF.finditer(text):
        share, whole, said = (Fraction(part.replace(",", "")) for part in match.groups())
        if abs(share * whole / 100 - said) >= last_digit(match[3]):
            yield match.group()


def _rounding(side: str) -> Fraction:
    """Return what the solution of an equation may be off by: nothing where only whole numbers are stated."""
    return last_digit(side) if "." in side else Fraction(0)


def _solved(left: str, right: str) -> tuple[str, Fraction, bool] | None:
    """Return (unknown, its value, whether the equation merely names it) of a linear equation in one unknown."""
    letters = {sign for sign in left + right if sign.isalpha()}
    if len(letters) != MAX_LETTERS:
        return None
    try:
        left_line, right_line = _linear(left), _linear(right)
    except (ValueError, ZeroDivisionError, RecursionError):
        return None
    a, b = left_line.a - right_line.a, right_line.b - left_line.b
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
    if sum(sign == "/" and after.isalpha() for sign, after in pairwise(tokens)):
        raise ValueError(f"divides by the unknown: {text}")
    return compute([_term(token) for token in tokens], _NOTATION)


def _term(text: str) -> _Linear | str:
    if text.isalpha():
        return _Linear(Fraction(1), Fraction(0))
    return text if text in "+-*/()" else _Linear(Fraction(0), Fraction(text))
