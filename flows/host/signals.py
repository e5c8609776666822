"""Signals: the first SIGINT, SIGTERM or SIGHUP asks a command to stop, the second ends it at once.

Ctrl-C sends SIGINT; Slurm, Kubernetes, Docker and systemd send SIGTERM, a terminal that is closed SIGHUP. Only commands
and flows handle them, and only in the main thread: a program that calls the library keeps its own handlers.
"""

import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

from cotfactory.schemas.errors import RunInterrupted

if TYPE_CHECKING:  # the command line imports this module before it knows whether it needs an event loop
    import asyncio

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DRAIN_S = 25.0
"""How long a run waits for what is in flight: Kubernetes and Slurm leave 30 s between SIGTERM and SIGKILL."""
SHOW_CURSOR = b"\x1b[?25h"
T = TypeVar("T")


class StopSignals:
    """Whether a command was asked to stop, and who in it is to be told."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._told: list[tuple[asyncio.AbstractEventLoop, Callable[[], object]]] = []

    @property
    def exit_code(self) -> int:
        """What a shell reports of a process that the signal ended: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + (self.received or signal.SIGINT)

    def interruption(self) -> RunInterrupted:
        """Return the error that ends what was asked to stop."""
        name = (self.received or signal.SIGINT).name
        return RunInterrupted(name, self.exit_code)

    @contextmanager
    def handled(self) -> Iterator["StopSignals"]:
        """Handle the signals while this is open, in the main thread; one that is ignored (`nohup`) stays ignored."""
        before = {}
        if threading.current_thread() is threading.main_thread():
            for number in HANDLED:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    before[number] = signal.signal(number, self._receive)
        token = _handling.set(self)
        try:
            yield self
        finally:
            _handling.reset(token)
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def telling(self, tell: Callable[[], object]) -> Iterator[None]:
        """While this is open, have the running event loop call `tell` at the first signal, and nobody else."""
        import asyncio

        self._told.append((asyncio.get_running_loop(), tell))
        try:
            yield
        finally:
            self._told.pop()

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self.received is not None:
            if number != signal.SIGHUP:  # systemd sends it right after SIGTERM, a shell once more than its terminal
                _end_at_once(number)
            return
        self.received = signal.Signals(number)
        if not self._told:
            raise KeyboardInterrupt
        loop, _tell = self._told[-1]
        loop.call_soon_threadsafe(self._tell_innermost)

    def _tell_innermost(self) -> None:
        if self._told:
            self._told[-1][1]()


_handling: ContextVar[StopSignals | None] = ContextVar("_handling", default=None)


async def stoppable(work: Awaitable[T]) -> T:
    """Await `work`, which the first signal cancels unless it is `drained`. Raises RunInterrupted after that."""
    import asyncio

    task = asyncio.current_task()
    assert task is not None
    # Handled once more by a flow inside a command: Prefect has put a handler of its own in place of ours.
    with (_handling.get() or StopSignals()).handled() as signals, signals.telling(task.cancel):
        try:
            return await work
        except asyncio.CancelledError:
            if signals.received is None:
                raise
            raise signals.interruption() from None


@contextmanager
def drained(drain: Callable[[RunInterrupted], None]) -> Iterator[None]:
    """While this is open, the first signal calls `drain` instead of cancelling: whoever opened it ends by itself."""
    signals = _handling.get()
    if signals is None:
        yield
        return
    with signals.telling(lambda: drain(signals.interruption())):
        yield


def _end_at_once(number: int) -> None:
    """End this process as kill -9 would: the journals hold what was bought, and the next run seals them."""
    if sys.stderr is not None and sys.stderr.isatty():
        os.write(2, SHOW_CURSOR)
    os.write(2, b"\ncotfactory: ended at once; what was bought is in the ledger, run again to go on\n")
    os._exit(128 + number)
