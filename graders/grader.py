"""Tools: what a grader may call that is not a pure function - killable algebra workers and the sandbox."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graders.worker_pool import Algebra, WorkerPool
from schemas.candidate import Candidate
from schemas.grade import Grade
from schemas.problem import Problem

if TYPE_CHECKING:
    from graders.sandbox.execution import Sandbox


ALGEBRA_TIMEOUT_S = 1.2
"""One symbolic comparison; an answer gets at most one that is late, so that any answer is graded within 2 s."""

ALGEBRA_WORKERS = 16
"""More than most machines have cores: bombs that arrive together are late together, and none waits for another."""


@dataclass(frozen=True)
class Tools:
    """The pool for symbolic comparisons, and the sandbox when programs are graded too."""

    algebra: Algebra
    sandbox: "Sandbox | None"


GradeFunction = Callable[[Problem, Candidate, Tools], Grade]
"""A grader: it never raises for what a model wrote, and says `ungraded` where it cannot judge."""


@contextmanager
def open_tools(sandbox: "Sandbox | None" = None) -> Iterator[Tools]:
    """Yield tools and stop every worker at the end. The process that forks workers gets ready in the background.

    The sandbox belongs to the caller, who opens and closes it.
    """
    pool = WorkerPool("graders.math.algebra:answer", size=ALGEBRA_WORKERS, timeout_s=ALGEBRA_TIMEOUT_S)
    pool.warm_up()
    try:
        yield Tools(algebra=pool, sandbox=sandbox)
    finally:
        pool.close()
