"""Case: one way to run a program and what must come of it. The second half never leaves the host."""

from dataclasses import dataclass, field
from typing import Literal

from cotfactory.graders.sandbox.execution import Call, Stdio
from cotfactory.schemas.judging import UNSTATED, CallJudge, Checker, RunTerms, StdioJudge

Relation = Literal["equal", "close", "isclose", "truthy", "falsy", "sequence", "set", "stdout"]
"""How a result is held against `expected`: equal by type and value; less than `tolerance` away from a number; the same
as `math.isclose` says; true or false as a condition; equal as a sequence, list or tuple; the same items in any order
and number; printed lines."""


@dataclass(frozen=True)
class Case:
    """One input and its expected result.

    `in_json` is for expectations written as JSON, which has no tuple to write. `tolerance` is absolute and
    belongs to `close` and `isclose`, `relative_tolerance` to `isclose` alone. What one of `accepted` expects is right
    too; `judge` is the problem's own, where it names one.
    """

    way: Call | Stdio
    expected: object
    relation: Relation = "equal"
    tolerance: float = 0.0
    relative_tolerance: float = 0.0
    in_json: bool = False
    accepted: tuple[object, ...] = ()
    judge: CallJudge | StdioJudge | None = None


@dataclass(frozen=True)
class TestPlan:
    """What to run for a problem's tests: cases judged here, and test code that runs apart from it or beside it.

    `test_code` is None when every test became a case; else the whole of it. `terms` are the problem's language and
    limits, `given` is the code that its question begins the program with. A `checker` says whether an output is
    right.
    """

    cases: tuple[Case, ...] = field(default=())
    test_code: str | None = None
    entry_point: str | None = None
    terms: RunTerms = UNSTATED
    given: str = ""
    checker: Checker | None = None

    @property
    def total(self) -> int:
        """How many cases there are; test code counts as one."""
        return len(self.cases) + (self.test_code is not None)
