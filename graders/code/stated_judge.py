"""The judge that a problem's own text states, in the sentences that contest sites use: case, order, tolerance.

Read only where the problem names no judge and no checker. Everything else stays exact: a sentence that is not
understood makes right programs wrong, never wrong ones right.
"""

import re

from cotfactory.schemas.judging import CallJudge, StdioJudge
from cotfactory.schemas.problem import CallTests, StdioTests

_ANY_CASE = re.compile(
    r"\b(?:print|output|display|write|letters?|answer|yes|no)\b[\"'`”“’]?[^.\n]{0,80}?"
    r"\bin any (?:letter )?case\b(?!\s*,?\s*(?:the|if|it|you|we|there)\b)",
    re.IGNORECASE,
)
_ANY_ORDER = re.compile(
    r"\breturn(?:ed)?[ \t]+(?:(?!given|from|input|stored|which|where)\w+[ \t]+){0,6}in any order\b", re.IGNORECASE
)
_POWER = r"\$?\s*(?:10\s*\^?\s*\{?\s*[-−–]\s*(?P<power>\d{1,2})\s*\}?|1e-(?P<e>\d{1,2}))"
_ERROR = re.compile(
    r"\babsolute (?P<both>or relative )?(?:error|difference)[^\n]{0,160}?"
    rf"(?:exceeds?|at most|less than|smaller than|within|up to)\s*{_POWER}",
    re.IGNORECASE,
)
_WITHIN = re.compile(rf"\banswers?\s+within\s+{_POWER}\s*\$?\s*of the actual answer", re.IGNORECASE)


def stated_stdio_judge(question: str) -> StdioJudge | None:
    """Return the judge that a question states for what is printed, None where it states none.

    >>> stated_stdio_judge("You can print each letter in any case (upper or lower).").ignore_case
    True
    """
    absolute, relative = _tolerance(question)
    ignore_case = _ANY_CASE.search(question) is not None
    if not ignore_case and absolute is None:
        return None
    return StdioJudge(absolute=absolute or 0.0, relative=relative or 0.0, ignore_case=ignore_case)


def stated_call_judge(question: str) -> CallJudge | None:
    """Return the judge that a question states for what is returned, None where it states none.

    >>> stated_call_judge("You may return the answer in any order.").any_order
    True
    """
    absolute, relative = _tolerance(question)
    if absolute is not None:
        return CallJudge(absolute=absolute, relative=relative or 0.0)
    return CallJudge(any_order=True) if _ANY_ORDER.search(question) else None


def judged_as_stated(tests: CallTests | StdioTests, question: str) -> CallTests | StdioTests:
    """Return tests with the judge that the question states, or as they are where they name one themselves."""
    if tests.judge is not None or (isinstance(tests, StdioTests) and tests.checker is not None):
        return tests
    stated = stated_stdio_judge(question) if isinstance(tests, StdioTests) else stated_call_judge(question)
    return tests if stated is None else tests.model_copy(update={"judge": stated})


def _tolerance(question: str) -> tuple[float | None, float | None]:
    """Return the absolute and the relative tolerance that a question states."""
    if found := _ERROR.search(question):
        size = _size(found)
        return size, size if found["both"] else None
    found = _WITHIN.search(question)
    return (_size(found), None) if found else (None, None)


def _size(found: re.Match[str]) -> float:
    return float(f"1e-{found['power'] or found['e']}")
