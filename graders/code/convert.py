"""A problem's tests as cases to be judged on the host, by the syntax tree of its own test code.

`assert candidate([1, 2], 3) == 6` becomes the call `candidate([1, 2], 3)`, which goes into the container, and
the value 6, which does not. Understood are: equality with a constant (either side), `is` with None, True or
False, a bare or negated call, `abs(call - constant) < constant`, `math.isclose(call, constant)`, and
`tuple(call) == tuple(constant)`, with list and set too. Test code with anything else that could matter (loops, random
inputs, helper functions) stays whole and runs beside the program.
"""

import ast
import builtins
from dataclasses import replace
from typing import Any

from cotfactory.graders.code.cases import Case, Relation, TestPlan
from cotfactory.graders.code.compare import NotAValueError, canonical
from cotfactory.graders.code.constants import NotConstantError, constant, is_number
from cotfactory.graders.code.signature import Signature, as_nodes, signature_in
from cotfactory.graders.sandbox.execution import Call, Stdio
from cotfactory.graders.sandbox.values import encode
from cotfactory.schemas.problem import AssertTests, CallCase, CallTests, StdioTests
from cotfactory.schemas.syntax_tree import syntax_tree

HARMLESS = (ast.Import, ast.Assign, ast.Pass)
"""Statements that change no verdict by themselves; what they define is no constant, so an assert that uses it
is not understood."""
SEQUENCES = ("tuple", "list")
ABSOLUTE = ("abs", "math.fabs")
AROUND_CALLS = {None, *SEQUENCES, *ABSOLUTE, "set", "math.isclose"}
"""What an assert may call besides the function it tests."""


class BadTestsError(ValueError):
    """Tests that are no Python, or that test nothing."""


class _NotUnderstoodError(ValueError):
    """A statement of test code that cannot be judged outside the container."""


def plan_tests(tests: AssertTests | CallTests | StdioTests, question: str = "") -> TestPlan:
    """Return what to run for a problem's tests and what must come of it; raises BadTestsError.

    The question tells whether arguments and results of calls are nodes.
    """
    if isinstance(tests, StdioTests):
        cases = tuple(
            Case(Stdio(stdin=case.stdin), case.stdout, "stdout", accepted=case.accepted, judge=tests.judge)
            for case in tests.cases
        )
        return TestPlan(cases, terms=tests, checker=tests.checker)
    if isinstance(tests, CallTests):
        signature = signature_in(question, tests.entry_point) if "Node" in question else Signature()
        calls = tuple(_written_call(tests, case, signature) for case in tests.cases)
        return TestPlan(calls, entry_point=tests.entry_point, terms=tests)
    return _plan_asserts(tests)


def _written_call(tests: CallTests, case: CallCase, signature: Signature) -> Case:
    """Return the case of one written call; raises NotAValueError, and BadTestsError for a judge of no argument."""
    place = tests.judge.argument if tests.judge else None
    if place is not None and place >= len(case.args):
        raise BadTestsError(f"the judge is argument {place}, and a case has {len(case.args)} arguments")
    kinds = (*signature.parameters, *[""] * len(case.args))
    args = [as_nodes(value, kind) for value, kind in zip(case.args, kinds, strict=False)]
    kind = signature.result if place is None else kinds[place]
    expected, *accepted = (as_nodes(value, kind) for value in (case.expected, *case.accepted))
    call = _call_case(tests.entry_point, args, case.kwargs, expected, in_json=True)
    way = call.way.model_copy(update={"whole": place is not None})
    return replace(call, way=way, accepted=tuple(accepted), judge=tests.judge)


