"""Open what grading needs: algebra workers, and the sandbox only where there are programs to run."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cotfactory.flows.host.known_images import refuse_another_image
from cotfactory.flows.settings import sandbox_image, sandbox_runtime
from cotfactory.graders.custom_grader import CustomGrading
from cotfactory.graders.grader import Tools, open_tools
from cotfactory.schemas.code import Code
from cotfactory.schemas.errors import SandboxError
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Recipe

if TYPE_CHECKING:
    from cotfactory.graders.sandbox.execution import Sandbox


@dataclass(frozen=True)
class GradingTerms:
    """What another process needs to grade for a recipe.

    `image` is the digest of the sandbox image that programs are run in, within the bounds of `code`; None where none
    are run. `grader` is the user's own.
    """

    image: str | None
    code: Code
    packages: tuple[str, ...]
    grader: str | None


def grading_terms(recipe: Recipe, *, runs_programs: bool) -> GradingTerms:
    """Return what others need to grade as this machine does. Raises SandboxError."""
    from cotfactory.graders.sandbox.image import digest_of

    image = digest_of(sandbox_image()) if runs_programs else None
    return GradingTerms(image, recipe.code, tuple(recipe.sandbox.packages), recipe.grader)


@contextmanager
def opened_grading(terms: GradingTerms) -> Iterator[Tools]:
    """Yield the graders' tools on a node.

    Raises as `open_grading`, and SandboxError for another image.
    """
    from cotfactory.graders.sandbox.image import digest_of

    if terms.image is not None and (here := digest_of(sandbox_image())) != terms.image:
        raise SandboxError(
            f"The sandbox image {sandbox_image()!r} is {here} on this machine: expected {terms.image}, as at the head",
            "have the same image on all machines: docker save IMAGE | ssh MACHINE docker load",
        )
    has_programs = terms.image is not None
    with open_grading((), terms.grader, terms.code, packages=terms.packages, has_tool=has_programs) as tools:
        yield tools


@contextmanager
def open_grading(
    problems: Sequence[Problem],
    grader: str | None = None,
    code: Code = Code(),  # noqa: B008 - frozen
    *,
    packages: Sequence[str] = (),
    has_tool: bool = False,
    warms_up: bool = False,
) -> Iterator[Tools]:
    """Yield the graders' tools; Docker is touched only when some problem is graded by running programs.

    Or when a teacher has a tool (`has_tool`), whose calls are run in the same sandbox. `grader` (`FILE.py:FUNCTION`) is
    the user's own, which then grades all of them; `code` bounds what programs may take, and `packages` is what they may
    import beside what the image has. With `warms_up` algebra workers get ready before they are needed. Raises
    SandboxError when the engine, the image or a package is not there, GraderError for a grader that cannot be used,
    before anything is asked.
    """
    with ExitStack() as stack:
        sandbox = custom = None
        if grader is not None:
            custom = stack.enter_context(closing(CustomGrading(grader)))
        if has_tool or (grader is None and any(problem.runs_programs for problem in problems)):
            sandbox = stack.enter_context(configured_sandbox(code, packages))
        yield stack.enter_context(open_tools(sandbox, custom, warms_up=warms_up))


def configured_sandbox(
    code: Code = Code(),  # noqa: B008 - frozen
    packages: Sequence[str] = (),
) -> "AbstractContextManager[Sandbox]":
    """Open the sandbox whose image and runtime the environment names, within these bounds. Raises SandboxError.

    With `packages` it is that image with them on top, which is built where it is not there. A tag that names another
    image than the one that was built here is refused.
    """
    from cotfactory.graders.sandbox.execution import ExecutionLimits
    from cotfactory.graders.sandbox.image import digest_of
    from cotfactory.graders.sandbox.packages import image_with_packages
    from cotfactory.graders.sandbox.pool import open_sandbox

    limits = ExecutionLimits(
        longest_s=code.max_time_s, largest_mb=code.max_memory_mb, longest_output_bytes=code.max_output_mb << 20
    )
    image = sandbox_image()
    refuse_another_image(image, digest_of(image))
    if packages:
        image = image_with_packages(image, packages)
    return open_sandbox(image, limits=limits, runtime=sandbox_runtime())
