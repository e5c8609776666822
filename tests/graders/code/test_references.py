"""The self-test of code problems, and accepted programs that run a second time."""

from collections.abc import Iterator

import pytest

from cotfactory.graders.code.grade_code import RECHECKED_OF, grade_code, is_rechecked
from cotfactory.graders.grader import Tools, open_tools
from cotfactory.graders.grading import self_test
from cotfactory.graders.sandbox.execution import Sandbox
from cotfactory.schemas.errors import SandboxError
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import CallCase, CallTests
from tests.graders.code.test_grade_code import DownSandbox
from tests.graders.programs import DIGIT_SUM, DIGIT_SUM_SOLUTION, SandboxOnly, attempt, code_problem
from tests.graders.sandbox.executions import call, returned

RECHECKED = next(f"candidate {n}" for n in range(1000) if is_rechecked(f"candidate {n}"))
NOT_RECHECKED = next(f"candidate {n}" for n in range(1000) if not is_rechecked(f"candidate {n}"))


@pytest.fixture
def tools(sandbox: Sandbox) -> Iterator[Tools]:
    with open_tools(sandbox) as opened:
        yield opened


def graded(program: str, candidate_id: str, sandbox: Sandbox) -> Grade:
    candidate = attempt(f"```python\n{program}\n```").model_copy(update={"candidate_id": candidate_id})
    return grade_code(DIGIT_SUM, candidate, SandboxOnly(sandbox))


@pytest.mark.docker
def test_a_good_reference_is_correct(tools: Tools) -> None:
    problem = DIGIT_SUM.model_copy(update={"solution": DIGIT_SUM_SOLUTION})
    assert self_test(problem, tools).verdict == "correct"


@pytest.mark.docker
def test_a_reference_that_fails_its_tests_is_not(tools: Tools) -> None:
    problem = DIGIT_SUM.model_copy(update={"solution": "def digit_sum(n): return n"})
    assert (self_test(problem, tools).verdict, self_test(problem, tools).reason) == ("incorrect", "wrong_result")


@pytest.mark.docker
def test_tests_that_test_nothing_are_not_a_good_reference(tools: Tools) -> None:
    tests = CallTests(entry_point="f", cases=(CallCase(args=(1,), expected=None),))
    problem = code_problem(tests).model_copy(update={"solution": "def f(x): return None"})
    assert (self_test(problem, tools).verdict, self_test(problem, tools).reason) == ("incorrect", "bad_tests")


def test_an_engine_that_is_down_makes_no_bad_reference() -> None:
    problem = DIGIT_SUM.model_copy(update={"solution": DIGIT_SUM_SOLUTION})
    with open_tools(DownSandbox()) as tools, pytest.raises(SandboxError, match="the engine is down"):
        self_test(problem, tools)


def test_a_share_of_the_candidates_is_rechecked() -> None:
    share = sum(is_rechecked(f"candidate {n}") for n in range(4000)) / 4000
    assert 0.5 / RECHECKED_OF < share < 2 / RECHECKED_OF


@pytest.mark.docker
def test_a_program_that_is_right_by_its_hash_seed_is_flaky(sandbox: Sandbox) -> None:
    # Which of two texts a set gives first depends on the seed; the program is right with the usual one.
    usual = returned(sandbox, "def f(): return hash('order')")
    usual = int(usual["i"], 16) if isinstance(usual, dict) else usual
    program = f"{DIGIT_SUM_SOLUTION}\nif hash('order') != {usual}: del digit_sum"
    assert graded(program, NOT_RECHECKED, sandbox).verdict == "correct"
    grade = graded(program, RECHECKED, sandbox)
    assert (grade.verdict, grade.reason) == ("ungraded", "flaky")
    assert grade.evidence.detail is not None
    assert grade.evidence.detail.startswith("passed, then no_entry_point at case 1 of 3")


@pytest.mark.docker
def test_a_steady_program_passes_twice(sandbox: Sandbox) -> None:
    grade = graded(DIGIT_SUM_SOLUTION, RECHECKED, sandbox)
    assert (grade.verdict, grade.evidence.cases_passed) == ("correct", 3)
    assert sandbox.run([call("def f(): return 1")])[0].output == b"1"
