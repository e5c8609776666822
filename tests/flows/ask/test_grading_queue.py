"""What can be graded at once is; the rest waits its turn in batches, and a full session holds up whoever asks."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from cotfactory.flows.ask.grading_queue import BATCH, GradingQueue
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import Problem
from tests.builders import a_candidate, a_grade, a_problem

Pairs = Sequence[tuple[Problem, Candidate]]


def grades_of(pairs: Pairs) -> list[Grade]:
    return [a_grade(candidate_id=candidate.candidate_id) for _, candidate in pairs]


def test_prompt_grades_need_no_batch() -> None:
    batches: list[int] = []

    def promptly(_: Problem, candidate: Candidate) -> Grade | None:
        return None if candidate.candidate_id == "slow" else a_grade(candidate_id=candidate.candidate_id)

    def batch(pairs: Pairs) -> list[Grade]:
        batches.append(len(pairs))
        return grades_of(pairs)

    async def run() -> list[str]:
        async with GradingQueue(promptly, batch) as session:
            asked = [session.grade(a_problem(), a_candidate(candidate_id=name)) for name in ("a", "slow", "b")]
            return [grade.candidate_id for grade in await asyncio.gather(*asked)]

    assert asyncio.run(run()) == ["a", "slow", "b"]
    assert batches == [1]


def test_a_desk_that_lags_holds_up_whoever_asks() -> None:
    """Nothing is dropped, and no more than the queue and what the clerks hold has been taken in."""
    release = threading.Event()

    def batch(pairs: Pairs) -> list[Grade]:
        release.wait(60)
        return grades_of(pairs)

    async def run() -> tuple[int, int]:
        async with GradingQueue(lambda *_: None, batch) as session:
            candidates = [a_candidate(candidate_id=str(number)) for number in range(20 * BATCH)]
            asked = [asyncio.create_task(session.grade(a_problem(), candidate)) for candidate in candidates]
            for _ in range(20):
                await asyncio.sleep(0)
            taken = session._queue.qsize()
            release.set()
            return taken, len({grade.candidate_id for grade in await asyncio.gather(*asked)})

    assert asyncio.run(run()) == (4 * BATCH, 20 * BATCH)


def test_a_grader_that_raises_tells_those_who_wait() -> None:
    def batch(pairs: Pairs) -> list[Grade]:
        raise RuntimeError("broken")

    async def run() -> None:
        async with GradingQueue(lambda *_: None, batch) as session:
            with pytest.raises(RuntimeError, match="broken"):
                await session.grade(a_problem(), a_candidate())

    asyncio.run(run())
