"""LearnedPace: how often an endpoint lets a request through that only says that there are too many."""

import asyncio
import time
from collections import deque

WINDOW_S = 60.0
"""Most limits are of requests a minute; what was answered within one shows how many."""
GROWTH = 1.25
SLOWEST_PER_S = 1 / 30
LOOK_EVERY_S = 1.0


class LearnedPace:
    """Sends one request after the other at the pace at which the last minute's were answered, once `refused` says so.

    Each answer quickens it by a quarter, each refusal sets it back to what was measured; from `fastest` requests a
    second on there is no pace. Ten answers came within a minute, then a refusal: the next request goes out after 6 s;
    answered, the one after it comes after 4.8 s.
    """

    def __init__(self, fastest: float) -> None:
        self._fastest = fastest
        self._answered: deque[float] = deque()
        self._per_second: float | None = None
        self._last_sent = 0.0
        self._turn = asyncio.Lock()

    @property
    def per_minute(self) -> float | None:
        """How many requests a minute it lets through; None as long as there is no pace."""
        return None if self._per_second is None else 60 * self._per_second

    def answered(self) -> None:
        """Note an answer."""
        now = time.monotonic()
        self._answered.append(now)
        while self._answered[0] < now - WINDOW_S:
            self._answered.popleft()
        if self._per_second is not None:
            faster = self._per_second * GROWTH
            self._per_second = faster if faster < self._fastest else None

    def refused(self, in_flight: int) -> None:
        """Note a refusal without a word about when to come back, while others are `in_flight`, and so let through."""
        now = time.monotonic()
        while self._answered and self._answered[0] < now - WINDOW_S:
            self._answered.popleft()
        if self._per_second is None:
            self._last_sent = now
        let_through = len(self._answered) + in_flight
        self._per_second = max(SLOWEST_PER_S, min(let_through / WINDOW_S, self._fastest))

    def forget(self) -> None:
        """Let everybody go who waits for a turn."""
        self._per_second = None

    async def turn(self) -> None:
        """Wait until the next request may go out, those who asked first first."""
        if self._per_second is None:
            return
        async with self._turn:
            while self._per_second is not None:
                wait_s = self._last_sent + 1 / self._per_second - time.monotonic()
                if wait_s <= 0:
                    break
                await asyncio.sleep(min(wait_s, LOOK_EVERY_S))  # the pace may quicken meanwhile
            self._last_sent = time.monotonic()
