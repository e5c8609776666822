"""From a candidate to a grade, for every answer that is stated in words or formulas.

The policy all of them share. A candidate that ran into its token limit is `no_answer / truncated`, whatever it states
before the cut: the chain has no end, and its last box may be an interim result. So is one that a filter ended.
Reasoning without a response was never closed: `unclosed_reasoning`. Several different final statements are
`several_answers`, right or wrong ("The answer is 5. ... The answer is 6."). What no rule can settle is `ungraded` with
the reason.
"""

import time
from collections.abc import Callable

from cotfactory.graders.extract import ExtractedAnswer, final_answer
from cotfactory.graders.math.expression_answers import ValueFinding
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.finish_reason import UNFINISHED
from cotfactory.schemas.grade import Evidence, Grade, Verdict
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.reasoning_tags import split_thinking

Compare = Callable[[str, str], ValueFinding]
"""Compares a reference answer with a stated one, both as written."""

_VERDICTS: dict[str, tuple[Verdict, str]] = {
    "equal": ("correct", "equal"),
    "different": ("incorrect", "different"),
    "several": ("no_answer", "several_answers"),
    "no_value": ("no_answer", "not_a_value"),
}


def grade_stated(
    problem: Problem,
    candidate: Candidate,
    grader: str,
    version: str,
    compare: Compare,
    extract: Callable[[str], ExtractedAnswer] = final_answer,
) -> Grade:
    """Return the grade of what `extract` finds in the candidate's response, compared by `compare`."""
    started = time.perf_counter()
    text, why_none = answer_text(candidate)
    extraction = ExtractedAnswer(None, reason=why_none) if why_none else extract(text)
    finding: ValueFinding | None = None
    if extraction.answer is None:
        verdict, reason = ("no_answer", extraction.reason)
    else:
        finding = _settle(problem.answer, extraction, compare)
        verdict, reason = verdict_of(finding)
        if extraction.is_weak and verdict != "correct" and reason not in ("unserved", "timeout"):
            verdict, reason = ("no_answer", "no_final_answer")
    return Grade(
        candidate_id=candidate.candidate_id,
        grader=grader,
        grader_version=version,
        verdict=verdict,
        reason=reason,
        extracted_answer=extraction.answer,
        evidence=Evidence(
            rule=extraction.rule,
            compared_as=finding.how if finding else None,
            reference=problem.answer,
            detail="; ".join(extraction.others) or None,
        ),
        duration_ms=(time.perf_counter() - started) * 1000,
    )


def verdict_of(finding: ValueFinding) -> tuple[Verdict, str]:
    """Return the verdict and the reason code of a comparison; what it left undecided is `ungraded`."""
    return _VERDICTS.get(finding.result, ("ungraded", finding.how.split(" ")[0]))


def answer_text(candidate: Candidate) -> tuple[str, str | None]:
    """Return what follows a candidate's thinking and, where it has no end, why there is no answer in it.

    `truncated` by the token limit, `content_filter` or `tool_calls`: somebody else's turn came first. A candidate that
    was split on receipt is not split again: its answer may speak of `</think>`.
    """
    if (why_none := _cut_by(candidate)) is not None:
        return candidate.response, why_none
    found = split_thinking(candidate.response) if candidate.reasoning is None else None
    if found is None or found.reasoning is None:  # as it is: a program may begin with its indentation
        is_open = candidate.reasoning is not None and not candidate.response.strip()
        return candidate.response, "unclosed_reasoning" if is_open else None
    return found.response, None if found.is_closed and found.response else "unclosed_reasoning"


def _cut_by(candidate: Candidate) -> str | None:
    """Return the reason code of a candidate that did not come to its end, None of one that did."""
    if candidate.is_truncated:
        return "truncated"
    return candidate.finish_reason if candidate.finish_reason in UNFINISHED else None


def _settle(reference: str, extraction: ExtractedAnswer, compare: Compare) -> ValueFinding:
    """Compare the answer with the reference, and every other statement with the answer."""
    assert extraction.answer is not None
    found = compare(reference, extraction.answer)
    if found.result != "equal":
        readings = (compare(reference, reading) for reading in extraction.readings)
        found = next((finding for finding in readings if finding.result == "equal"), found)
    for other in extraction.others:
        if other == extraction.answer or compare(extraction.answer, other).result == "equal":
            continue
        if found.result == "equal" == compare(reference, other).result:
            continue  # 1/2 and 0.5 cm are equal to the reference, though one of them has a unit
        return ValueFinding("several", "statements_differ")
    return found
