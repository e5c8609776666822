"""A deadline that tells a slow endpoint from a process that was stopped itself: by Ctrl-Z, `docker pause`, a scheduler.

While a process stands still its clocks go on. When it goes on, all deadlines are past, and the answers that came
meanwhile lie unread in their sockets: aiohttp's and asyncio's own time-outs would throw them away first.
"""

import asyncio
from types import TracebackType

import aiohttp

LATE_S = 0.25
"""A timer that fires so much after its time was held up: the process stood still, or the loop was busy."""
GRACE_S = 5.0
"""How long what has arrived may take to be read then."""


class Deadline:
    """A context that ends what runs in it after `total_s`, or when nothing was `heard` for `silence_s`.

    Raises TimeoutError for the former, aiohttp's SocketTimeoutError, which is one, for the latter.
    """

    def __init__(self, total_s: float, silence_s: float | None = None) -> None:
        self._total_s, self._silence_s = total_s, silence_s
        self._error: TimeoutError | None = None

    def __enter__(self) -> "Deadline":
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelled_before = task, task.cancelling()
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self._ends_at = self._heard_at + self._total_s
        self._wait_until(self._next())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._error is None or self._task.uncancel() > self._cancelled_before:
            return  # in time, or somebody else cancels the task too
        if isinstance(error, asyncio.CancelledError):
            raise self._error from error

    def heard(self) -> None:
        """Note that something has come."""
        self._heard_at = self._loop.time()

    def _next(self) -> float:
        """Return when time is up, should nothing be heard until then."""
        return self._ends_at if self._silence_s is None else min(self._ends_at, self._heard_at + self._silence_s)

    def _wait_until(self, when: float) -> None:
        self._when = when
        self._timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        if now - self._when > LATE_S:
            self._wait_until(now + GRACE_S)
        elif self._next() > now:
            self._wait_until(self._next())
        else:
            is_silence = self._next() < self._ends_at
            self._error = aiohttp.SocketTimeoutError() if is_silence else TimeoutError()
            self._task.cancel()
