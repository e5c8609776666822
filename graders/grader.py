"""Tools: what a grader may call that is not a pure function - killable algebra workers and the sandbox."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graders.worker_pool import WorkerPool
from schemas.candidate import Candidate
from schemas.grade import Grade
from schemas.problem import Problem

if TYPE_CHECKING:
    from graders.sandbox.execution import Sandbox


@dataclass(frozen=True)
class Tools:
    """The pool for symbolic comparisons, and the sandbox when programs are graded too."""

    algebra: WorkerPool
    sandbox: "Sandbox | None"


GradeFunction = Callable[[Problem, Candidate, Tools], Grade]
"""A grader: it never raises for what a model wrote, and says `ungraded` where it cannot judge."""


@contextmanager
def open_tools(sandbox: "Sandbox | None" = None) -> Iterator[Tools]:
    """Yield tools and stop every worker at the end. No process starts before the first symbolic comparison.

    The sandbox belongs to the caller, who opens and closes it.
    """
    pool = WorkerPool("graders.math.algebra:answer")
    try:
        yield Tools(algebra=pool, sandbox=sandbox)
    finally:
        pool.close()
