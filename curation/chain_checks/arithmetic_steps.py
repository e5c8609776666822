"""Right answer, wrong reason: recompute the arithmetic that a chain states.

Only what is plainly stated is judged: an equation whose two sides are numbers joined by + - * / and parentheses, at
least one operator among them. `6 * 7 = 42` holds, `6 * 7 = 44` is a wrong step. `2x + 3 = 11`, `20% of 50 + 3 = 13`,
`2^3 * 4 = 32`, `7 + 8 = 3 (mod 12)` and an equation that is taken back (`= 24? No`) are left alone, because reading
them wrongly would throw good chains away. GSM8K's annotations `<<6*7=42>>` are read like any other equation.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple, cast

from cotfactory.schemas.arithmetic import Notation, compute, last_digit

MAX_DIGITS = 30
NOISE = 1_000_000
"""A stated decimal may be off by one part in so many: `18 * 3.14159 = 56.54866` was worked out with more of pi."""

Value = Fraction | int
"""Whole numbers stay `int`, which costs a tenth of a fraction; only a division makes one."""

_NOTATION = Notation(
    signs="-",
    percent=lambda value: Fraction(value) / 100,
    divide=lambda value, other: Fraction(value) / other,
)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_ANNOTATION = re.compile(r"<<([^<>\n]{1,200})>>")
_BULLET = re.compile(r"^[ \t]*[-*•][ \t]+", re.MULTILINE)
_LATEX = {"\\times": "*", "\\cdot": "*", "\\div": "/", "\\$": "", "\\%": "%", "\\!": "", "\\,": "", "$": ""}
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "€": "", "£": ""})
_TIMES = re.compile(r"(?<=[\d%) ])x(?=[\d( ])")
_TOKEN = re.compile(r"([ \t]*+)(\d+(?:,\d+)*(?:\.\d+)?|\.\d+|[^\W\d]+|.)", re.DOTALL)
"""The space before a token, and the token."""
_KINDS = {**dict.fromkeys("+-*/", "operator"), "%": "percent", "(": "open", ")": "close", "=": "equals", "\n": "break"}
"""Of the tokens that are one sign; the others are numbers and words."""
# A word that makes the numbers around it mean something else than they say.
_BINDING_WORDS = frozenset((
    "of", "times", "plus", "minus", "by", "from", "over", "than", "divided", "multiplied", "per", "mod", "and",
    "to", "log", "ln", "sin", "cos", "tan", "sqrt", "exp", "negative", "twice", "half", "double", "triple",
    "thrice",
))  # fmt: skip
# Words after which an equation is taken back: `10 - 2 * 3 = 24? No: 10 - 6 = 4`.
_RETRACTIONS = frozenset((
    "no", "nope", "not", "wait", "hmm", "oops", "wrong", "incorrect", "actually", "sorry", "mistake",
))  # fmt: skip
_EQUALS = re.compile(r"[\d%()+*/-][ \t]*=[ \t]*[\d%()+*/.-]")
"""An equals sign that a side of an equation ends before and another one begins after; each of them is in one line."""

LOOKED_AT = 4
"""So many tokens after an equation may take it back."""

_EXPRESSION_KINDS = frozenset(("number", "operator", "percent", "open", "close"))


class StatedStep(NamedTuple):
    """One stated equation, as text, and whether it holds."""

    text: str
    holds: bool


class _Token(NamedTuple):
    kind: str
    text: str
    glued: bool  # no space between it and the token before


def stated_steps(text: str) -> Iterator[StatedStep]:
    """Yield every arithmetic equation a chain states plainly, in order."""
    yield from _steps_of("\n".join(_ANNOTATION.findall(text)))
    yield from _steps_of(_ANNOTATION.sub("", text))


def _steps_of(text: str) -> Iterator[StatedStep]:
    for tokens in _tokens(text):
        yield from _steps_in(tokens)


def _steps_in(tokens: list[_Token]) -> Iterator[StatedStep]:
    for position, token in enumerate(tokens):
        if token.kind != "equals":
            continue
        left, right = _left_side(tokens, position), _right_side(tokens, position)
        if left is None or right is None:
            continue
        sides = _text(left), _text(right)
        # A step is stated twice in a chain (`<<6*7=42>>`), and by each of the many chains of a problem.
        holds = _remembered(*sides) if len(sides[0]) + len(sides[1]) < SHORT_STEP else _holds(*sides)
        if holds is not None and not _is_taken_back(tokens[position + 1 + len(right) :][:LOOKED_AT]):
            yield StatedStep(f"{sides[0]} = {sides[1]}", holds)


def _is_taken_back(following: list[_Token]) -> bool:
    """Return whether what follows an equation doubts it: a question mark, or a word like `wait`."""
    for token in following:
        if token.text == "?" or token.text.lower() in _RETRACTIONS:
            return True
        if token.text.isalnum():
            return False
    return False


def _tokens(text: str) -> Iterator[list[_Token]]:
    """Yield the tokens of the lines of a text that may state an equation, with those around them that may undo it."""
    if "=" not in text:
        return
    for name, sign in _LATEX.items():
        text = text.replace(name, sign)
    if not text.isascii():
        text = text.translate(_SIGNS)
    text = _TIMES.sub("*", _BULLET.sub("", text))
    for lines in _lines_with_equations(text):
        tokens = [
            _short_token(part, not space) if len(part) < SHORT else _token(part, not space)
            for space, part in _TOKEN.findall(lines)
        ]
        tokens[0] = tokens[0]._replace(glued=False)
        yield tokens


def _lines_with_equations(text: str) -> Iterator[str]:
    """Yield the parts of a text, in whole lines, that have an equals sign between what may be two sides.

    With each there is the line before (`in base` may end it), and after it as many lines as tokens may be looked at.
    """
    first = last = line_end = -1
    for match in _EQUALS.finditer(text):
        if match.end() <= line_end:
            continue
        line = text.rfind("\n", 0, match.start()) + 1
        before = text.rfind("\n", 0, max(line - 1, 0)) + 1
        if before > last:
            if last >= 0:
                yield text[first:last]
            first = before
        line_end = last = _next_line(text, match.end())
        for _ in range(LOOKED_AT):
            last = _next_line(text, last)
    if last >= 0:
        yield text[first:last]


def _next_line(text: str, place: int) -> int:
    """Return where the line after the one at `place` starts; a text's length where there is none."""
    return text.find("\n", place) + 1 or len(text)


