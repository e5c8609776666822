"""Grade a program: run it on each case in the sandbox, compare here, `correct` only when every case passed.

A program's own failure (a wrong value, an exception, its time or memory limit) is `incorrect`; a failure of
the engine, the container or the tests is `ungraded`. Exit codes and what a program says about itself can only
reject. A share of the accepted programs runs a second time, with another hash seed and the cases in reverse; one that
then fails is `ungraded / flaky`.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from cotfactory.graders.code.cases import Case, TestPlan
from cotfactory.graders.code.compare import (
    NotAValueError,
    close,
    is_close,
    is_true,
    same,
    same_items,
    same_sequence,
    same_text,
)
from cotfactory.graders.code.convert import BadTestsError, plan_tests
from cotfactory.graders.code.program import ExtractedProgram, extract_program
from cotfactory.graders.sandbox.execution import Check, Execution, ExecutionResult, Sandbox
from cotfactory.graders.sandbox.values import NO_ENTRY_POINT
from cotfactory.graders.stated_answers import answer_text
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import SandboxError
from cotfactory.schemas.grade import Evidence, Grade, Verdict
from cotfactory.schemas.problem import Problem, ScorerTests

CODE_GRADER_VERSION = "3"
RECHECKED_OF = 8
"""One of so many accepted programs runs a second time."""


class HasSandbox(Protocol):
    """What this grader needs of its tools."""

    @property
    def sandbox(self) -> Sandbox | None:
        """The sandbox, or None when none was opened."""


@dataclass(frozen=True)
class ProgramFinding:
    """A verdict before it becomes a grade."""

    verdict: Verdict
    reason: str
    detail: str | None = None
    passed: int | None = None


def grade_code(problem: Problem, candidate: Candidate, tools: HasSandbox) -> Grade:
    """Return the grade of one candidate for a `code` problem; never raises for what a model wrote."""
    started = time.perf_counter()
    extraction = ExtractedProgram("not_looked_for")
    plan = TestPlan()
    try:
        plan = plan_problem(problem)
        text, why_none = answer_text(candidate)
        extraction = (
            ExtractedProgram(why_none) if why_none else extract_program(text, problem.question, plan.entry_point)
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
            cases_total=len(plan.cases) + (plan.checker is not None),
            image_digest=tools.sandbox.image_digest if tools.sandbox else None,
            weak=plan.checker is not None,
        ),
        duration_ms=(time.perf_counter() - started) * 1000,
    )


def plan_problem(problem: Problem) -> TestPlan:
    """Return the test plan of a problem; raises BadTestsError when it has no tests of a program."""
    if problem.tests is None or isinstance(problem.tests, ScorerTests):
        raise BadTestsError("the problem has no tests: expected assert, calls or stdio")
    return plan_tests(problem.tests)


def run_plan(
    plan: TestPlan,
    extraction: ExtractedProgram,
    sandbox: Sandbox | None,
    hash_seed: int = 0,
    timeout_s: float | None = None,
) -> ProgramFinding:
    """Return the verdict on an extracted program; raises SandboxError. Stops at the first case that fails.

    `timeout_s` may shorten the sandbox's limit for each case.
    """
    if extraction.executed is None:
        return ProgramFinding("no_answer", extraction.rule)
    if sandbox is None:
        return ProgramFinding("ungraded", "no_sandbox", "no sandbox was opened for this run")
    total = len(plan.cases) + (plan.checker is not None)
    for passed, case in enumerate(plan.cases):
        execution = Execution(program=extraction.executed, way=case.way, timeout_s=timeout_s)
        (result,) = sandbox.run([execution], hash_seed)
        reason = fault_of(result) or judge(case, result.output)
        if reason:
            return ProgramFinding("incorrect", reason, _describe(passed, total, result), passed)
    if plan.checker is not None:
        token = secrets.token_hex(16)
        check = Check(checker=plan.checker, entry_point=plan.entry_point, token=token)
        (result,) = sandbox.run([Execution(program=extraction.executed, way=check, timeout_s=timeout_s)], hash_seed)
        reason = fault_of(result) or (None if result.output == token.encode() else "wrong_result")
        if reason:
            return ProgramFinding("incorrect", reason, _describe(total - 1, total, result), total - 1)
    return ProgramFinding("correct", "passed", None, total)


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


def fault_of(result: ExecutionResult) -> str | None:
    """Return why an execution counts as failed whatever it returned, or None when it ended as it should."""
    if result.timed_out:
        return "timeout"
    if result.memory_exceeded:
        return "memory_limit"
    if result.output_exceeded:
        return "output_limit"
    if result.exit_code < 0:
        return "crashed"
    if result.exit_code == NO_ENTRY_POINT:
        return "no_entry_point"
    return "raised" if result.exit_code else None


JUDGES: dict[str, Callable[[Case, bytes], bool]] = {
    "equal": lambda case, output: same(case.expected, output, case.tuples_are_lists),
    "close": lambda case, output: close(case.expected, output, case.tolerance),  # type: ignore[arg-type]
    "isclose": lambda case, output: is_close(case.expected, output, case.relative_tolerance, case.tolerance),  # type: ignore[arg-type]
    "set": lambda case, output: same_items(case.expected, output),  # type: ignore[arg-type]
    "truthy": lambda case, output: is_true(output),
    "falsy": lambda case, output: not is_true(output),
    "sequence": lambda case, output: same_sequence(case.expected, output),  # type: ignore[arg-type]
    "stdout": lambda case, output: same_text(str(case.expected), output),
}


def judge(case: Case, output: bytes) -> str | None:
    """Return why the output is not what the case expects, or None when it is."""
    try:
        return None if JUDGES[case.relation](case, output) else "wrong_result"
    except NotAValueError:
        return "not_a_value"


def _describe(passed: int, total: int, result: ExecutionResult) -> str:
    """Return one line for people on the case that failed."""
    said = result.output[:200].decode("utf-8", "replace")
    return f"case {passed + 1} of {total}: exit {result.exit_code}, {said!r}"
