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
def test_what_cannot_be_converted_is_run_apart_from_the_program(
    program: str, verdict: str, passed: int, sandbox: Sandbox
) -> None:
    grade = grade_program(code_problem(LOOP), program, sandbox)
    assert (grade.verdict, grade.evidence.cases_passed, grade.evidence.cases_total) == (verdict, passed, 2)
    assert not grade.evidence.weak


FORGED = (
    "class A:\n    def __eq__(self, other): return True\ndef square(n): return A()",
    "from unittest.mock import ANY\ndef square(n): return ANY",
    "import builtins\nkept = compile\nbuiltins.compile = lambda s, *a, **k: kept('pass', *a, **k)\n"
    "def square(n): return -1",
    "import sys\ndef square(n):\n    frame = sys._getframe()\n    while frame:\n        if 'exp' in frame.f_locals: "
    "return frame.f_locals['exp']\n        frame = frame.f_back",
)
FORMS = (
    "for n, exp in [(2, 4), (3, 9)]:\n    assert square(n) == exp",
    "def check(candidate):\n    inputs = [[2], [3]]\n    results = [4, 9]\n"
    "    for i, (inp, exp) in enumerate(zip(inputs, results)):\n        assert candidate(*inp) == exp",
    "def oracle(n): return n ** 2\ndef check(candidate):\n    for n in range(50): assert candidate(n) == oracle(n)",
    "import random\nfor _ in range(20):\n    n = random.randint(0, 99)\n    assert square(n) == n * n",
    "assert int(square(3)) == 9\nassert round(square(2), 2) == 4",
    "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(square(3), 9)\n"
    "if __name__ == '__main__':\n    unittest.main()",
    "class TestSquare:\n    def test_a(self):\n        assert square(3) == 9",
    "if __name__ == '__main__':\n    assert square(3) == 9",
    "from solution import square\ndef test_a():\n    assert square(2) == 4\ndef test_b():\n    assert square(3) == 9",
    "def test_a():\n    for n in range(3): assert square(n) == n * n\nfor n in (1,): pass",
    "def assertion(out, exp, atol):\n    exact = out == exp\n    if not exact and atol != 0: assert 0\n"
    "    else: assert exact\nfor inp, exp in zip([[2], [3]], [4, 9]):\n    assertion(square(*inp), exp, 0)",
)


@pytest.mark.docker
@pytest.mark.parametrize("code", FORMS)
def test_forms_of_test_code(code: str, sandbox: Sandbox) -> None:
    problem = code_problem(AssertTests(code=code, entry_point="square"))
    right = grade_program(problem, "def square(n): return n * n", sandbox)
    assert (right.verdict, right.evidence.weak) == ("correct", False)
    for wrong in ("def square(n): return 0", *FORGED):
        assert grade_program(problem, wrong, sandbox).verdict == "incorrect", wrong


@pytest.mark.docker
def test_a_class_solution_is_called_and_may_use_what_judges_import(sandbox: Sandbox) -> None:
    program = "class Solution:\n    def two(self, x: List[int]) -> int:\n        return Counter(x)[2] + gcd(4, 6)"
    asserted = code_problem(AssertTests(code="assert Solution().two([2, 2]) == 4"))
    called = code_problem(CallTests(entry_point="two", cases=(CallCase(args=([2, 2],), expected=4),)))
    dotted = code_problem(CallTests(entry_point="Solution.two", cases=(CallCase(args=([2, 2],), expected=4),)))
    for problem in (asserted, called, dotted):
        assert grade_program(problem, program, sandbox).verdict == "correct"
        assert grade_program(problem, program.replace("4, 6", "4, 7"), sandbox).verdict == "incorrect"


@pytest.mark.docker
def test_an_argument_changed_in_place_and_an_exception_reach_the_test_code(sandbox: Sandbox) -> None:
    code = "x = [3, 1]\nsort(x)\nassert x == [1, 3]\ntry:\n    sort(None)\n    assert False\nexcept TypeError: pass"
    problem = code_problem(AssertTests(code=code, entry_point="sort"))
    right = "def sort(x):\n    if x is None: raise TypeError('none')\n    x.sort()"
    assert grade_program(problem, right, sandbox).verdict == "correct"
    assert grade_program(problem, right.replace("TypeError", "ValueError"), sandbox).verdict == "incorrect"
    assert grade_program(problem, right.replace("x.sort()", "pass"), sandbox).verdict == "incorrect"


@pytest.mark.docker
def test_code_that_needs_the_program_itself_is_weak_and_one_that_asserts_nothing_is_bad(sandbox: Sandbox) -> None:
    program = "class Pair:\n    pass\ndef kind(x): return type(x).__name__"
    weak = grade_program(code_problem(AssertTests(code="assert kind(Pair()) == 'Pair'")), program, sandbox)
    assert (weak.verdict, weak.evidence.weak) == ("correct", True)
    idle = AssertTests(code="def helper():\n    assert kind(1) == 'int'\nhelper\nfor x in (): pass", entry_point="kind")
    assert grade_program(code_problem(idle), program, sandbox).reason == "bad_tests"


@pytest.mark.docker
@pytest.mark.parametrize(
    ("program", "verdict", "reason"),
    [
        ("import torch\ndef digit_sum(n): return n", "ungraded", "missing_module"),  # ours to install
        ("def digit_sum(n):\n    from z3.z3 import Int\n    return n", "ungraded", "missing_module"),
        # Whoever would rather not be judged imports what nobody has, or ends as if he had.
        ("import no_such_module_anywhere\ndef digit_sum(n): return n", "incorrect", "raised"),
        ("import numpy.nothing\ndef digit_sum(n): return n", "incorrect", "raised"),
        ("import os\nos._exit(79)\ndef digit_sum(n): return n", "incorrect", "raised"),
        ("import os\nos._exit(80)\ndef digit_sum(n): return n", "incorrect", "raised"),
        ("'import torch'\nimport torch_\ndef digit_sum(n): return n", "incorrect", "raised"),
    ],
)
def test_what_is_missing_says_nothing_about_the_program_where_it_could_be_there(
    program: str, verdict: str, reason: str, sandbox: Sandbox
) -> None:
    grade = grade_program(DIGIT_SUM, program, sandbox)
    assert (grade.verdict, grade.reason) == (verdict, reason)


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
