"""Draining: a run that is told to stop sends nothing more and waits, for some seconds, for what is in flight."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from cotfactory.flows.ask.asked_teacher import AskedTeacher
from cotfactory.flows.progress import Progress
from cotfactory.generators.teacher.deadline import Deadlines
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import RunInterrupted


class Drain:
    """How the teachers of a round are brought to their end after a signal; made inside the running loop.

    What has not arrived after `longest_s` is given up: it may have been billed, and is counted as lost in flight.
    """

    def __init__(self, teachers: Sequence[AskedTeacher], progress: Progress, longest_s: float) -> None:
        self._teachers, self._progress, self._longest_s = teachers, progress, longest_s
        self._begun = asyncio.Event()
        self.reason: RunInterrupted | None = None

    def begin(self, reason: RunInterrupted) -> None:
        """Have nothing more sent."""
        self.reason = reason
        for teacher in self._teachers:
            teacher.stop.reason = reason
        in_flight = counted(self._in_flight(), "answer")
        self._progress.note(
            f"{reason.signal_name}: nothing more is asked; what is in flight is waited for ({in_flight}), "
            f"at most {self._longest_s:g} s (a second signal ends at once)"
        )
        self._begun.set()

    async def over(self) -> None:
        """Wait until it has begun and everything in flight has been written down, or the time for that is up."""
        await self._begun.wait()
        with suppress(TimeoutError), Deadlines().after(self._longest_s):
            for teacher in self._teachers:
                await teacher.in_flight.none_left()

    def tell(self) -> None:
        """Say what became of what was in flight, once it is over or everybody has ended before it was."""
        left = self._in_flight()
        self._progress.note(
            f"given up: {counted(left, 'request')}" if left else "everything in flight was written down"
        )

    def _in_flight(self) -> int:
        return sum(teacher.in_flight.count for teacher in self._teachers)
