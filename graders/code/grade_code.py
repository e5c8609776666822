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
from dataclasses import replace
from typing import Protocol

from cotfactory.graders.code.apart import is_apart, run_tests_apart
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
from cotfactory.graders.code.finding import ProgramFinding, execute, fault_of
from cotfactory.graders.code.program import ExtractedProgram, extract_program, given_code
from cotfactory.graders.sandbox.execution import Apart, Check, Execution, ExecutionResult, Sandbox
from cotfactory.graders.stated_answers import answer_text
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import SandboxError
from cotfactory.schemas.grade import Evidence, Grade
from cotfactory.schemas.problem import Problem, ScorerTests, UnsupportedTests

CODE_GRADER_VERSION = "4"
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
            ExtractedProgram(why_none) if why_none else extract_program(text, problem.question, plan.entry_point)
        )
        finding = run_plan(plan, extraction, tools.sandbox, question=problem.question)
        if finding.verdict == "correct" and is_rechecked(candidate.candidate_id):
            finding = _recheck(finding, plan, extraction, tools.sandbox, problem.question)
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
            weak=finding.weak,
        ),
        duration_ms=(time.perf_counter() - started) * 1000,
    )


def plan_problem(problem: Problem) -> TestPlan:
    """Return the test plan of a problem; raises BadTestsError when it has no tests of a program."""
    if isinstance(problem.tests, UnsupportedTests):
        raise BadTestsError(problem.tests.why)
    if problem.tests is None or isinstance(problem.tests, ScorerTests):
        raise BadTestsError("the problem has no tests: expected assert, calls or stdio")
    return plan_tests(problem.tests)


def run_plan(
    plan: TestPlan,
    extraction: ExtractedProgram,
    sandbox: Sandbox | None,
    hash_seed: int = 0,
    timeout_s: float | None = None,
    question: str = "",
) -> ProgramFinding:
    """Return the verdict on an extracted program; raises SandboxError. Stops at the first case that fails.

    `timeout_s` may shorten the sandbox's limit for each case.
    """
    if extraction.executed is None:
        return ProgramFinding("no_answer", extraction.rule)
    if sandbox is None:
        return ProgramFinding("ungraded", "no_sandbox", "no sandbox was opened for this run")
    total = len(plan.cases) + (plan.checker is not None)
    program = extraction.executed
    for passed, case in enumerate(plan.cases):
        result = execute(_execution(plan, case, program, timeout_s), sandbox, hash_seed)
        if (fault := fault_of(result)) is not None:
            return ProgramFinding(*fault, _describe(passed, total, result), passed)
        if (reason := judge(case, result.output)) is not None:
            return ProgramFinding("incorrect", reason, _describe(passed, total, result), passed)
    if plan.checker is None:
        return ProgramFinding("correct", "passed", None, total)
    finding = None
    if plan.entry_point and is_apart(plan.checker):
        apart = Apart(code=plan.checker, given=given_code(question, plan.entry_point), entry_point=plan.entry_point)
        finding = run_tests_apart(apart, program, sandbox, hash_seed, timeout_s)
    if finding is None:
        finding = _run_beside(plan, program, sandbox, hash_seed, timeout_s)
    return replace(finding, passed=total if finding.verdict == "correct" else total - 1)


def _execution(plan: TestPlan, case: Case, program: str, timeout_s: float | None) -> Execution:
    """Return one case as an execution; what it may print grows with what it is to print."""
    room = (1 << 20) + 4 * len(case.expected) if isinstance(case.expected, str) else None
    return Execution(program=program, way=case.way, timeout_s=timeout_s, output_bytes=room)


def _run_beside(
    plan: TestPlan, program: str, sandbox: Sandbox, hash_seed: int, timeout_s: float | None
) -> ProgramFinding:
    """Run the test code beside the program, which can reach it: the weak way."""
    token = secrets.token_hex(16)
    check = Check(checker=str(plan.checker), entry_point=plan.entry_point, token=token)
    result = execute(Execution(program=program, way=check, timeout_s=timeout_s), sandbox, hash_seed)
    detail = _describe(len(plan.cases), len(plan.cases) + 1, result)
    if (fault := fault_of(result)) is not None:
        return ProgramFinding(*fault, detail, weak=True)
    if result.output == b"asserted nothing":
        return ProgramFinding("ungraded", "bad_tests", "the test code ran and asserted nothing", weak=True)
    if result.output != token.encode():
        return ProgramFinding("incorrect", "wrong_result", detail, weak=True)
    return ProgramFinding("correct", "passed", weak=True)


def is_rechecked(candidate_id: str) -> bool:
    """Whether an accepted candidate is of the share that runs a second time: always the same ones."""
    return hashlib.sha256(candidate_id.encode()).digest()[0] % RECHECKED_OF == 0


def _recheck(
    finding: ProgramFinding, plan: TestPlan, extraction: ExtractedProgram, sandbox: Sandbox | None, question: str
) -> ProgramFinding:
    """Run an accepted program again in another order; return the finding, or `ungraded / flaky`."""
    again = run_plan(replace(plan, cases=plan.cases[::-1]), extraction, sandbox, hash_seed=1, question=question)
    if again.verdict == "correct":
        return finding
    return ProgramFinding("ungraded", "flaky", f"passed, then {again.reason} at {again.detail}", again.passed)


JUDGES: dict[str, Callable[[Case, bytes], bool]] = {
    "equal": lambda case, output: same(case.expected, output, case.in_json),
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