def _plan_asserts(tests: AssertTests) -> TestPlan:
    """Return cases for every assert that is understood, and the whole test code if one is not."""
    try:
        module = syntax_tree(tests.code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadTestsError(f"the test code is not Python: {error or type(error).__name__}") from error
    check = next((node for node in module.body if _is_check(node)), None)
    called = check.args.args[0].arg if isinstance(check, ast.FunctionDef) else None
    entry_point = tests.entry_point or (None if called else _tested_name(module))
    name = called or entry_point
    if name is None or entry_point is None:
        raise BadTestsError("the test code calls no function of one name, and the tests name no entry point")
    cases: list[Case] = []
    understood = True
    for statement in [*module.body, *(check.body if isinstance(check, ast.FunctionDef) else [])]:
        try:
            cases += _read_statement(statement, name, entry_point)
        except (_NotUnderstoodError, NotConstantError, NotAValueError):
            understood = False
    if understood and not cases:
        raise BadTestsError("the test code asserts nothing about the entry point")
    if not understood and not any(map(_asserts, ast.walk(module))):
        raise BadTestsError("the test code makes no assertion")
    return TestPlan(tuple(cases), None if understood else tests.code, entry_point, tests)


def _is_check(node: ast.stmt) -> bool:
    """Whether a statement defines HumanEval's `check(candidate)`."""
    return isinstance(node, ast.FunctionDef) and node.name == "check" and len(node.args.args) == 1


def _tested_name(module: ast.Module) -> str | None:
    """Return the one name that test code tests: imported from `solution`, or called by every assert.

    `assert int(f(g(1))) == 2` tests `f`: what Python itself has is looked through, and arguments are not.
    """
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module == "solution":
            return node.names[0].name
    if any(_called_name(node) == "Solution" for node in ast.walk(module)):
        return "Solution"
    defined = {node.name for node in ast.walk(module) if isinstance(node, ast.FunctionDef)}
    names = [
        _outermost_calls(node.test) - AROUND_CALLS - defined
        for node in ast.walk(module)
        if isinstance(node, ast.Assert)
    ]
    common = set.intersection(*names) if names else set()
    return common.pop() if len(common) == 1 else None


def _outermost_calls(node: ast.AST) -> set[str | None]:
    """Return the plain names called in an expression, without those called in their arguments."""
    name = _called_name(node)
    if name is not None and "." not in name and not hasattr(builtins, name):
        return {name}
    return set().union(*map(_outermost_calls, ast.iter_child_nodes(node)))


def _asserts(node: ast.AST) -> bool:
    """Whether a node is an assertion of Python's, unittest's or pytest's."""
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Call):
        return False
    name = (_called_name(node) or ast.unparse(node.func)).rpartition(".")[2].lower()
    return name.startswith("assert") or name in ("raises", "fail", "check")


def _read_statement(node: ast.stmt, name: str, entry_point: str) -> list[Case]:
    """Return the case of one statement, none for one that changes no verdict.

    Raises _NotUnderstoodError or NotConstantError.
    """
    if isinstance(node, ast.Assert):
        if isinstance(node.test, ast.Constant) and node.test.value:
            return []
        return [_read_assertion(node.test, name, entry_point)]
    if isinstance(node, ast.ImportFrom) or (isinstance(node, ast.FunctionDef) and not node.name.startswith("test")):
        return []
    rebound = isinstance(node, ast.Assign) and name in {ast.unparse(target) for target in node.targets}
    if not rebound and (isinstance(node, HARMLESS) or _is_idle(node)):
        return []
    raise _NotUnderstoodError(type(node).__name__)


def _is_idle(node: ast.stmt) -> bool:
    """Whether a statement is a docstring, a bare name, or the call `check(f)` that starts the tests."""
    if not isinstance(node, ast.Expr):
        return False
    call = node.value
    return isinstance(call, ast.Constant | ast.Name) or (
        isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "check"
    )


