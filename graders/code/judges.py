"""Judges: by each relation, whether an output is what a case expects; all of it on the host."""

from collections.abc import Callable
from dataclasses import replace

from cotfactory.graders.code.cases import Case
from cotfactory.graders.code.compare import (
    NotAValueError,
    close,
    is_close,
    is_true,
    same,
    same_items,
    same_sequence,
)
from cotfactory.graders.code.judged_values import RaisedError, changed_argument, judged_same, same_floats
from cotfactory.graders.code.printed_text import EXACTLY, same_text
from cotfactory.graders.sandbox.execution import Call
from cotfactory.schemas.judging import CallJudge, StdioJudge


def judge(case: Case, output: bytes) -> str | None:
    """Return why the output is not what the case expects, or None when it is."""
    try:
        is_right = any(
            JUDGES[case.relation](replace(case, expected=expected), output)
            for expected in (case.expected, *case.accepted)
        )
        return None if is_right else "wrong_result"
    except RaisedError:
        return "raised"
    except NotAValueError:
        return "not_a_value"


def _same_value(case: Case, output: bytes) -> bool:
    """Judge a returned value, or where the problem says so what became of an argument."""
    if not isinstance(case.judge, CallJudge):
        return same(case.expected, output, case.in_json) or (case.in_json and same_floats(case.expected, output))
    if case.judge.argument is None:
        return judged_same(case.expected, output, case.judge)
    given = case.way.args if isinstance(case.way, Call) else ()
    return judged_same(case.expected, changed_argument(given, output, case.judge.argument), case.judge)


def _same_print(case: Case, output: bytes) -> bool:
    """Judge what was printed."""
    return same_text(str(case.expected), output, case.judge if isinstance(case.judge, StdioJudge) else EXACTLY)


JUDGES: dict[str, Callable[[Case, bytes], bool]] = {
    "equal": _same_value,
    "close": lambda case, output: close(case.expected, output, case.tolerance),  # type: ignore[arg-type]
    "isclose": lambda case, output: is_close(case.expected, output, case.relative_tolerance, case.tolerance),  # type: ignore[arg-type]
    "set": lambda case, output: same_items(case.expected, output),  # type: ignore[arg-type]
    "truthy": lambda case, output: is_true(output),
    "falsy": lambda case, output: not is_true(output),
    "sequence": lambda case, output: same_sequence(case.expected, output),  # type: ignore[arg-type]
    "stdout": _same_print,
}
