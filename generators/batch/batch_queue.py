"""Requests that wait for their batch: gathered until it is full or nobody joins it any more."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from cotfactory.generators.batch.batch_api import ASKED_AT
from cotfactory.generators.teacher.teacher import Request, chat_body
from cotfactory.schemas.teacher_spec import TeacherSpec

MOST_BYTES = 200_000_000
"""Of one file of requests: the endpoint's own limit."""
MOST_PAUSES = 64
MOST_JOININGS = 20
"""A batch that somebody joins again and again, yet never fills, is sent after so many pauses."""


class BatchLine(NamedTuple):
    """One request as it stands in the file."""

    request_id: str
    text: bytes


class BatchQueue:
    """The lines that are in no batch yet; a batch holds `most` of them, and fewer while the endpoint has no room."""

    def __init__(self, most: int, pause_s: float) -> None:
        self._most, self._pause_s = most, pause_s
        self._lines: deque[BatchLine] = deque()
        self._bytes = 0
        self._joined = asyncio.Event()
        self._not_before = 0.0
        self._refusals = 0
        self.largest = most

    def join(self, lines: Iterable[BatchLine]) -> None:
        """Put lines at the end."""
        for line in lines:
            self._lines.append(line)
            self._bytes += len(line.text)
        self._joined.set()

    async def next(self, is_wanted: Callable[[str], bool]) -> list[BatchLine]:
        """Wait for the next batch and return it, without requests that are not wanted any more."""
        while True:
            while not self._lines:
                self._joined.clear()
                await self._joined.wait()
            await self._gathered()
            await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
            if lines := self._cut(is_wanted):
                return lines

    def had_no_room(self, lines: int) -> None:
        """Note that the endpoint would not take so many now: the next batch is half as large, and waits longer."""
        self.largest = max(1, min(self.largest, lines // 2))
        self._not_before = time.monotonic() + self._pause_s * min(2**self._refusals, MOST_PAUSES)
        self._refusals += 1

    def had_room(self) -> None:
        """Note that a batch went through: the next one may be twice as large."""
        self._refusals = 0
        self.largest = min(self._most, 2 * self.largest)

    async def _gathered(self) -> None:
        """Wait until a batch is full, or nobody has joined it for a pause."""
        until = time.monotonic() + MOST_JOININGS * self._pause_s
        while len(self._lines) < self.largest and self._bytes < MOST_BYTES and time.monotonic() < until:
            self._joined.clear()
            try:
                await asyncio.wait_for(self._joined.wait(), self._pause_s)
            except TimeoutError:
                return

    def _cut(self, is_wanted: Callable[[str], bool]) -> list[BatchLine]:
        batch: list[BatchLine] = []
        size = 0
        while self._lines and len(batch) < self.largest:
            if batch and size + len(self._lines[0].text) > MOST_BYTES:
                break
            line = self._lines.popleft()
            self._bytes -= len(line.text)
            if is_wanted(line.request_id):
                batch.append(line)
                size += len(line.text)
        return batch


def batch_line(spec: TeacherSpec, request: Request) -> BatchLine:
    """Return the line that asks for one sample."""
    line = {
        "custom_id": request.request_id,
        "method": "POST",
        "url": ASKED_AT,
        "body": chat_body(spec, request),
    }
    text = json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return BatchLine(request.request_id, text + b"\n")
