"""Grade chains at once where that takes no waiting, else in batches on threads while the event loop goes on asking."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import Problem

Pair = tuple[Problem, Candidate]
GradePromptly = Callable[[Problem, Candidate], Grade | None]
GradeBatch = Callable[[Sequence[Pair]], list[Grade]]
BATCH = 64
WORKERS = 4


class GradingQueue:
    """A prompt grader, and a bounded queue in front of a batch grader for what it returns None for.

    An async context manager. When grading lags, the queue is full and `grade` waits, and so does whoever asks for more
    chains. What is graded promptly costs less than a thread: one that computes takes the interpreter away from the
    event loop for 5 ms at every system call.
    """

    def __init__(self, grade_promptly: GradePromptly, grade_batch: GradeBatch) -> None:
        self._grade_promptly = grade_promptly
        self._grade_batch = grade_batch
        self._queue: asyncio.Queue[tuple[Pair, asyncio.Future[Grade]]] = asyncio.Queue(maxsize=4 * BATCH)
        self._workers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._workers = [asyncio.create_task(self._worker()) for _ in range(WORKERS)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def grade(self, problem: Problem, candidate: Candidate) -> Grade:
        """Return the grade of one chain, at once or when a batch with it has been graded."""
        prompt = self._grade_promptly(problem, candidate)
        if prompt is not None:
            return prompt
        answer: asyncio.Future[Grade] = asyncio.get_running_loop().create_future()
        await self._queue.put(((problem, candidate), answer))
        return await answer

    async def _worker(self) -> None:
        while True:
            work = [await self._queue.get()]
            while len(work) < BATCH and not self._queue.empty():
                work.append(self._queue.get_nowait())
            try:
                grades = await asyncio.to_thread(self._grade_batch, [pair for pair, _ in work])
            except Exception as error:
                for _, answer in work:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_, answer), grade in zip(work, grades, strict=True):
                if not answer.done():
                    answer.set_result(grade)
