"""Mutants of a reference solution, what tests make of them, and tests that a program doing nothing passes."""

import ast

import pytest

from cotfactory.graders.code import program_mutants
from cotfactory.graders.code.program_mutants import MOST_MUTANTS, empty_program_passes, mutants_of
from cotfactory.graders.sandbox.execution import Sandbox
from cotfactory.schemas.errors import SandboxError
from cotfactory.schemas.problem import AssertTests, CallCase, CallTests, Problem, StdioCase, StdioTests, Tests
from tests.graders.programs import DIGIT_SUM, DIGIT_SUM_SCRIPT, SandboxOnly, code_problem

CLAMP = "def clamp(x):\n    if x > 9:\n        return 9\n    return x\n"


def solved(tests: Tests, solution: str) -> Problem:
    return code_problem(tests).model_copy(update={"solution": solution})


def clamp_tests(*inputs: int) -> CallTests:
    return CallTests(entry_point="clamp", cases=tuple(CallCase(args=(x,), expected=min(x, 9)) for x in inputs))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("x = a + b", {"x = a - b"}),
        ("x += 1", {"x -= 1", "x += 2", "x += 0", "pass"}),
        ("f(a < b)", {"f(a <= b)", "pass"}),
        ("x = a and b", {"x = a or b"}),
        ("x = 1 if a else b", {"x = 1 if not a else b", "x = 2 if a else b", "x = 0 if a else b"}),
        ("def f():\n    return a", {"def f():\n    return None"}),
        ("x = True", {"x = False"}),
        ("'''A docstring.'''\nx = 'text'", set()),
        ("x = -1", {"x = -2", "x = -0"}),
        ("not Python", set()),
        ("x = \0", set()),
    ],
)
def test_mutants(program: str, expected: set[str]) -> None:
    assert set(mutants_of(program)) == expected


def test_a_long_program_has_no_more_mutants_than_a_check_can_pay() -> None:
    program = "\n".join(f"x{line} = {line} + a" for line in range(3000))
    made = mutants_of(program)
    assert len(made) == MOST_MUTANTS
    changed = [next(i for i, line in enumerate(mutant.splitlines()) if line not in program) for mutant in made]
    assert max(changed) > 2000
    for mutant in made:
        ast.parse(mutant)


def test_a_program_nested_beyond_all_bounds_has_no_mutants() -> None:
    assert mutants_of("x = " + "(" * 5000 + "1" + ")" * 5000) == []


@pytest.mark.docker
def test_stronger_tests_kill_more_mutants(sandbox: Sandbox) -> None:
    tools = SandboxOnly(sandbox)
    # x > 10, x > 8, x >= 9, not x > 9, return 10, return 8, return None twice: 9 alone is no border from below
    weak = program_mutants.test_strength(solved(clamp_tests(5), CLAMP), tools)
    strong = program_mutants.test_strength(solved(clamp_tests(5, 8, 9, 10, 11), CLAMP), tools)
    assert weak[1] == strong[1] == len(mutants_of(CLAMP))
    assert 0 < weak[0] < strong[0] < strong[1]


@pytest.mark.docker
def test_strength_over_problems_is_counted_by_fifths(sandbox: Sandbox) -> None:
    tools = SandboxOnly(sandbox)
    weak, strong = (solved(clamp_tests(*inputs), CLAMP) for inputs in ((5,), (5, 8, 9, 10, 11)))
    found = program_mutants.strength_of_tests([weak, strong, DIGIT_SUM], tools)
    assert found is not None
    each = [program_mutants.test_strength(problem, tools) for problem in (weak, strong)]
    # DIGIT_SUM has no solution, and so nothing to mutate
    assert (found.problems, found.mutants) == (2, 2 * len(mutants_of(CLAMP)))
    assert found.noticed == each[0][0] + each[1][0]
    fifths = [0] * 5
    for noticed, made in each:
        fifths[next(fifth for fifth in range(5) if noticed * 5 <= made * (fifth + 1))] += 1
    assert list(found.fifths) == fifths
    assert program_mutants.strength_of_tests([DIGIT_SUM], tools) is None


@pytest.mark.docker
def test_a_mutant_that_never_ends_is_killed(sandbox: Sandbox) -> None:
    loop = "def clamp(x):\n    while x > 9:\n        x -= 1\n    return x\n"
    killed, made = program_mutants.test_strength(solved(clamp_tests(5, 12), loop), SandboxOnly(sandbox))
    assert made == len(mutants_of(loop))
    assert killed >= 5


def test_strength_needs_a_sandbox_and_a_solution_in_python(sandbox: Sandbox) -> None:
    assert program_mutants.test_strength(DIGIT_SUM, SandboxOnly(sandbox)) == (0, 0)
    with pytest.raises(SandboxError):
        program_mutants.test_strength(DIGIT_SUM, SandboxOnly(None))


@pytest.mark.docker
@pytest.mark.parametrize(
    ("problem", "passes"),
    [
        (DIGIT_SUM, False),
        (DIGIT_SUM_SCRIPT, False),
        (code_problem(CallTests(entry_point="f", cases=(CallCase(expected=None),))), True),
        (code_problem(StdioTests(cases=(StdioCase(stdin="1", stdout="\n"),))), True),
        (code_problem(AssertTests(code="def check(candidate):\n    for n in range(3):\n        candidate(n)\n",
                                  entry_point="f")), False),  # asserts nothing: bad tests, whatever passes them
        (code_problem(AssertTests(code="x = 1")), False),
        (code_problem(None), False),
    ],
)  # fmt: skip
def test_tests_that_a_program_doing_nothing_passes(problem: Problem, passes: bool, sandbox: Sandbox) -> None:
    assert empty_program_passes(problem, SandboxOnly(sandbox)) is passes
