"""Grade a chain that computes its answer: its program is run, and what it gives is compared as mathematics.

For `math` problems with `program: run` (program-aided answers: PAL, arXiv 2211.10435; program of thoughts, 2211.12588).
The program is the last complete Python block of the response, or its bare text; `graders.sandbox.cells` says what of
it is the answer. Whatever else the response states is not read. A program that gives nothing is `no_answer`: it raised,
ran out of time or memory, or neither printed nor assigned anything. The grade's extracted answer is the program, as
for `code`, and its evidence says what it gave.
"""

import json
import re
from typing import Any

from cotfactory.graders.code.finding import fault_of
from cotfactory.graders.code.program_run import execute
from cotfactory.graders.code.script import script_in
from cotfactory.graders.grader import Tools
from cotfactory.graders.math.math_answers import MATH_GRADER_VERSION, grade_math
from cotfactory.graders.python_values import as_mathematics
from cotfactory.graders.sandbox.execution import Cells, Execution, Sandbox
from cotfactory.graders.stated_answers import answer_text
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import SandboxError
from cotfactory.schemas.grade import Evidence, Grade, Verdict
from cotfactory.schemas.problem import Problem

PROGRAM_ANSWER_VERSION = f"2+math{MATH_GRADER_VERSION}"
ANSWER_NAMES = ("answer", "ans", "solution", "solver")
"""What a program may call its answer, or the function that returns it: ours, and those that PAL and program of thoughts
made usual."""
MOST_CHARACTERS = 2_000
FLOAT_DIGITS = re.compile(r"-?[0-9]+\.[0-9]+(?:e[-+]?[0-9]+)?\Z")
ENOUGH_DIGITS = 14
BRACKET = re.compile(r"\s*\$?\s*(?:\\left\s*)?[(\[]")
FLOAT_TOLERANCE = "1e-9%"
"""How far a computed float of 14 digits or more may be from the reference: `math.sqrt(12)` is the square root of 12."""
NOTHING = 1e-12
"""A float as small as this is what rounding leaves of 0."""


def grade_program_answer(problem: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return the grade of one candidate; never raises for what a model wrote."""
    text, why_none = answer_text(candidate)
    program = None if why_none else script_in(text)
    if program is None:
        return _grade(candidate, "no_answer", why_none or "no_program")
    if tools.sandbox is None:
        return _grade(candidate, "ungraded", "no_sandbox", "no sandbox was opened for this run")
    try:
        given, fault = given_by(program.executed, tools.sandbox)
    except SandboxError as error:
        return _grade(candidate, "ungraded", "sandbox_failed", str(error))
    if given is None:
        verdict, reason, detail = fault
        return _grade(candidate, verdict, reason, detail, tools.sandbox)
    found = _best(problem, candidate, given, tools)
    evidence = found.evidence.model_copy(
        update={"image_digest": tools.sandbox.image_digest, "rule": "program", "detail": f"it gives {given[:200]}"}
    )
    named = {"grader": "math_program", "grader_version": PROGRAM_ANSWER_VERSION, "extracted_answer": program.text}
    return found.model_copy(update={**named, "evidence": evidence})


def given_by(program: str, sandbox: Sandbox, hash_seed: int = 0) -> tuple[str | None, tuple[Verdict, str, str | None]]:
    """Return what a program gives as its answer, or None with verdict, reason and detail."""
    way = Cells(cells=(program,), names=ANSWER_NAMES, most_characters=MOST_CHARACTERS)
    result = execute(Execution(program="", way=way), sandbox, hash_seed)
    if (fault := fault_of(result)) is not None:
        verdict, reason = fault
        return None, (
            "no_answer" if verdict == "incorrect" else verdict,
            reason,
            result.output[:200].decode("utf-8", "replace"),
        )
    told = _told(result.output)
    if told.get("raised"):
        return None, ("no_answer", "raised", str(told["raised"])[-200:])
    answer = told.get("answer")
    if not isinstance(answer, str) or not answer.strip():
        return None, ("no_answer", "no_output", None)
    if len(answer) > MOST_CHARACTERS:
        answer = answer[-MOST_CHARACTERS:]
    return answer.strip(), ("no_answer", "no_output", None)


def _told(output: bytes) -> dict[str, Any]:
    """Return what a run said. A program may have written anything there: what is no object says nothing."""
    try:
        told = json.loads(output)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _best(problem: Problem, candidate: Candidate, given: str, tools: Tools) -> Grade:
    """Return the grade of what a program gave: read as a statement, as its last line, and as a value of Python's."""
    last = given.splitlines()[-1].strip()
    bracketed = BRACKET.match(problem.answer) is not None
    values = [value for text in dict.fromkeys((last, given)) for value in as_mathematics(text, bracketed=bracketed)]
    readings = dict.fromkeys((given, *(f"\\boxed{{{value}}}" for value in (last, *values))))
    found: Grade | None = None
    for reading in readings:
        graded = grade_math(problem, candidate.model_copy(update={"response": reading, "reasoning": None}), tools)
        if graded.verdict == "correct":
            return graded
        if found is None or (found.verdict == "no_answer" and graded.verdict != "no_answer"):
            found = graded
    assert found is not None
    return _as_float(problem, candidate, last, tools) or found


def _as_float(problem: Problem, candidate: Candidate, text: str, tools: Tools) -> Grade | None:
    """Return the grade of a computed float where it is the reference but for rounding, else None."""
    digits = sum(character.isdecimal() for character in text.partition("e")[0])
    if not FLOAT_DIGITS.match(text) or problem.answer_tolerance is not None:
        return None
    if abs(float(text)) < NOTHING:
        near, text = problem, "0"
    elif digits >= ENOUGH_DIGITS:
        near = problem.model_copy(update={"answer_tolerance": FLOAT_TOLERANCE})
    else:
        return None
    graded = grade_math(near, candidate.model_copy(update={"response": f"\\boxed{{{text}}}", "reasoning": None}), tools)
    return graded if graded.verdict == "correct" else None


def _grade(
    candidate: Candidate, verdict: Verdict, reason: str, detail: str | None = None, sandbox: Sandbox | None = None
) -> Grade:
    return Grade(
        candidate_id=candidate.candidate_id,
        grader="math_program",
        grader_version=PROGRAM_ANSWER_VERSION,
        verdict=verdict,
        reason=reason,
        extracted_answer=None,
        evidence=Evidence(
            rule=None, compared_as=None, detail=detail, image_digest=sandbox.image_digest if sandbox else None
        ),
        duration_ms=0.0,
    )