def _read_assertion(test: ast.expr, name: str, entry_point: str) -> Case:
    """Return the case of an asserted expression; raises _NotUnderstoodError or NotConstantError."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _read_call(test.operand, name, entry_point, None, "falsy")
    if _called_name(test) == "math.isclose" and name != "math.isclose":
        return _read_isclose(test, name, entry_point)
    if not isinstance(test, ast.Compare):
        return _read_call(test, name, entry_point, None, "truthy")
    if len(test.ops) != 1:
        raise _NotUnderstoodError("a chain of comparisons")
    left, operation, right = test.left, test.ops[0], test.comparators[0]
    if isinstance(operation, ast.Lt):
        return _read_distance(left, constant(right), name, entry_point)
    if isinstance(operation, ast.Is) and not _is_singleton(right):
        raise _NotUnderstoodError("identity with something that is not one of a kind")
    if not isinstance(operation, ast.Eq | ast.Is):
        raise _NotUnderstoodError(type(operation).__name__)
    if not _contains_call(left, name):
        left, right = right, left
    kind = _called_name(left)
    if kind in SEQUENCES and _called_name(right) == kind:
        items = constant(_only_argument(right))
        if not isinstance(items, list | tuple):
            raise _NotUnderstoodError("a sequence made from something else")
        return _read_call(_only_argument(left), name, entry_point, items, "sequence")
    if kind == "set" and name != "set":
        return _read_call(_only_argument(left), name, entry_point, _constant_items(right), "set")
    return _read_call(left, name, entry_point, constant(right), "equal")


def _constant_items(node: ast.expr) -> list[Any]:
    """Return the items of `set(constant)` or of a set display; raises _NotUnderstoodError or NotConstantError."""
    items = constant(_only_argument(node) if _called_name(node) == "set" else node)
    if not isinstance(items, list | tuple | set) or (_called_name(node) != "set" and not isinstance(items, set)):
        raise _NotUnderstoodError("a set compared with something else")
    return list(items)


def _read_isclose(node: ast.expr, name: str, entry_point: str) -> Case:
    """Return the case of `math.isclose(call, constant, rel_tol=..., abs_tol=...)`, either side first."""
    if not isinstance(node, ast.Call) or len(node.args) != 2:
        raise _NotUnderstoodError("not two numbers to compare")
    tolerances = {keyword.arg: constant(keyword.value) for keyword in node.keywords}
    if not set(tolerances) <= {"rel_tol", "abs_tol"} or not all(map(_is_tolerance, tolerances.values())):
        raise _NotUnderstoodError("tolerances that are none")
    call, number = node.args if _contains_call(node.args[0], name) else reversed(node.args)
    expected = constant(number)
    if not is_number(expected):
        raise _NotUnderstoodError("closeness to something that is no number")
    case = _read_call(call, name, entry_point, expected, "isclose", float(tolerances.get("abs_tol", 0.0)))
    return replace(case, relative_tolerance=float(tolerances.get("rel_tol", 1e-9)))


def _is_tolerance(value: Any) -> bool:
    """Whether a value is a number that is not negative."""
    return is_number(value) and value >= 0


def _read_distance(distance: ast.expr, tolerance: Any, name: str, entry_point: str) -> Case:
    """Return the case of `abs(call - constant) < tolerance`."""
    if _called_name(distance) not in ABSOLUTE or not is_number(tolerance):
        raise _NotUnderstoodError("an inequality that is no distance")
    difference = _only_argument(distance)
    if not isinstance(difference, ast.BinOp) or not isinstance(difference.op, ast.Sub):
        raise _NotUnderstoodError("a distance without a difference")
    call, number = difference.left, difference.right
    if not _contains_call(call, name):
        call, number = number, call
    expected = constant(number)
    if not is_number(expected):
        raise _NotUnderstoodError("a distance from something that is no number")
    return _read_call(call, name, entry_point, expected, "close", float(tolerance))


def _read_call(
    node: ast.expr, name: str, entry_point: str, expected: Any, relation: Relation, tolerance: float = 0.0
) -> Case:
    """Return the case of a plain call of the entry point with constant arguments."""
    if not isinstance(node, ast.Call) or _called_name(node) != name:
        raise _NotUnderstoodError("not a plain call of the entry point")
    args = [constant(argument) for argument in node.args]
    if any(keyword.arg is None for keyword in node.keywords):
        raise _NotUnderstoodError("unpacked keyword arguments")
    kwargs = {keyword.arg: constant(keyword.value) for keyword in node.keywords if keyword.arg}
    return _call_case(entry_point, args, kwargs, expected, relation, tolerance)


def _call_case(
    entry_point: str,
    args: Any,
    kwargs: dict[str, Any],
    expected: Any,
    relation: Relation = "equal",
    tolerance: float = 0.0,
    in_json: bool = False,
) -> Case:
    """Return a case; raises NotAValueError for an argument or expected value of a type we cannot carry."""
    for value in (*args, *kwargs.values(), expected):
        canonical(encode(value))
    call = Call(
        entry_point=entry_point,
        args=tuple(encode(value) for value in args),
        kwargs={key: encode(value) for key, value in kwargs.items()},
    )
    return Case(call, expected, relation, tolerance, in_json=in_json)


def _contains_call(node: ast.expr, name: str) -> bool:
    """Whether the entry point is called anywhere in an expression."""
    return any(isinstance(part, ast.Call) and _called_name(part) == name for part in ast.walk(node))


def _called_name(node: ast.AST) -> str | None:
    """Return the name that a call calls, dotted ones too; None for anything else."""
    if not isinstance(node, ast.Call):
        return None
    return ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else None


def _only_argument(node: ast.expr) -> ast.expr:
    """Return the one argument of a call; raises _NotUnderstoodError when there is not exactly one."""
    if not isinstance(node, ast.Call) or len(node.args) != 1 or node.keywords:
        raise _NotUnderstoodError("not one argument")
    return node.args[0]


def _is_singleton(node: ast.expr) -> bool:
    """Whether an expression is None, True or False."""
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))
