"""Test code to cases: what is understood, and what stays test code."""

import ast
import os
from pathlib import Path
from typing import Any

import pytest

from cotfactory.graders.code.constants import NotConstantError, constant
from cotfactory.graders.code.convert import BadTestsError, plan_tests
from cotfactory.graders.sandbox.execution import Call
from cotfactory.graders.sandbox.values import decode
from cotfactory.schemas.problem import AssertTests, CallCase, CallTests, StdioCase, StdioTests


def convert(body: str) -> Any:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return plan_tests(AssertTests(code=f"def check(candidate):\n{lines}\n", entry_point="f"))


@pytest.mark.parametrize(
    ("statement", "args", "kwargs", "expected", "relation"),
    [
        ("assert candidate(1, [2]) == (3, None)", [1, [2]], {}, (3, None), "equal"),
        ("assert 6 == candidate(3), 'message'", [3], {}, 6, "equal"),
        ("assert candidate(3 * 19, s='a' + 'b') == [3, 19]", [57], {"s": "ab"}, [3, 19], "equal"),
        ("assert candidate(-1) is None", [-1], {}, None, "equal"),
        ("assert candidate(1)", [1], {}, None, "truthy"),
        ("assert not candidate(1)", [1], {}, None, "falsy"),
        ("assert abs(candidate(1.33) - 0.33) < 1e-6", [1.33], {}, 0.33, "close"),
        ("assert math.fabs(2.0 / 4 - candidate(1)) < 1e-6", [1], {}, 0.5, "close"),
        ("assert tuple(candidate([1])) == tuple([2])", [[1]], {}, [2], "sequence"),
        ("assert set(candidate(1)) == set((2, 3))", [1], {}, [2, 3], "set"),
        ("assert {2} == set(candidate(1))", [1], {}, [2], "set"),
        ("assert math.isclose(candidate(1), 0.5)", [1], {}, 0.5, "isclose"),
        ("assert math.isclose(-1, candidate(1), rel_tol=0.001, abs_tol=0)", [1], {}, -1, "isclose"),
        ("assert candidate({'a': {1}}) == {1: 'b'}", [{"a": {1}}], {}, {1: "b"}, "equal"),
    ],
)
def test_understood(statement: str, args: list[Any], kwargs: Any, expected: Any, relation: str) -> None:
    plan = convert(statement)
    assert plan.test_code is None
    (case,) = plan.cases
    assert isinstance(case.way, Call)
    assert case.way.entry_point == "f"
    assert [decode(value) for value in case.way.args] == args
    assert {key: decode(value) for key, value in case.way.kwargs.items()} == kwargs
    assert (case.expected, case.relation) == (expected, relation)


@pytest.mark.parametrize(
    "statement",
    [
        "for x in range(3):\n    assert candidate(x) == x",
        "assert candidate(x) == 1",
        "assert candidate(1) == g(1)",
        "assert candidate(candidate(1)) == 1",
        "assert candidate(1) == 1 == 1",
        "assert candidate(1) != 1",
        "assert candidate(1) is 1000",
        "assert candidate(*[1]) == 1",
        "assert candidate(**{'a': 1}) == 1",
        "assert candidate(1) == 1 and candidate(2) == 2",
        "assert candidate(1) == 3j",  # leaves the container as 'some complex', which equals nothing
        "assert candidate(1) == 9 ** 9 ** 9",
        "assert candidate(1) == [0] * 10 ** 9",
        "assert abs(candidate(1) + 1) < 1e-6",
        "assert candidate(1) < 5",
        "assert False",
        "assert set(candidate(1)) == [1]",
        "assert set(candidate(1)) == set(x)",
        "assert set(candidate(1), 2) == {1}",
        "assert math.isclose(candidate(1), 1, rel_tol=-1)",
        "assert math.isclose(candidate(1), 1, tolerance=1)",
        "assert math.isclose(candidate(1), x)",
        "assert math.isclose(candidate(1), '1')",
        "assert not math.isclose(candidate(1), 1)",
        "with open('x') as f:\n    assert candidate(1) == 1",
        "candidate = wrap(candidate)",
        "import random\nassert candidate(random.random()) == 1",
    ],
)
def test_not_understood_stays_test_code_beside_what_is(statement: str) -> None:
    plan = convert(f"assert candidate(1) == 1\n{statement}")
    assert plan.test_code is not None
    assert plan.entry_point == "f"
    assert len(plan.cases) == 1