def _token(text: str, glued: bool) -> _Token:
    return _Token(_KINDS.get(text) or ("number" if _is_number(text) else "word"), text, glued)


SHORT = 20
_short_token = lru_cache(8192)(_token)
"""Words come again and again; long ones would fill the memory."""


def _left_side(tokens: list[_Token], equals: int) -> list[_Token] | None:
    """Return the tokens of the expression that ends before `equals`, or None when its start is unclear."""
    start = equals
    while start > 0 and tokens[start - 1].kind in _EXPRESSION_KINDS:
        start -= 1
    side = tokens[start:equals]
    if not side or start == 0:
        return side or None
    before = tokens[start - 1]
    if before.kind in ("break", "equals"):
        return side
    if any(token.text.lower() == "base" for token in tokens[max(0, start - 3) : start]):  # `in base 8, 7 + 1 = 10`
        return None
    is_variable = before.text.isalpha() and len(before.text) == 1
    is_symbol = not before.text.isalnum() and before.text not in ".,:;!?([{\"'"
    if is_variable or is_symbol or before.text.lower() in _BINDING_WORDS:
        return None
    if side[0].glued and before.text.isalnum():
        return None
    if side[0].kind != "operator":
        return side
    # `3 apples + 4 = 7`: the sum starts before the word, so its visible rest proves nothing. `get -4 + 7 = 3` is
    # another matter: a minus that touches only the number after it is its sign.
    is_sign = side[0].text == "-" and not side[0].glued and len(side) > 1 and side[1].glued
    return side if is_sign else None


