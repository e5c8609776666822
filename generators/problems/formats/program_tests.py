"""Tests of programs as problem files write them, from the pairs of inputs and outputs that benchmarks have."""

import json
import warnings
from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from cotfactory.generators.problems.formats.benchmark_row import ProblemFields
from cotfactory.schemas.syntax_tree import syntax_tree

SOLUTIONS_TRIED = 20
"""Of a list of solutions so many are looked at for one in today's Python."""


def stdio_tests(pairs: Iterable[tuple[str, str]]) -> ProblemFields:
    """Return tests of a whole program, of (standard input, what it must print) each, which is compared by words."""
    return {
        "kind": "stdio",
        "judge": "tokens",
        "cases": [{"stdin": given, "stdout": printed} for given, printed in pairs],
    }


def call_tests(entry_point: str, calls: Iterable[tuple[Sequence[JsonValue], JsonValue]]) -> ProblemFields:
    """Return tests of a function, of (arguments, what it must return) each."""
    cases = [{"args": list(args), "expected": expected} for args, expected in calls]
    return {"kind": "calls", "entry_point": entry_point, "cases": cases}


def unsupported(why: str) -> ProblemFields:
    """Return what stands in place of tests that nothing here can judge; such a problem is dropped and counted."""
    return {"kind": "unsupported", "why": why}


def as_lines(text: str | Sequence[str]) -> str:
    """Return a text that a row may also write as a list of its lines."""
    return text if isinstance(text, str) else "\n".join(text)


def json_of(text: str, what: str) -> JsonValue:
    """Return the value that a text writes as JSON. Raises ValueError, naming `what` it was."""
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} is {text[:60]!r}, expected JSON: {error}") from error
    return value


def first_python(solutions: Iterable[str]) -> str | None:
    """Return the first solution that is Python of today (many sets hold Python 2), or None."""
    return next((code for code in list(solutions)[:SOLUTIONS_TRIED] if is_python(code)), None)


def is_python(code: str) -> bool:
    """Whether a text can be read as Python; it is not run."""
    try:
        with warnings.catch_warnings(action="ignore"):
            syntax_tree(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
