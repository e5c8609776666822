"""Grade rollouts in time: at once where that takes no waiting, else on threads, within two seconds, asked once more."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from cotfactory.graders.grader import Tools
from cotfactory.graders.grading import grade, grade_promptly, ungraded
from cotfactory.graders.math.expression_answers import UNSERVED
from cotfactory.graders.worker_pool import WorkerPool
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import Problem

Pair = tuple[Problem, Candidate]
ALGEBRA_S = 1.4
"""How long algebra may take, since it was received, what is asked once more included.

A client waits two seconds; the rest is for the queues before and behind it, and for the disk.
"""
RETRY_UNTIL_S = 1.9
"""A program that is ungraded is run once more if it was so before then."""
SHORTEST_TRY_S = 0.1
ALGEBRA_THREADS = 64
"""They wait for a worker, and hold nothing up meanwhile."""
PROGRAM_THREADS = 16
PROGRAMS_S = 45.0
"""How long the verdict on a program is waited for: where the engine is away there is none, and clients wait 60 s."""
LONG_CHARACTERS = 100_000
"""Beyond this a chain is graded on a thread: it would keep everybody else waiting."""
TURN = 16
"""After so many grades at once others on the event loop have their turn."""


class PromptGrading:
    """Grades rollouts of many requests at the same time; a context manager.

    Each waits for itself alone: a bomb is late, or ungraded, and nobody beside it.
    """

    def __init__(self, tools: Tools, programs_s: float = PROGRAMS_S) -> None:
        self._tools, self._programs_s = tools, programs_s
        self._algebra = ThreadPoolExecutor(ALGEBRA_THREADS, "algebra")
        self._programs = ThreadPoolExecutor(PROGRAM_THREADS, "programs")
        self._is_ready = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for threads in (self._algebra, self._programs):
            threads.shutdown(wait=False, cancel_futures=True)

    async def grade_all(self, pairs: Sequence[Pair]) -> list[Grade]:
        """Return the grades, in the order given. What could not be found out is `ungraded`, never an error."""
        received = time.monotonic()
        loop = asyncio.get_running_loop()
        grades: dict[int, Grade] = {}
        waiting: dict[int, Awaitable[Grade]] = {}
        for place, pair in enumerate(pairs):
            prompt = self._at_once(pair)
            if prompt is not None:
                grades[place] = prompt
            elif pair[0].runs_programs or pair[0].grader is not None:
                running = loop.run_in_executor(self._programs, self._program, pair, received)
                waiting[place] = asyncio.ensure_future(self._waited_for(running, pair))
            else:
                waiting[place] = loop.run_in_executor(self._algebra, self._in_time, pair, received)
            if place % TURN == TURN - 1:
                await asyncio.sleep(0)
        late = await asyncio.gather(*waiting.values())
        grades.update(zip(waiting, late, strict=True))
        return [grades[place] for place in range(len(pairs))]

    async def _waited_for(self, running: asyncio.Future[Grade], pair: Pair) -> Grade:
        await asyncio.wait([running], timeout=self._programs_s)
        if running.done():
            return running.result()
        running.cancel()  # one that runs already ends by itself
        return ungraded(*pair, UNSERVED, f"no verdict on its program within {self._programs_s:g} s")

    def _at_once(self, pair: Pair) -> Grade | None:
        return None if is_long(pair[1]) else grade_promptly(*pair, self._tools)

    def _in_time(self, pair: Pair, received: float) -> Grade:
        """Grade with what is left of the item's time, waits for this thread included."""
        if not self._is_ready and isinstance(self._tools.algebra, WorkerPool):
            # Once, when the server has just started: the first answers are late rather than masked.
            self._is_ready = self._tools.algebra.wait_until_ready()
            received = time.monotonic()
        ends_at = received + ALGEBRA_S
        found = grade(*pair, self._tools, max(0.0, ends_at - time.monotonic()))
        left_s = ends_at - time.monotonic()
        return grade(*pair, self._tools, left_s) if found.verdict == "ungraded" and left_s > SHORTEST_TRY_S else found

    def _program(self, pair: Pair, received: float) -> Grade:
        found = grade(*pair, self._tools)
        is_early = time.monotonic() < received + RETRY_UNTIL_S
        return grade(*pair, self._tools) if found.verdict == "ungraded" and is_early else found


def is_long(candidate: Candidate) -> bool:
    """Whether a chain is so long that everybody else would wait while it is looked at."""
    return len(candidate.response) + len(candidate.reasoning or "") > LONG_CHARACTERS
