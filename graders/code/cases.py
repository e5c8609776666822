"""Case: one way to run a program and what must come of it. The second half never leaves the host."""

from dataclasses import dataclass, field
from typing import Literal

from cotfactory.graders.sandbox.execution import Call, Stdio

Relation = Literal["equal", "close", "isclose", "truthy", "falsy", "sequence", "set", "stdout"]
"""How a result is held against `expected`: equal by type and value; less than `tolerance` away from a number; the same
as `math.isclose` says; true or false as a condition; equal as a sequence, list or tuple; the same items in any order
and number; printed lines."""


@dataclass(frozen=True)
class Case:
    """One input and its expected result.

    `in_json` is for expectations written as JSON, which has no tuple to write. `tolerance` is absolute and
    belongs to `close` and `isclose`, `relative_tolerance` to `isclose` alone.
    """

    way: Call | Stdio
    expected: object
    relation: Relation = "equal"
    tolerance: float = 0.0
    relative_tolerance: float = 0.0
    in_json: bool = False


@dataclass(frozen=True)
class TestPlan:
    """What to run for a problem's tests: cases judged here, and a checker that must run beside the program.

    `checker` is None when every test became a case; else the whole test code, and the grade is `weak`.
    """

    cases: tuple[Case, ...] = field(default=())
    checker: str | None = None
    entry_point: str | None = None
