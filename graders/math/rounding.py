r"""Rounding that the question asks for: "to the nearest tenth", "to two decimal places", "to 3 significant figures".

The only tolerance there is. It holds where the last sentence of the question asks for it, and only there: a number
rounded on the way ("... rounded to the nearest integer, converted back, ...") declares nothing about the answer.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from cotfactory.graders.math.units import is_known_unit

MAX_QUESTION_CHARS = 20_000

_STEPS = {
    "whole": Fraction(1), "integer": Fraction(1), "natural": Fraction(1), "percent": Fraction(1), "one": Fraction(1),
    "unit": Fraction(1), "tenth": Fraction(1, 10), "hundredth": Fraction(1, 100), "thousandth": Fraction(1, 1000),
    "ten-thousandth": Fraction(1, 10_000), "ten": Fraction(10), "hundred": Fraction(100), "thousand": Fraction(1000),
    "million": Fraction(10**6), "cent": Fraction(1, 100), "penny": Fraction(1, 100), "degree": Fraction(1),
}  # fmt: skip
_NEAREST = re.compile(r"\bto the nearest ([a-z][a-z-]{1,20})\b(?! (?:thousand|million|multiple)\b)", re.IGNORECASE)
_NEAREST_NUMBER = re.compile(
    r"\bto the nearest (0?\.0{0,8}1|10{1,9})(?![0-9]|(?:th|\s*(?:thousand|million|multiple)))", re.I
)
_PLACES = re.compile(
    r"\bto (?:exactly )?(one|two|three|four|five|six|[1-9]) (?:decimal places?|decimals?\b|places? after the decimal"
    r"|digits? after the decimal|d\.?p\b)",
    re.I,
)
_FIGURES = re.compile(
    r"\b(one|two|three|four|five|six|[1-9])[ -]"
    r"(?:significant (?:figures?|digits?)|sig\.? ?(?:figs?|digits?)\b|s\.?f\b)",
    re.I,
)
_COUNT = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_DRAWING = re.compile(r"\[asy\].*?\[/asy\]", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.?!])[\s)]+(?=[A-Z(\\$])")
_NUMBER = re.compile(r"-?[0-9]*\.?[0-9]+\Z")
_DECIMAL = re.compile(r"-?[0-9]*\.[0-9]+\Z")


@dataclass(frozen=True)
class Rounding:
    """The step the answer is to be rounded to, or how many significant figures it is to have."""

    step: Fraction | None = None
    figures: int = 0

    def step_of(self, value: Fraction) -> Fraction:
        """Return the step for this value.

        >>> Rounding(figures=2).step_of(Fraction(1234)), Rounding(figures=2).step_of(Fraction("0.01234"))
        (Fraction(100, 1), Fraction(1, 1000))
        """
        if self.step is not None:
            return self.step
        step, size = Fraction(1), abs(value)
        for _ in range(MAX_MAGNITUDE):
            if size >= 10:
                size, step = size / 10, step * 10
            elif 0 < size < 1:
                size, step = size * 10, step / 10
        return step / Fraction(10) ** (self.figures - 1)


MAX_MAGNITUDE = 400


@lru_cache(maxsize=1024)
def declared_rounding(question: str) -> Rounding | None:
    """Return how the answer is to be rounded, or None when the question asks for no rounding.

    >>> declared_rounding("How long is it? Express your answer to the nearest tenth of a mile.").step
    Fraction(1, 10)
    """
    if not any(word in question for word in ("nearest", "decimal", "ig", "s.f", "sf", "d.p", "dp")):
        return None
    if len(question) > MAX_QUESTION_CHARS:
        return None
    asked = _SENTENCE.split(_DRAWING.sub(" ", question).strip())[-1]
    steps = {_step(match[1].lower()) for match in _NEAREST.finditer(asked)}
    steps |= {Fraction(match[1]) for match in _NEAREST_NUMBER.finditer(asked)}
    steps |= {Fraction(1, 10 ** _count(match[1])) for match in _PLACES.finditer(asked)}
    figures = {_count(match[1]) for match in _FIGURES.finditer(asked)}
    if len(steps) + len(figures) != 1:
        return None
    if figures:
        return Rounding(figures=figures.pop())
    step = steps.pop()
    return None if step is None else Rounding(step)


def _count(word: str) -> int:
    return _COUNT.get(word.lower()) or int(word)


def _step(word: str) -> Fraction | None:
    known = _STEPS.get(word) or _STEPS.get(word.removesuffix("s"))
    return known or (Fraction(1) if is_known_unit(word) else None)


def rounds_to(value: Fraction, step: Fraction) -> Fraction:
    """Return `value` rounded to a multiple of `step`, halves away from zero.

    >>> rounds_to(Fraction("2.45"), Fraction(1, 10)), rounds_to(Fraction("-0.5"), Fraction(1))
    (Fraction(5, 2), Fraction(-1, 1))
    """
    steps, rest = divmod(abs(value), step)
    rounded = (steps + (2 * rest >= step)) * step
    return rounded if value >= 0 else -rounded


def agrees_when_rounded(reference: Fraction, answer: Fraction, answer_text: str, rounding: Rounding) -> bool:
    """Whether one of two different numbers is the other one rounded as the question asks.

    Either the reference is rounded and the answer a decimal with more places (8.2462 for 8.2), or the reference is
    exact and the answer is it rounded (0.78 for 7/9). An answer with fewer places than asked for is wrong.
    """
    step = rounding.step_of(reference)
    if reference % step == 0:
        written = _DECIMAL if rounding.step is not None else _NUMBER
        return written.match(answer_text) is not None and rounds_to(answer, step) == reference and answer % step != 0
    return answer == rounds_to(reference, step)
