"""StageRunner: how the stages of a build are run, plainly here, or as Prefect tasks (`flows/prefect_build.py`)."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from cotfactory.flows.host.interpreter import in_thread
from cotfactory.flows.summary import RunSummary

T = TypeVar("T")
Stage = Callable[[], Awaitable[T]]


class StageRunner(Protocol):
    """How stages are run: plainly, or as Prefect tasks."""

    async def run(self, name: str, stage: Stage[T]) -> T:
        """Run one stage and return what it returns; a retryable error may have it run again."""
        ...

    async def show(self, summary: RunSummary, contract: str) -> None:
        """Show the funnel and the contracts' outcome (Markdown) where the runner's users look."""
        ...


class DirectStages:
    """Runs every stage once, as it is."""

    async def run(self, name: str, stage: Stage[T]) -> T:
        """Run one stage."""
        return await stage()

    async def show(self, summary: RunSummary, contract: str) -> None:
        """Show nothing: the terminal has it already."""


def on_thread(work: Callable[[], T]) -> Stage[T]:
    """Return a stage that does `work` on a thread."""

    async def stage() -> T:
        return await in_thread(work)  # the workspace is locked until it ends

    return stage
