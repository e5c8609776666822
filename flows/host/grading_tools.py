"""Open what grading needs: algebra workers, and the sandbox only where there are programs to run."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from cotfactory.flows.settings import sandbox_image, sandbox_runtime
from cotfactory.graders.custom_grader import CustomGrading
from cotfactory.graders.grader import Tools, open_tools
from cotfactory.schemas.problem import Problem

if TYPE_CHECKING:
    from cotfactory.graders.sandbox.execution import Sandbox


@contextmanager
def open_grading(problems: Sequence[Problem], grader: str | None = None) -> Iterator[Tools]:
    """Yield the graders' tools; Docker is touched only when some problem is graded by running programs.

    `grader` (`FILE.py:FUNCTION`) is the user's own, which then grades all of them. Raises SandboxError when the engine
    or the image is not there, GraderError for a grader that cannot be used, before anything is asked.
    """
    with ExitStack() as stack:
        sandbox = custom = None
        if grader is not None:
            custom = stack.enter_context(closing(CustomGrading(grader)))
        elif any(problem.runs_programs for problem in problems):
            sandbox = stack.enter_context(configured_sandbox())
        yield stack.enter_context(open_tools(sandbox, custom))


def configured_sandbox() -> "AbstractContextManager[Sandbox]":
    """Open the sandbox whose image and runtime the environment names. Raises SandboxError."""
    from cotfactory.graders.sandbox.pool import open_sandbox

    return open_sandbox(sandbox_image(), runtime=sandbox_runtime())
