"""Test code run apart from the program: it asks for calls, the program answers each in a container of its own.

What cannot be taken apart into cases (loops, oracles, unittest and pytest classes) is judged like this without the
program ever being near it. The test code runs beside a stand-in that notes the calls it wants
(`graders.sandbox.tester`); they are made, and it runs again with what they returned, until it passes or fails. Plain
values go between the two and nothing else; test code that needs more of the program is left to `Check`.
"""

import ast
import json
from typing import Any

from cotfactory.graders.code.compare import NotAValueError, canonical
from cotfactory.graders.code.finding import ProgramFinding, fault_of
from cotfactory.graders.code.program_run import ProgramRun, execute
from cotfactory.graders.sandbox.execution import Apart, Call, Execution, ExecutionResult
from cotfactory.schemas.syntax_tree import syntax_tree

MOST_ROUNDS = 40
FIRST_CALLS = 4
"""How many calls are made before the test code sees the first results: a wrong program mostly fails on those."""
GROWTH = 8
PURE_MODULES = frozenset(
    [
        "bisect",
        "cmath",
        "collections",
        "copy",
        "datetime",
        "decimal",
        "fractions",
        "functools",
        "hashlib",
        "heapq",
        "itertools",
        "json",
        "main",
        "math",
        "numpy",
        "operator",
        "program",
        "pytest",
        "random",
        "re",
        "solution",
        "statistics",
        "string",
        "sys",
        "typing",
        "unittest",
        "answer",
        "dataclasses",
        "enum",
    ]
)
REACHING = frozenset(
    [
        "patch",
        "mock",
        "open",
        "input",
        "globals",
        "locals",
        "eval",
        "exec",
        "compile",
        "__import__",
        "redirect_stdout",
        "StringIO",
        "capsys",
        "monkeypatch",
        "stdout",
        "stderr",
        "stdin",
        "settrace",
        "getsource",
    ]
)
"""Names by which test code reaches into the program's own process; apart from it they would do nothing."""


def is_apart(code: str) -> bool:
    """Whether test code does nothing but call and compare, as far as its text tells."""
    for node in ast.walk(syntax_tree(code)):
        modules = [name.name for name in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        named = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else [name]
        if REACHING & set(named) or any(module.partition(".")[0] not in PURE_MODULES for module in modules):
            return False
    return True


def run_tests_apart(tests: Apart, program: ProgramRun) -> ProgramFinding | None:
    """Return the verdict of test code on a program, None where the two cannot be kept apart; raises SandboxError."""
    known: dict[str, Any] = {}
    most = FIRST_CALLS
    for _ in range(MOST_ROUNDS):
        asking = Execution(program="", way=tests.model_copy(update={"known": known}))
        tested = execute(asking, program.sandbox, program.hash_seed)
        if (fault := fault_of(tested)) is not None:
            return ProgramFinding("ungraded", "bad_tests", f"the test code itself: {fault[1]}")
        report = json.loads(tested.output)
        wanted = report["wanted"]
        if not wanted:
            return _verdict(report)
        for asked in wanted[:most]:
            finding = _answer(asked, program, known)
            if finding is None or finding.reason != "answered":
                return finding
        most *= GROWTH
    return None


def _answer(asked: dict[str, Any], program: ProgramRun, known: dict[str, Any]) -> ProgramFinding | None:
    """Make one call and write down what came of it; the finding says `answered`, or why the program failed."""
    call = Call(entry_point=asked["name"], args=tuple(asked["args"]), kwargs=asked["kwargs"], whole=True)
    result = program.run(call)
    if (fault := fault_of(result)) is not None:
        return ProgramFinding(*fault, _said(result), len(known))
    try:
        answer = json.loads(result.output)
        if "raised" in answer:
            checked = {"raised": [str(name) for name in answer["raised"]], "message": str(answer["message"])}
        else:
            canonical(answer["args"])
            if '{"o": ' in json.dumps(answer["value"]):
                return None if set(answer["value"]) == {"o"} and not answer["own"] else _no_value(result, len(known))
            canonical(answer["value"])
            checked = {"value": answer["value"], "args": answer["args"]}
    except (ValueError, LookupError, TypeError, AttributeError, NotAValueError, RecursionError):
        return _no_value(result, len(known))
    known[json.dumps(asked)] = checked
    return ProgramFinding("correct", "answered")


def _no_value(result: ExecutionResult, passed: int) -> ProgramFinding:
    return ProgramFinding("incorrect", "not_a_value", _said(result), passed)


def _said(result: ExecutionResult) -> str:
    return f"exit {result.exit_code}, {result.output[:200].decode('utf-8', 'replace')!r}"


def _verdict(report: dict[str, Any]) -> ProgramFinding | None:
    """Return what the test code, with all results known, says."""
    outcome, detail = report["outcome"], report["detail"]
    if outcome in ("not_apart", "left"):
        return None
    if outcome == "not_a_value":
        return ProgramFinding("incorrect", "not_a_value", detail)
    if outcome == "failed":
        return ProgramFinding("incorrect", "wrong_result" if report["calls"] else "raised", detail)
    if not report["assertions"] or not report["calls"]:
        return ProgramFinding("ungraded", "bad_tests", "the test code ran and asserted nothing about the entry point")
    return ProgramFinding("correct", "passed", None, 1)
