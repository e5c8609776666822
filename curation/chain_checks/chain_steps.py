"""Right answer, wrong reason: everything a chain states that can be recomputed, in one question."""

import re
from fractions import Fraction
from itertools import islice

from cotfactory.curation.chain_checks.algebra_steps import wrong_algebra
from cotfactory.curation.chain_checks.arithmetic_steps import MAX_DIGITS, StatedStep, is_almost, stated_steps
from cotfactory.curation.chain_checks.state_steps import wrong_states

_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?")
_PLAIN = re.compile(r"-?\d+(?:\.\d+)?")
MIN_STEPS = 2


def wrong_step(question: str, chain: str, answer: str | None = None) -> str | None:
    """Return the first thing a chain states that does not hold when it is recomputed, as text; None without one.

    Arithmetic (`curation.chain_checks.arithmetic_steps`) is looked at first, then percentages and linear equations,
    then kept states, then whether the final answer (where given, as it was extracted) is what the steps arrive at.
    """
    steps = list(stated_steps(chain))
    wrong = (step.text for step in steps if not step.holds)
    for found in (wrong, wrong_algebra(chain), wrong_states(question, chain)):
        text = next(found, None)
        if text is not None:
            return text
    return None if answer is None else _from_nowhere(question, chain, answer, steps)


def _from_nowhere(question: str, chain: str, answer: str, steps: list[StatedStep]) -> str | None:
    """Return a note when a number is the answer and nothing before says it.

    `20 - 14.99 = 5.01. So the answer is 5`: a chain of two steps and more, and 5 stands in it only once, as the answer,
    and is not in the question either.
    """
    stated = _number(answer)
    if stated is None or len(steps) < MIN_STEPS:
        return None
    said = (value for text in reversed(_NUMBER.findall(chain)) if (value := _number(text)) is not None)
    twice = len(list(islice((value for value in said if is_almost(value, stated)), 2))) > 1
    if twice or stated in map(_number, _NUMBER.findall(question)):
        return None
    return f"the answer {answer} is not what any step arrives at; the last one is {steps[-1].text}"


def _number(text: str) -> Fraction | int | None:
    plain = text.replace(",", "").strip()
    if len(plain) > MAX_DIGITS or not _PLAIN.fullmatch(plain):
        return None
    return Fraction(plain) if "." in plain else int(plain)  # a whole number costs a tenth of a fraction
