"""Grade a program: run it on each case in the sandbox, compare here, `correct` only when every case passed.

A program's own failure (a wrong value, an exception, its time or memory limit) is `incorrect`; a failure of
the engine, the container or the tests is `ungraded`. Exit codes and what a program says about itself can only
reject. A share of the accepted programs runs a second time, with another hash seed and the cases in reverse; one that
then fails is `ungraded / flaky`.
"""

import hashlib
import time
from dataclasses import replace
from typing import Protocol

from cotfactory.graders.code.cases import TestPlan
from cotfactory.graders.code.compare import NotAValueError
from cotfactory.graders.code.convert import BadTestsError, plan_tests
from cotfactory.graders.code.finding import ProgramFinding
from cotfactory.graders.code.program import ExtractedProgram, extract_program, given_code
from cotfactory.graders.code.run_plan import run_plan
from cotfactory.graders.code.stated_judge import judged_as_stated
from cotfactory.graders.sandbox.execution import Sandbox
from cotfactory.graders.stated_answers import answer_text
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import SandboxError
from cotfactory.schemas.grade import Evidence, Grade
from cotfactory.schemas.problem import AssertTests, Problem, ScorerTests, UnsupportedTests

CODE_GRADER_VERSION = "7"
RECHECKED_OF = 8
"""One of so many accepted programs runs a second time."""


class HasSandbox(Protocol):
    """What this grader needs of its tools."""

    @property
    def sandbox(self) -> Sandbox | None:
        """The sandbox, or None when none was opened."""


def grade_code(problem: Problem, candidate: Candidate, tools: HasSandbox) -> Grade:
    """Return the grade of one candidate for a `code` problem; never raises for what a model wrote."""
    started = time.perf_counter()
    extraction = ExtractedProgram("not_looked_for")
    plan = TestPlan()
    try:
        plan = plan_problem(problem)
        text, why_none = answer_text(candidate)
        extraction = (
            ExtractedProgram(why_none)
            if why_none
            else extract_program(text, problem.question, plan.entry_point, plan.terms.language)
        )
        finding = run_plan(plan, extraction, tools.sandbox)
        if finding.verdict == "correct" and is_rechecked(candidate.candidate_id):
            finding = _recheck(finding, plan, extraction, tools.sandbox)
    except (BadTestsError, NotAValueError) as error:
        finding = ProgramFinding("ungraded", "bad_tests", str(error))
    except SandboxError as error:
        finding = ProgramFinding("ungraded", "sandbox_failed", str(error))
    return Grade(
        candidate_id=candidate.candidate_id,
        grader="code",
        grader_version=CODE_GRADER_VERSION,
        verdict=finding.verdict,
        reason=finding.reason,
        extracted_answer=extraction.program,
        evidence=Evidence(
            rule=extraction.rule,
            compared_as=problem.tests.kind if problem.tests else None,
            detail=finding.detail,
            cases_passed=finding.passed,
            cases_total=plan.total,
            image_digest=tools.sandbox.image_digest if tools.sandbox else None,
            weak=finding.weak,
        ),
        duration_ms=(time.perf_counter() - started) * 1000,
    )


def plan_problem(problem: Problem) -> TestPlan:
    """Return the test plan of a problem; raises BadTestsError when it has no tests of a program."""
    tests = problem.tests
    if isinstance(tests, UnsupportedTests):
        raise BadTestsError(tests.why)
    if tests is None or isinstance(tests, ScorerTests):
        raise BadTestsError("the problem has no tests: expected assert, calls or stdio")
    judged = tests if isinstance(tests, AssertTests) else judged_as_stated(tests, problem.question)
    plan = plan_tests(judged, problem.question)
    return replace(plan, given=given_code(problem.question, plan.entry_point))


def is_rechecked(candidate_id: str) -> bool:
    """Whether an accepted candidate is of the share that runs a second time: always the same ones."""
    return hashlib.sha256(candidate_id.encode()).digest()[0] % RECHECKED_OF == 0


def _recheck(
    finding: ProgramFinding, plan: TestPlan, extraction: ExtractedProgram, sandbox: Sandbox | None
) -> ProgramFinding:
    """Run an accepted program again in another order; return the finding, or `ungraded / flaky`."""
    again = run_plan(replace(plan, cases=plan.cases[::-1]), extraction, sandbox, hash_seed=1)
    if again.verdict == "correct":
        return finding
    return ProgramFinding("ungraded", "flaky", f"passed, then {again.reason} at {again.detail}", again.passed)
