"""Admission: how many completions may be in flight. Who comes beyond that is told to come again, and waits outside."""

from collections.abc import Iterator
from contextlib import contextmanager

from cotfactory.rewards.refusal import BUSY_S, Refusal

MOST_IN_FLIGHT = 4096
"""Completions that are being graded or wait for it: a second of math on one core."""
MOST_IN_BATCH = 1024
"""Completions of one request; a trainer's batch is cut into several."""


class Admission:
    """Counts what is in flight. There is no queue: a queue that grows is a time-out that everybody shares."""

    def __init__(self, most: int = MOST_IN_FLIGHT) -> None:
        self.most = most
        self.in_flight = 0

    @contextmanager
    def admitted(self, completions: int) -> Iterator[None]:
        """Hold places for a request's completions. Raises Refusal: 413 for too large a batch, 429 when it is full."""
        if completions > MOST_IN_BATCH:
            raise Refusal(413, f"{completions} completions in one request: expected at most {MOST_IN_BATCH}")
        if self.in_flight and self.in_flight + completions > self.most:
            raise Refusal(429, f"{self.in_flight} completions are in flight, of {self.most} at most", BUSY_S)
        self.in_flight += completions
        try:
            yield
        finally:
            self.in_flight -= completions
