"""Whether printed text is what was expected: by lines, by words, with a tolerance for numbers, in any order.

What a program prints is of any size that its limit allows: everything here takes linear time, or that of sorting.
"""

import math
import re

from cotfactory.schemas.judging import StdioJudge

EXACTLY = StdioJudge()
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?")
FLOAT_DIGITS = 16
"""A float of so many digits has no shorter name: its last ones are what the arithmetic left."""
NEAR = 1e-6
"""How near such a float must be come to, absolutely or relatively: what contests allow where they say nothing else."""
LONGEST_NUMBER = 400
"""Characters; a longer number is held against the expected one as text."""


def same_text(expected: str, printed: bytes, judge: StdioJudge = EXACTLY) -> bool:
    """Whether a program printed what is expected, trailing spaces and empty lines at the end aside.

    Every expected line or word must be there and no other: comparing up to the shorter text would accept a prefix.
    Output that is not UTF-8 equals nothing.
    """
    try:
        text = printed.decode()
    except UnicodeDecodeError:
        return False
    if judge.ignore_case:
        expected, text = expected.casefold(), text.casefold()
    if judge.has_tolerance:
        return _same_numbers(expected.split(), text.split(), judge)
    wanted, found = (expected.split(), text.split()) if judge.tokens else (_lines(expected), _lines(text))
    if judge.any_order:
        return sorted(wanted) == sorted(found)
    return len(wanted) == len(found) and all(map(_same_but_for_noise, wanted, found))


def _same_but_for_noise(expected: str, printed: str) -> bool:
    """Whether a line or word is the expected one, floats that are expected to their last digit aside.

    `2.3333333333333335` is what a program happened to print; another that adds up in another order, or rounds, prints
    other digits. Whatever is expected in fewer digits was meant so, and must be there as it stands.
    """
    if expected == printed:
        return True
    words, found = expected.split(" "), printed.split(" ")
    return len(words) == len(found) and all(
        word == other or (_is_whole_float(word) and is_near(_number(word), _number(other), NEAR, NEAR))
        for word, other in zip(words, found, strict=True)
    )


def _is_whole_float(word: str) -> bool:
    """Whether a word is a float written out to the last digit that a float has."""
    number = _number(word)
    if number is None or repr(number) != word or number.is_integer():
        return False
    return len(word.partition("e")[0].lstrip("-0.").replace(".", "")) >= FLOAT_DIGITS


def _lines(text: str) -> list[str]:
    """Return the lines of a text without trailing spaces, and without empty lines at its end."""
    return [line.rstrip() for line in text.rstrip().split("\n")]


def _same_numbers(expected: list[str], printed: list[str], judge: StdioJudge) -> bool:
    """Whether words are the same, those that are numbers within the tolerance.

    In any order means here: each in the order of its size, which pairs what can be paired.
    """
    if judge.any_order:
        expected, printed = sorted(expected, key=_place), sorted(printed, key=_place)
    return len(expected) == len(printed) and all(
        wanted == found or is_near(_number(wanted), _number(found), judge.absolute, judge.relative)
        for wanted, found in zip(expected, printed, strict=True)
    )


def is_near(expected: float | None, found: float | None, absolute: float, relative: float) -> bool:
    """Whether a number is within one of two tolerances of the expected one; None and infinity are near nothing."""
    if expected is None or found is None:
        return False
    try:
        away = abs(found - expected)
        return math.isfinite(away) and (away <= absolute or away <= relative * abs(expected))
    except OverflowError:
        return False


def _number(word: str) -> float | None:
    if len(word) > LONGEST_NUMBER or NUMBER.fullmatch(word) is None:
        return None
    return float(word)


def _place(word: str) -> tuple[bool, float, str]:
    number = _number(word)
    return number is None, 0.0 if number is None else number, word
