"""Find a reference answer by a program: run twice in the sandbox, it must give the same.

The runs have other hash seeds: what depends on the order of a set, on chance or on the clock is no answer.
"""

from cotfactory.graders.code.script import script_in
from cotfactory.graders.grader import Tools
from cotfactory.graders.math.numbers import exact_number
from cotfactory.graders.program_answers import ENOUGH_DIGITS, PROGRAM_ANSWER_VERSION, given_by
from cotfactory.graders.python_values import as_mathematics
from cotfactory.graders.stated_answers import answer_text
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import SandboxError
from cotfactory.schemas.grade import Evidence, Grade, Verdict
from cotfactory.schemas.problem import Problem

REFERENCE_PROGRAM_VERSION = f"1+{PROGRAM_ANSWER_VERSION}"
HASH_SEEDS = (0, 1)


def grade_reference_program(problem: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return the grade of a program: `correct` where its runs agree on a number, which is the extracted answer."""
    text, why_none = answer_text(candidate)
    program = None if why_none else script_in(text)
    if program is None:
        return _grade(candidate, "no_answer", why_none or "no_program")
    if tools.sandbox is None:
        return _grade(candidate, "ungraded", "no_sandbox", "no sandbox was opened for this run")
    given: list[str] = []
    try:
        for hash_seed in HASH_SEEDS:
            answer, (verdict, reason, detail) = given_by(program.executed, tools.sandbox, hash_seed)
            if answer is None:
                return _grade(candidate, verdict, reason, detail)
            given.append(answer)
    except SandboxError as error:
        return _grade(candidate, "ungraded", "sandbox_failed", str(error))
    if len(set(given)) > 1:
        return _grade(candidate, "no_answer", "runs_differ", " and ".join(answer[:100] for answer in given))
    reference = as_reference(given[0])
    if reference is None:
        return _grade(candidate, "no_answer", "no_number", given[0][:200])
    return _grade(candidate, "correct", "runs_agree", answer=reference)


def as_reference(given: str) -> str | None:
    """Return the number that a program gave, as a reference answer; None for anything else, or a number it rounded.

    >>> as_reference("Let me see\\nFraction(1, 2)"), as_reference("18.0"), as_reference("0.30000000000000004")
    ('1/2', '18', None)
    """
    last = given.splitlines()[-1].strip()
    for text in (last, *as_mathematics(last)):
        number = exact_number(text)
        if number is not None:
            rounded = sum(character.isdecimal() for character in text) >= ENOUGH_DIGITS and "." in text
            return None if rounded else str(number.numerator) if number.denominator == 1 else text
    return None


def _grade(
    candidate: Candidate, verdict: Verdict, reason: str, detail: str | None = None, answer: str | None = None
) -> Grade:
    return Grade(
        candidate_id=candidate.candidate_id,
        grader="reference_program",
        grader_version=REFERENCE_PROGRAM_VERSION,
        verdict=verdict,
        reason=reason,
        extracted_answer=answer,
        evidence=Evidence(detail=detail),
        duration_ms=0.0,
    )
