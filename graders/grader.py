"""Tools: what a grader may call that is not a pure function - killable algebra workers and the sandbox.

The process that forks algebra workers takes seconds and 90 MB to import sympy. Who answers in time has it started in
the background when tools are opened; a run, which can wait, when the first comparison needs it: most need none. Until
then `grade` answers in time all the same: `ungraded / unserved`, a fact about us. Nothing sound ends there:
`grade_batch` and `self_test` wait until workers can be had, and ask once more for what got none.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cotfactory.graders.worker_pool import Algebra, WorkerPool
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import Problem

if TYPE_CHECKING:
    from cotfactory.graders.custom_grader import CustomGrading
    from cotfactory.graders.sandbox.execution import Sandbox


ITEM_S = 2.0
"""Within this any answer is graded, however hostile, on a cold or busy machine too."""

ALGEBRA_ITEM_S = 1.5
"""Of that, the wall clock that all symbolic comparisons of one answer have together, every wait included."""

ALGEBRA_TIMEOUT_S = 1.2
"""What one comparison has, in CPU time."""

ALGEBRA_WORKERS = 16
"""More than most machines have cores: bombs that arrive together are late together, and none waits for another."""


@dataclass(frozen=True)
class Tools:
    """The pool for symbolic comparisons, the sandbox for programs, and the user's own grader, where there are any."""

    algebra: Algebra
    sandbox: "Sandbox | None"
    custom: "CustomGrading | None" = None

    def asking(self, algebra: Algebra) -> "Tools":
        """Return the same tools with another pool; made for each chain, so not by `dataclasses.replace`."""
        return Tools(algebra, self.sandbox, self.custom)


GradeFunction = Callable[[Problem, Candidate, Tools], Grade]
"""A grader: it never raises for what a model wrote, and says `ungraded` where it cannot judge."""


@contextmanager
def open_tools(
    sandbox: "Sandbox | None" = None, custom: "CustomGrading | None" = None, *, warms_up: bool = True
) -> Iterator[Tools]:
    """Yield tools and stop every worker at the end.

    The process that forks workers gets ready in the background, or, without `warms_up`, when a comparison needs it. The
    sandbox and the user's own grader belong to the caller, who opens and closes them.
    """
    pool = WorkerPool("cotfactory.graders.math.algebra:answer", size=ALGEBRA_WORKERS, timeout_s=ALGEBRA_TIMEOUT_S)
    if warms_up:
        pool.warm_up()
    try:
        yield Tools(algebra=pool, sandbox=sandbox, custom=custom)
    finally:
        pool.close()


def rest(tools: Tools) -> None:
    """End the processes that wait for work, where nobody grades for a while: 90 MB. The next comparison starts them."""
    if isinstance(tools.algebra, WorkerPool):
        tools.algebra.rest()
