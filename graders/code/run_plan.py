"""Run a test plan on a program: case by case, and the test code that did not become cases."""

import secrets
from dataclasses import replace

from cotfactory.graders.code.apart import is_apart, run_tests_apart
from cotfactory.graders.code.cases import Case, TestPlan
from cotfactory.graders.code.checked_output import check_output
from cotfactory.graders.code.compiled import compiled
from cotfactory.graders.code.finding import ProgramFinding, fault_of
from cotfactory.graders.code.judges import judge
from cotfactory.graders.code.program import ExtractedProgram
from cotfactory.graders.code.program_run import ProgramRun
from cotfactory.graders.sandbox.execution import Apart, Check, ExecutionResult, Sandbox

FREE_OUTPUT = 1 << 20
"""Bytes that a program may print beside what is expected, where its problem sets no limit."""


def run_plan(
    plan: TestPlan,
    extraction: ExtractedProgram,
    sandbox: Sandbox | None,
    hash_seed: int = 0,
    timeout_s: float | None = None,
) -> ProgramFinding:
    """Return the verdict on an extracted program; raises SandboxError. Stops at the first case that fails.

    `timeout_s` may shorten the time that each case has.
    """
    if extraction.executed is None:
        return ProgramFinding("no_answer", extraction.rule)
    if sandbox is None:
        return ProgramFinding("ungraded", "no_sandbox", "no sandbox was opened for this run")
    program = _made_ready(
        extraction, sandbox, ProgramRun(sandbox, extraction.executed, plan.terms, hash_seed, timeout_s)
    )
    if isinstance(program, ProgramFinding):
        return program
    for passed, case in enumerate(plan.cases):
        result = program.run(case.way, _room(case))
        if (fault := fault_of(result)) is not None:
            return ProgramFinding(*fault, _describe(passed, plan.total, result), passed)
        found = _judged(plan, case, result, sandbox)
        if found.verdict != "correct":
            return replace(found, detail=found.detail or _describe(passed, plan.total, result), passed=passed)
    if plan.test_code is None:
        return ProgramFinding("correct", "passed", None, plan.total)
    finding = None
    if plan.entry_point and is_apart(plan.test_code):
        apart = Apart(code=plan.test_code, given=plan.given, entry_point=plan.entry_point)
        finding = run_tests_apart(apart, program)
    if finding is None:
        finding = _run_beside(plan, program)
    return replace(finding, passed=plan.total if finding.verdict == "correct" else plan.total - 1)


def _made_ready(extraction: ExtractedProgram, sandbox: Sandbox, program: ProgramRun) -> ProgramRun | ProgramFinding:
    """Return a program as it can be run, or why it cannot."""
    if extraction.language == "python":
        return program
    made = compiled(program.program, extraction.language, sandbox)
    if isinstance(made, ProgramFinding):
        return made
    return replace(program, program="", language=extraction.language, artifact=made)


def _judged(plan: TestPlan, case: Case, result: ExecutionResult, sandbox: Sandbox) -> ProgramFinding:
    """Return whether an output is right, by the problem's checker or by comparison."""
    if plan.checker is not None:
        return check_output(plan.checker, case, result.output, sandbox)
    reason = judge(case, result.output)
    return ProgramFinding("incorrect", reason) if reason else ProgramFinding("correct", "passed")


def _room(case: Case) -> int | None:
    """Return how much a case may print: more where it is to print more."""
    lengths = [len(text) for text in (case.expected, *case.accepted) if isinstance(text, str)]
    return FREE_OUTPUT + 4 * max(lengths) if lengths else None


def _run_beside(plan: TestPlan, program: ProgramRun) -> ProgramFinding:
    """Run the test code beside the program, which can reach it: the weak way."""
    token = secrets.token_hex(16)
    result = program.run(Check(code=str(plan.test_code), entry_point=plan.entry_point, token=token))
    detail = _describe(len(plan.cases), plan.total, result)
    if (fault := fault_of(result)) is not None:
        return ProgramFinding(*fault, detail, weak=True)
    if result.output == b"asserted nothing":
        return ProgramFinding("ungraded", "bad_tests", "the test code ran and asserted nothing", weak=True)
    if result.output != token.encode():
        return ProgramFinding("incorrect", "wrong_result", detail, weak=True)
    return ProgramFinding("correct", "passed", weak=True)


def _describe(passed: int, total: int, result: ExecutionResult) -> str:
    """Return one line for people on the case that failed."""
    said = result.output[:200].decode("utf-8", "replace")
    return f"case {passed + 1} of {total}: exit {result.exit_code}, {said!r}"
