r"""Rounding that the question asks for: "to the nearest tenth", "to two decimal places", "to the nearest cent".

The only tolerance there is. It holds where the last sentence of the question asks for it, and only there: a number
rounded on the way ("... rounded to the nearest integer, converted back, ...") declares nothing about the answer.
"""

import re
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
_PLACES = re.compile(
    r"\bto (?:exactly )?(one|two|three|four|five|six|[1-9]) (?:decimal places?|places? after the decimal|d\.p\.)", re.I
)
_COUNT = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_DRAWING = re.compile(r"\[asy\].*?\[/asy\]", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.?!])[\s)]+(?=[A-Z(\\$])")
_DECIMAL = re.compile(r"-?[0-9]*\.[0-9]+\Z")


@lru_cache(maxsize=1024)
def declared_step(question: str) -> Fraction | None:
    """Return the step the answer is to be rounded to, or None when the question asks for no rounding.

    >>> declared_step("How long is it? Express your answer to the nearest tenth of a mile.")
    Fraction(1, 10)
    """
    if ("nearest" not in question and "decimal" not in question) or len(question) > MAX_QUESTION_CHARS:
        return None
    asked = _SENTENCE.split(_DRAWING.sub(" ", question).strip())[-1]
    steps = {_step(match[1].lower()) for match in _NEAREST.finditer(asked)}
    steps |= {Fraction(1, 10 ** (_COUNT.get(match[1].lower()) or int(match[1]))) for match in _PLACES.finditer(asked)}
    return steps.pop() if len(steps) == 1 else None


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


def agrees_when_rounded(reference: Fraction, answer: Fraction, answer_text: str, step: Fraction) -> bool:
    """Whether one of two different numbers is the other one rounded as the question asks.

    Either the reference is rounded and the answer a decimal with more places (8.2462 for 8.2), or the reference is
    exact and the answer is it rounded (0.78 for 7/9). An answer with fewer places than asked for is wrong.
    """
    if reference % step == 0:
        return _DECIMAL.match(answer_text) is not None and rounds_to(answer, step) == reference
    return answer == rounds_to(reference, step)