def test_idle_statements_change_nothing() -> None:
    plan = convert("'''doc'''\nassert True, 'always'\nprint\nx = 3\npass\nassert candidate(1) == 1")
    assert (plan.test_code, len(plan.cases)) == (None, 1)


def test_plain_asserts_name_their_function() -> None:
    plan = plan_tests(AssertTests(code="import math\nassert add(1, 2) == 3\nassert add(2, 2) == 4\n"))
    assert (plan.entry_point, len(plan.cases), plan.test_code) == ("add", 2, None)


@pytest.mark.parametrize(
    ("code", "cases"),
    [
        ("assert set(common((1, 2), (2, 3))) == set((2,))", 1),
        ("import math\nassert math.isclose(common(1), 2.5, rel_tol=0.001)", 1),
        ("assert sorted(common(1)) == [2]", 0),
    ],
)
def test_a_wrapped_call_names_its_function(code: str, cases: int) -> None:
    plan = plan_tests(AssertTests(code=code, entry_point=None if cases else "common"))
    assert (plan.entry_point, len(plan.cases)) == ("common", cases)
    assert (plan.test_code is None) is bool(cases)


def test_tolerances_are_those_of_math_isclose() -> None:
    (usual,) = convert("assert math.isclose(candidate(1), 2)").cases
    assert (usual.relative_tolerance, usual.tolerance) == (1e-9, 0.0)
    (stated,) = convert("assert math.isclose(candidate(1), 2, rel_tol=0.01, abs_tol=3)").cases
    assert (stated.relative_tolerance, stated.tolerance) == (0.01, 3.0)


@pytest.mark.parametrize(
    "code",
    [
        "def check(candidate:",
        "x = 1",
        "def check(candidate):\n    pass",
        "(" * 1000,
        "assert f(1) == 1\nassert g(1) == 1",
        "\0",
    ],
)
def test_bad_tests(code: str) -> None:
    with pytest.raises(BadTestsError):
        plan_tests(AssertTests(code=code, entry_point="f" if "check" in code else None))


def test_calls_and_stdio() -> None:
    calls = plan_tests(CallTests(entry_point="f", cases=(CallCase(args=(7,), expected=[17]),)))
    assert calls.entry_point == "f"
    assert calls.cases[0].in_json
    scripts = plan_tests(StdioTests(cases=(StdioCase(stdin="1\n", stdout="2\n"),)))
    assert scripts.entry_point is None
    assert scripts.cases[0].expected == "2\n"


@pytest.mark.parametrize(
    "code",
    [
        "9**9**9",
        "2**10000",
        "'a' * 10**9",
        "[[0] * 900] * 900",
        "[0] * 900 + [0] * 900",
        "1 / 0",
        "(-8) ** 0.5",
        "__import__('os')",
        "x",
        "{**{}}",
        "{[1]}",
        "3j",
        "...",
        "-'a'",
        "True + 1",
    ],
)
def test_no_constant(code: str) -> None:
    with pytest.raises(NotConstantError):
        constant(ast.parse(code, mode="eval").body)


@pytest.mark.skipif("COTFACTORY_SHARED" not in os.environ, reason="needs COTFACTORY_SHARED")
def test_humaneval_converts() -> None:
    import json

    lines = (Path(os.environ["COTFACTORY_SHARED"]) / "data/humaneval/problems.jsonl").read_text().splitlines()
    plans = [plan_tests(AssertTests(**json.loads(line)["tests"])) for line in lines]
    assert len(plans) == 164
    assert sum(plan.test_code is None for plan in plans) >= 150
