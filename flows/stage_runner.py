"""StageRunner: how the stages of a build are run, plainly here, or as Prefect tasks (`flows/prefect_build.py`)."""

import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from cotfactory.flows.end_state import EndState
from cotfactory.flows.host.interpreter import in_thread
from cotfactory.flows.host.run_log import place_in_run
from cotfactory.flows.summary import RunSummary

logger = logging.getLogger(__name__)
T = TypeVar("T")
Stage = Callable[[], Awaitable[T]]


class StageRunner(Protocol):
    """How stages are run: plainly, or as Prefect tasks."""

    async def run(self, name: str, stage: Stage[T]) -> T:
        """Run one stage and return what it returns; a retryable error may have it run again."""
        ...

    async def show(self, summary: RunSummary, ended: EndState, contract: str) -> None:
        """Show how a run ended, its funnel and its contracts' outcome (Markdown, or nothing) where the runner's users
        look; never raises for it."""
        ...


class DirectStages:
    """Runs every stage once, as it is."""

    async def run(self, name: str, stage: Stage[T]) -> T:
        """Run one stage."""
        with logged(name):
            return await stage()

    async def show(self, summary: RunSummary, ended: EndState, contract: str) -> None:
        """Show nothing: the terminal has it already."""


@contextmanager
def logged(name: str) -> Iterator[None]:
    """Write to the run's log that the stage inside began, how it ended and how long it took."""
    with place_in_run(stage=name):
        started = time.monotonic()
        logger.info("stage begins")
        try:
            yield
        except BaseException as error:
            told = f"{type(error).__name__}: {error}"
            logger.warning("stage failed", extra={"error": told, "seconds": round(time.monotonic() - started, 3)})
            raise
        logger.info("stage done", extra={"seconds": round(time.monotonic() - started, 3)})


def on_thread(work: Callable[[], T]) -> Stage[T]:
    """Return a stage that does `work` on a thread."""

    async def stage() -> T:
        return await in_thread(work)  # the workspace is locked until it ends

    return stage