def _right_side(tokens: list[_Token], equals: int) -> list[_Token] | None:
    """Return the tokens of the expression that starts after `equals`, or None when its end is unclear."""
    end = equals + 1
    while end < len(tokens) and tokens[end].kind in _EXPRESSION_KINDS:
        end += 1
    side = tokens[equals + 1 : end]
    if side and side[-1].kind == "open":  # `= 3 (mod 12)`, `= 12 (dozen)`
        side, end = side[:-1], end - 1
        if end + 1 < len(tokens) and tokens[end + 1].text.lower().startswith("mod"):
            return None
    after = tokens[end] if end < len(tokens) else None
    if after is not None and after.glued and not after.text.isspace() and after.text not in ".,:;!?)]}\"'=":
        return None  # `= 3x`, `= 2^5`, `= 4!`
    return None if after is not None and after.text.lower() in ("mod", "remainder") else side or None


def _holds(left_text: str, right_text: str) -> bool | None:
    """Return whether two sides are equal as stated; None when one is not plain arithmetic.

    A stated number may be rounded in its last digit (`10 / 3 = 3.33`, `10 / 3 = 3`), a per cent sign may be
    meant as a hundredth or only as a unit, and in `5 + 3 = 8 + 2 = 10` each sign may end a running total.
    """
    left, right = left_text.split(" "), right_text.split(" ")
    if not any(part in "+-*/" for part in left) or _divides_twice(left) or _divides_twice(right):
        return None
    values = [value for percent in _readings(left) if (value := _value(left, percent)) is not None]
    unit = _last_digit(right)
    stated = [(value, unit / 100 if percent else unit)
              for percent in _readings(right) if (value := _value(right, percent)) is not None]  # fmt: skip
    if not values or not stated:
        return None
    if _is_number(right[0]):  # well formed, as the whole side has a value
        stated.append((_number(right[0]), unit))
    return any(
        value == said
        or -slack < value - said < slack
        or (unit < 1 and abs(Fraction(value - said)) * NOISE < abs(Fraction(value)))
        for value in values
        for said, slack in stated
    )


SHORT_STEP = 100
_remembered = lru_cache(8192)(_holds)


def is_almost(value: Value, stated: Value) -> bool:
    """Whether two values differ by no more than one part in NOISE; costs no fraction where both are whole."""
    if value == stated:
        return True
    size: Value = stated if stated > 0 else -stated
    return -size <= (value - stated) * NOISE <= size


def _readings(side: list[str]) -> tuple[bool, ...]:
    """Return as what a per cent sign is to be read: as a hundredth, as a unit; there is one way where there is none."""
    return (True, False) if "%" in side else (False,)


def _divides_twice(side: list[str]) -> bool:
    """Return whether a side reads like `25 / 1 / 3`, where people mean 25 divided by a third."""
    return side.count("/") > 1 and any(side[start] == side[start + 2] == "/" for start in range(len(side) - 2))


def _last_digit(side: list[str]) -> Fraction:
    """Return what one unit in the last digit of the first number of a side is worth."""
    return last_digit(next(filter(_is_number, side), "1"))


def _value(side: list[str], percent_is_hundredth: bool) -> Value | None:
    """Evaluate an expression exactly; None when it is not well formed, divides by zero or is huge."""
    parts = side if percent_is_hundredth else [part for part in side if part != "%"]
    if len(parts) > 60 or any(len(part) > MAX_DIGITS for part in parts):
        return None
    try:
        return cast("Value", compute([_number(part) if _is_number(part) else part for part in parts], _NOTATION))
    except (ValueError, ZeroDivisionError):
        return None


def _is_number(part: str) -> bool:
    return part[-1].isdecimal()


def _number(text: str) -> Value:
    r"""Read a number; `0,2` (a decimal comma?) and `0730` (a time of day?) are not read at all."""
    if "," in text and not _THOUSANDS.fullmatch(text):
        raise ValueError(f"unclear comma: {text}")
    if text[0] == "0" and text[1:2].isdigit():
        raise ValueError(f"leading zero: {text}")
    plain = text.replace(",", "")
    return Fraction(plain) if "." in plain else int(plain)


def _text(side: list[_Token]) -> str:
    return " ".join(token.text for token in side)
