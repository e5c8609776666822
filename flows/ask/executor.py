"""ShardExecutor: where the shards of a round are asked and graded; the one that does it in this process."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from cotfactory.flows.ask.asked_teacher import AskedTeacher
from cotfactory.flows.ask.assignments import Shard
from cotfactory.flows.ask.grading_queue import GradingQueue
from cotfactory.flows.ask.shard import ShardOutcome, TeacherSession, run_shard
from cotfactory.flows.ask.teachers import open_session
from cotfactory.flows.job import Job
from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.generators.teacher.budget import RunBudget
from cotfactory.warehouse.ledger import Journal, JournalHeader


class ShardExecutor(Protocol):
    """Where the shards of a round are asked.

    Whoever plans, seals and counts does not know where that is: it finds what was bought in the workspace's ledger.
    """

    @property
    def places(self) -> int:
        """In how many processes shards are asked."""
        ...

    def opened(self, plan: TeacherPlan) -> AbstractAsyncContextManager[AskedTeacher]:
        """Open one teacher of the round.

        Raises a TeacherError before anything is bought when the endpoint is down, refuses the key or is no API.
        """
        ...

    async def produce(self, shard: Shard, header: JournalHeader, outcome: ShardOutcome, *, again: bool) -> None:
        """Buy and grade what a shard of an opened teacher still wants; fill in what came of it. `again`: after a try
        that failed.

        However this ends, the journal of this header is closed, and what it holds is all that counts.
        """
        ...


class InProcess:
    """Asks in this process, and grades what takes a wait on its threads."""

    places = 1

    def __init__(self, job: Job, run_budget: RunBudget, grading: GradingQueue) -> None:
        self._job, self._run_budget, self._grading = job, run_budget, grading
        self._sessions: dict[str, TeacherSession] = {}

    @asynccontextmanager
    async def opened(self, plan: TeacherPlan) -> AsyncIterator[AskedTeacher]:
        """Open the teacher's endpoint, after its server if that is ours."""
        job = self._job
        async with open_session(
            plan, job.problems, self._run_budget, self._grading, job.run, job.tools.sandbox
        ) as session:
            self._sessions[plan.spec.name] = session
            yield session

    async def produce(self, shard: Shard, header: JournalHeader, outcome: ShardOutcome, *, again: bool) -> None:
        """Run the shard on this event loop."""
        journal = Journal(self._job.run.workspace.ledger, header)
        try:
            await run_shard(shard.assignments, self._sessions[shard.plan.spec.name], journal, outcome)
        finally:
            journal.close()
