"""Test strength: how many small mutants of the reference solution a problem's tests reject.

Each mutant differs in one place: an operator, a comparison, a constant that is off by one, a negated condition, a
returned None, a removed statement. The solution is parsed and never run on this side. Some mutants are equal to the
solution in all they do, so that even perfect tests seldom kill every one: the share compares problems with each
other, it is no grade.
"""

import ast
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from cotfactory.graders.code.compare import NotAValueError
from cotfactory.graders.code.convert import BadTestsError
from cotfactory.graders.code.grade_code import HasSandbox, plan_problem
from cotfactory.graders.code.program import ExtractedProgram, extract_program
from cotfactory.graders.code.run_plan import run_plan
from cotfactory.schemas.errors import SandboxError
from cotfactory.schemas.manifest import StrengthOfTests
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.syntax_tree import syntax_tree

MOST_MUTANTS = 24
"""For a long solution as many as this, drawn evenly over its length."""
TIMEOUT_S = 1.0
"""A mutant that loops for ever is killed by the clock; waiting long for it would tell nothing more."""

Change = tuple[ast.AST, str, object]
"""A node, the name of one of its fields, and another value for it."""

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


def test_strength(problem: Problem, tools: HasSandbox) -> tuple[int, int]:
    """Return how many mutants of the problem's solution its tests killed, and how many were made.

    (0, 0) where there is nothing to mutate: no solution, or one that is not Python. Raises SandboxError, and
    BadTestsError for tests that test nothing.
    """
    if tools.sandbox is None:
        raise SandboxError("no sandbox was opened", "open one to measure the strength of tests")
    plan = plan_problem(problem)
    solution, *mutants = (
        extract_program(f"```python\n{program}\n```", problem.question, plan.entry_point)
        for program in (problem.solution or "", *mutants_of(problem.solution or ""))
    )
    is_quick = run_plan(plan, solution, tools.sandbox, timeout_s=TIMEOUT_S).verdict == "correct"
    timeout_s = TIMEOUT_S if is_quick else None
    killed = sum(run_plan(plan, mutant, tools.sandbox, timeout_s=timeout_s).verdict != "correct" for mutant in mutants)
    return killed, len(mutants)


def strength_of_tests(problems: Sequence[Problem], tools: HasSandbox) -> StrengthOfTests | None:
    """Return the test strength of code problems over all of them; None where there is nothing to mutate.

    Raises SandboxError.
    """
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        counted = [
            (noticed, made) for noticed, made in threads.map(lambda problem: test_strength(problem, tools), problems)
        ]
    counted = [share for share in counted if share[1]]
    if not counted:
        return None
    shares = Counter(min(4, max(0, -(-5 * noticed // made) - 1)) for noticed, made in counted)
    return StrengthOfTests(
        problems=len(counted),
        mutants=sum(made for _, made in counted),
        noticed=sum(noticed for noticed, _ in counted),
        fifths=(shares[0], shares[1], shares[2], shares[3], shares[4]),
    )


def empty_program_passes(problem: Problem, tools: HasSandbox) -> bool:
    """Whether the tests accept a program that does nothing: then they test nothing, whatever else passes them.

    False where that cannot be told: bad tests, no sandbox. Raises SandboxError.
    """
    try:
        plan = plan_problem(problem)
        name = plan.entry_point
        program = f"def {name}(*args, **kwargs):\n    return None\n" if name else "pass\n"
        finding = run_plan(plan, ExtractedProgram("empty_program", program, program), tools.sandbox)
    except (BadTestsError, NotAValueError):
        return False
    return finding.verdict == "correct"


def mutants_of(program: str) -> list[str]:
    """Return up to MOST_MUTANTS different programs, each with one small change."""
    try:
        tree = syntax_tree(program)
        changes = [change for node in ast.walk(tree) for change in _changes_of(node)]
        step = max(1.0, len(changes) / MOST_MUTANTS)
        drawn = [changes[int(place * step)] for place in range(min(len(changes), MOST_MUTANTS))]
        made = dict.fromkeys(_mutated(tree, *change) for change in drawn)
        made.pop(ast.unparse(tree), None)
        return list(made)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _mutated(tree: ast.Module, node: ast.AST, name: str, value: object) -> str:
    """Return the program with another value in one field of one node; the tree stays as it was."""
    kept = getattr(node, name)
    setattr(node, name, value)
    text = ast.unparse(tree)
    setattr(node, name, kept)
    return text


def _changes_of(node: ast.AST) -> Iterator[Change]:
    """Yield what can be done to one node: which field gets which value."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in OPERATORS:
        yield node, "op", OPERATORS[type(node.op)]()
    elif isinstance(node, ast.BoolOp):
        yield node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.Compare):
        yield node, "ops", [COMPARISONS[type(node.ops[0])](), *node.ops[1:]]
    elif isinstance(node, ast.If | ast.While | ast.IfExp):
        yield node, "test", ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.Return) and node.value is not None:
        yield node, "value", ast.Constant(None)
    elif isinstance(node, ast.Constant):
        yield from _changes_of_constant(node)
    for name in ("body", "orelse"):
        statements = getattr(node, name, None)
        if isinstance(statements, list):
            yield from _removals(node, name, statements)


def _changes_of_constant(node: ast.Constant) -> Iterator[Change]:
    """Yield a flipped truth value, a number one more and one less; texts are left alone: most are docstrings."""
    if isinstance(node.value, bool):
        yield node, "value", not node.value
    elif isinstance(node.value, int | float):
        yield node, "value", node.value + 1
        yield node, "value", node.value - 1


def _removals(node: ast.AST, name: str, statements: list[ast.stmt]) -> Iterator[Change]:
    """Yield the removal of each statement that can be missing without making the program nonsense."""
    for place, statement in enumerate(statements):
        is_call = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
        if is_call or isinstance(statement, ast.AugAssign | ast.Continue | ast.Break):
            yield node, name, [*statements[:place], ast.Pass(), *statements[place + 1 :]]
