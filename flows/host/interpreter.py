"""Set Python up for a run that asks: few garbage collections, and threads that do not hold the event loop up."""

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

OBJECTS_BETWEEN, YOUNG_BETWEEN, OLD_BETWEEN = 300_000, 10, 10
SWITCH_S = 0.0002
T = TypeVar("T")
_interrupted: ContextVar[threading.Event | None] = ContextVar("_interrupted", default=None)


@contextmanager
def tuned_for_asking() -> Iterator[None]:
    """Collect seldom, leave out what is loaded by now, and switch threads often, for as long as the context is open.

    With a thousand requests in flight the collector's defaults (700, 10, 10) take a third of all CPU time, and 50,000
    still a tenth: each time the loop stands still for 50 ms, to find that 20,000 requests have left nothing behind that
    reference counts did not free. And after every system call the event loop waits for a thread that computes to give
    the interpreter back, which takes Python's 5 ms by default: while a shard is sealed that would let 50 chains a
    second through.

    What is loaded stays as it is where the program around us has left it out already: that can be taken back for all
    objects only.
    """
    thresholds, switch_s = gc.get_threshold(), sys.getswitchinterval()
    freezes = gc.get_freeze_count() == 0
    if freezes:
        gc.collect()
        gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN, YOUNG_BETWEEN, OLD_BETWEEN)
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(switch_s)
        gc.set_threshold(*thresholds)
        if freezes:
            gc.unfreeze()


class InterruptedWork(Exception):
    """The work of a thread was given up, because whoever waited for it was interrupted."""


async def in_thread(work: Callable[[], T]) -> T:
    """Run `work` on a thread and return what it returns.

    An interruption waits for the end of the work, for nothing can stop a thread from outside; long work asks
    `give_up_if_interrupted` now and then.
    """
    interrupted = threading.Event()

    def watched() -> T:
        _interrupted.set(interrupted)  # in the thread's own copy of the context
        return work()

    working = asyncio.ensure_future(asyncio.to_thread(watched))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        interrupted.set()
        await asyncio.wait([working])
        working.exception()  # looked at: it was InterruptedWork, or comes too late
        raise


def give_up_if_interrupted() -> None:
    """Raise InterruptedWork on a thread of `in_thread` that nobody waits for any more; elsewhere do nothing."""
    interrupted = _interrupted.get()
    if interrupted is not None and interrupted.is_set():
        raise InterruptedWork
