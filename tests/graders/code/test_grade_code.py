"""Grades of programs: every verdict with its reason, and what is ours to answer for."""

from collections.abc import Sequence

import pytest

from cotfactory.graders.code.grade_code import CODE_GRADER_VERSION, grade_code
from cotfactory.graders.sandbox.execution import Execution, ExecutionResult, Sandbox
from cotfactory.schemas.errors import SandboxError
from cotfactory.schemas.problem import AssertTests, CallCase, CallTests, ScorerTests, Tests
from tests.graders.programs import (
    DIGIT_SUM,
    DIGIT_SUM_SCRIPT,
    DIGIT_SUM_SCRIPT_SOLUTION,
    DIGIT_SUM_SOLUTION,
    SandboxOnly,
    attempt,
    code_problem,
    grade_program,
)


class DownSandbox:
    """A sandbox whose engine is gone."""

    image_digest = "sha256:gone"

    def run(self, executions: Sequence[Execution], hash_seed: int = 0) -> list[ExecutionResult]:
        raise SandboxError("the engine is down", "start it")


@pytest.mark.docker
@pytest.mark.parametrize(
    ("program", "verdict", "reason", "passed"),
    [
        (DIGIT_SUM_SOLUTION, "correct", "passed", 3),
        ("def digit_sum(n): return n", "incorrect", "wrong_result", 1),
        ("def digit_sum(n): return float(sum(map(int, str(n))))", "correct", "passed", 3),
        ("def digit_sum(n): return str(sum(map(int, str(n))))", "incorrect", "wrong_result", 0),
        ("def digit_sum(n): return object()", "incorrect", "not_a_value", 0),
        ("def digit_sum(n): raise ValueError", "incorrect", "raised", 0),
        ("def digit_sum(n):\n  while True: pass", "incorrect", "timeout", 0),
        ("def digit_sum(n): return bytearray(1 << 40)", "incorrect", "memory_limit", 0),
        ("def digit_sum(n): return 'x' * (1 << 20)", "incorrect", "output_limit", 0),
        ("import os\ndef digit_sum(n): os.abort()", "incorrect", "crashed", 0),
        ("def digit_sum(n): pass\ndel digit_sum", "incorrect", "no_entry_point", 0),
    ],
)
def test_calls(program: str, verdict: str, reason: str, passed: int, sandbox: Sandbox) -> None:
    grade = grade_program(DIGIT_SUM, program, sandbox)
    assert (grade.verdict, grade.reason) == (verdict, reason)
    assert grade.extracted_answer == program.rstrip("\n") + "\n" * (1 + program.endswith("\n"))
    assert (grade.grader, grade.grader_version) == ("code", CODE_GRADER_VERSION)
    evidence = grade.evidence
    assert (evidence.cases_passed, evidence.cases_total) == (passed, 3)
    assert (evidence.rule, evidence.compared_as, evidence.weak) == ("fenced_block", "calls", False)
    assert evidence.image_digest == sandbox.image_digest
    assert evidence.image_digest.startswith("sha256:")


@pytest.mark.docker
def test_scripts(sandbox: Sandbox) -> None:
    assert grade_program(DIGIT_SUM_SCRIPT, DIGIT_SUM_SCRIPT_SOLUTION, sandbox).verdict == "correct"
    # right output, but the program failed at its end
    crashing = f"{DIGIT_SUM_SCRIPT_SOLUTION}raise SystemExit(1)"
    assert grade_program(DIGIT_SUM_SCRIPT, crashing, sandbox).reason == "raised"
    assert grade_program(DIGIT_SUM_SCRIPT, "print(input())", sandbox).reason == "wrong_result"


LOOP = AssertTests(
    code=(
        "def check(candidate):\n    assert candidate(0) == 0\n"
        "    for n in range(5):\n        assert candidate(n) == n * n\n"
    ),
    entry_point="square",
)


@pytest.mark.docker
@pytest.mark.parametrize(
    ("program", "verdict", "passed"),
    [
        ("def square(n): return n * n", "correct", 2),
        ("def square(n): return n", "incorrect", 1),
        ("def square(n): return 1", "incorrect", 0),
        ("import os\ndef square(n): return 0 if n == 0 else os._exit(0)", "incorrect", 1),
    ],
)
def test_what_cannot_be_converted_is_checked_beside_the_program_and_says_so(
    program: str, verdict: str, passed: int, sandbox: Sandbox
) -> None:
    grade = grade_program(code_problem(LOOP), program, sandbox)
    assert (grade.verdict, grade.evidence.cases_passed, grade.evidence.cases_total) == (verdict, passed, 2)
    assert grade.evidence.weak


@pytest.mark.docker
def test_a_json_expectation_accepts_a_tuple_and_python_code_does_not(sandbox: Sandbox) -> None:
    program = "def f(): return (1, 2)"
    written_in_json = code_problem(CallTests(entry_point="f", cases=(CallCase(expected=[1, 2]),)))
    assert grade_program(written_in_json, program, sandbox).verdict == "correct"
    written_in_python = code_problem(AssertTests(code="assert f() == [1, 2]"))
    assert grade_program(written_in_python, program, sandbox).verdict == "incorrect"


@pytest.mark.docker
def test_a_completion_of_the_questions_function(sandbox: Sandbox) -> None:
    question = "Complete:\n```python\nimport math\n\n\ndef f(x):\n    '''Root.'''\n```"
    problem = code_problem(CallTests(entry_point="f", cases=(CallCase(args=(4,), expected=2),)), question)
    for response in ("    return math.sqrt(x)\n", "```python\ndef f(x):\n    return math.sqrt(x)\n```"):
        assert grade_code(problem, attempt(response), SandboxOnly(sandbox)).verdict == "correct"


@pytest.mark.parametrize(
    ("response", "finish_reason", "reason"),
    [
        ("", "stop", "empty"),
        ("I give up.", "stop", "no_program"),
        ("```python\ndef g(): pass\n```", "stop", "no_entry_point"),
        ("```python\ndef digit_sum(n):", "stop", "unclosed_fence"),
        (f"```python\n{DIGIT_SUM_SOLUTION}```", "length", "truncated"),
    ],
)
def test_no_program_needs_no_sandbox(response: str, finish_reason: str, reason: str) -> None:
    grade = grade_code(DIGIT_SUM, attempt(response, finish_reason), SandboxOnly(DownSandbox()))
    assert (grade.verdict, grade.reason, grade.extracted_answer) == ("no_answer", reason, None)


def test_no_sandbox_is_ungraded() -> None:
    grade = grade_program(DIGIT_SUM, DIGIT_SUM_SOLUTION, None)
    assert (grade.verdict, grade.reason) == ("ungraded", "no_sandbox")
    assert grade.evidence.image_digest is None


def test_an_engine_that_is_down_is_ungraded_and_says_why() -> None:
    grade = grade_program(DIGIT_SUM, DIGIT_SUM_SOLUTION, DownSandbox())
    assert (grade.verdict, grade.reason) == ("ungraded", "sandbox_failed")
    assert grade.evidence.detail == "the engine is down - start it"


@pytest.mark.parametrize(
    "tests",
    [None, ScorerTests(task="a", entry="{}"), AssertTests(code="def check(candidate:"), AssertTests(code="x = 1")],
)
def test_tests_that_test_nothing_are_ungraded(tests: Tests | None) -> None:
    grade = grade_program(code_problem(tests), DIGIT_SUM_SOLUTION, DownSandbox())
    assert (grade.verdict, grade.reason) == ("ungraded", "bad_tests")
