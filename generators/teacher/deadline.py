"""Deadlines that tell a slow endpoint from a process that was stopped itself: by Ctrl-Z, `docker pause`, a scheduler.

While a process stands still its clocks go on. When it goes on, all deadlines are past, and the answers that came
meanwhile lie unread in their sockets: aiohttp's and asyncio's own time-outs would throw them away first.
"""

import asyncio
import math
from types import TracebackType

import aiohttp

LATE_S = 0.25
"""A timer that fires so much after its time was held up: the process stood still, or the loop was busy."""
GRACE_S = 5.0
"""How long what has arrived may take to be read then."""


class Deadlines:
    """The deadlines of one loop's requests, under one timer: one each would cost a tenth of what a request does."""

    def __init__(self) -> None:
        self._open: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._when = math.inf

    def after(self, total_s: float, silence_s: float | None = None) -> "Deadline":
        """Return a context that ends what runs in it after `total_s`, or when nothing was `heard` for `silence_s`.

        It raises TimeoutError for the former, aiohttp's SocketTimeoutError, which is one, for the latter.
        """
        return Deadline(self, total_s, silence_s)

    def begun(self, deadline: "Deadline") -> None:
        """Look after a deadline."""
        self._open.add(deadline)
        self._look_at(deadline.next())

    def over(self, deadline: "Deadline") -> None:
        """Forget a deadline. The timer may look once for nothing: the next ones are later than it, as a rule."""
        self._open.discard(deadline)

    def _look_at(self, when: float) -> None:
        if when < self._when:
            if self._timer is not None:
                self._timer.cancel()
            self._when, self._timer = when, asyncio.get_running_loop().call_at(when, self._look)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        is_late = now - self._when > LATE_S
        self._when, self._timer = math.inf, None
        for deadline in self._open:
            if deadline.next() <= now:
                if is_late:
                    deadline.wait_until(now + GRACE_S)
                else:
                    deadline.miss()
        self._look_at(min((deadline.next() for deadline in self._open), default=math.inf))


class Deadline:
    """One deadline, as a context around what it is to end; `Deadlines.after` makes it."""

    def __init__(self, deadlines: Deadlines, total_s: float, silence_s: float | None) -> None:
        self._deadlines, self._total_s, self._silence_s = deadlines, total_s, silence_s
        self._not_before = -math.inf
        self._error: TimeoutError | None = None

    def __enter__(self) -> "Deadline":
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelled_before = task, task.cancelling()
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self._ends_at = self._heard_at + self._total_s
        self._deadlines.begun(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._deadlines.over(self)
        if self._error is None or self._task.uncancel() > self._cancelled_before:
            return  # in time, or somebody else cancels the task too
        if isinstance(error, asyncio.CancelledError):
            raise self._error from error

    def heard(self) -> None:
        """Note that something has come."""
        self._heard_at = self._loop.time()

    def next(self) -> float:
        """Return when time is up, should nothing be heard until then; never once it was missed."""
        return math.inf if self._error is not None else max(min(self._ends_at, self._silent_at()), self._not_before)

    def wait_until(self, when: float) -> None:
        """Have it be missed no sooner than then."""
        self._not_before = when

    def miss(self) -> None:
        """End what runs in it: its time is up."""
        self._error = aiohttp.SocketTimeoutError() if self._silent_at() < self._ends_at else TimeoutError()
        self._task.cancel()

    def _silent_at(self) -> float:
        return math.inf if self._silence_s is None else self._heard_at + self._silence_s
