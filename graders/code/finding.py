"""ProgramFinding: a verdict on a program before it becomes a grade, and why an execution counts as failed."""

from dataclasses import dataclass

from cotfactory.graders.sandbox.execution import ExecutionResult
from cotfactory.graders.sandbox.values import MISSING_LANGUAGE, MISSING_MODULE, NO_ENTRY_POINT
from cotfactory.schemas.grade import Verdict

MISSING = {MISSING_MODULE: "missing_module", MISSING_LANGUAGE: "missing_language"}


@dataclass(frozen=True)
class ProgramFinding:
    """A verdict before it becomes a grade. `weak` when the tests ran within the program's reach."""

    verdict: Verdict
    reason: str
    detail: str | None = None
    passed: int | None = None
    weak: bool = False


def fault_of(result: ExecutionResult) -> tuple[Verdict, str] | None:
    """Return the verdict and reason of an execution that failed whatever it returned, None when it ended as it should.

    What is no fact about the program is `ungraded`: it got no CPU, it imports what the image does not have, or it was
    stopped at the sandbox's bounds, which are below the limit that its problem sets.
    """
    if result.starved:
        return "ungraded", "starved"
    if result.exit_code in MISSING:
        return "ungraded", MISSING[result.exit_code]
    if result.bounded and (result.timed_out or result.memory_exceeded or result.output_exceeded):
        return "ungraded", "beyond_bounds"
    reason = _own_fault(result)
    return ("incorrect", reason) if reason else None


def _own_fault(result: ExecutionResult) -> str | None:
    if result.timed_out:
        return "timeout"
    if result.memory_exceeded:
        return "memory_limit"
    if result.output_exceeded:
        return "output_limit"
    if result.exit_code < 0:
        return "crashed"
    if result.exit_code == NO_ENTRY_POINT:
        return "no_entry_point"
    return "raised" if result.exit_code else None
