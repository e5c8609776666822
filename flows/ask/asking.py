"""Buy what a round lacks: shard after shard of each teacher, a few at a time, each journalled, graded and sealed."""

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from cotfactory.flows.ask.asked_teacher import AskedTeacher
from cotfactory.flows.ask.assignments import AskingRound, PlannedShard
from cotfactory.flows.ask.batches import shards_to_open
from cotfactory.flows.ask.draining import Drain
from cotfactory.flows.ask.executor import InProcess, ShardExecutor
from cotfactory.flows.ask.grading_queue import GradingQueue
from cotfactory.flows.ask.shard import ShardOutcome
from cotfactory.flows.host.grading_tools import grading_terms
from cotfactory.flows.host.interpreter import in_thread, tuned_for_asking
from cotfactory.flows.host.run_log import place_in_run
from cotfactory.flows.host.signals import drained
from cotfactory.flows.job import Job
from cotfactory.flows.run_record import Run
from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.generators.teacher.budget import RunBudget
from cotfactory.graders.grading import grade_batch, grade_promptly
from cotfactory.schemas.errors import AlarmRaised, CotfactoryError, RunInterrupted, TeacherError
from cotfactory.schemas.spending import Spending
from cotfactory.warehouse.books import all_books, note_budget
from cotfactory.warehouse.ledger import JournalHeader, journal_path
from cotfactory.warehouse.rejected import note_rejected
from cotfactory.warehouse.seal import seal_own_journal, write_grades

OTHERS_TOLD = 5
SHARDS_PER_TEACHER = 4
"""At most (of batches for each that it takes to fill one): a shard that waits for its last answers does not keep the
next one from being opened."""


async def ask(job: Job, asked: AskingRound, beside: Callable[[], None] | None = None) -> None:
    """Buy and grade what a round lacks, one stage a shard, a few shards at a time so that none waits for a tail.

    All teachers that are needed have answered a first, free question before any of them is asked for anything. What is
    to be done `beside`, where anything is asked, has a thread of its own. Raises RunInterrupted after a signal, once
    what was in flight is written down.
    """
    run = job.run
    run_budget = _opened_budget(run)
    async with AsyncExitStack() as stack:
        grading = await stack.enter_async_context(
            GradingQueue(
                lambda problem, candidate: grade_promptly(problem, candidate, job.tools),
                lambda pairs: grade_batch(pairs, job.tools),
            )
        )
        wanted: list[tuple[TeacherPlan, Iterator[PlannedShard]]] = []
        for plan in asked.plans:
            planning = asked.shards(plan)
            if (first := await _next_shard(planning)) is not None:
                wanted.append((plan, itertools.chain([first], planning)))
        if not wanted:
            return
        executor = await stack.enter_async_context(_executor(job, run_budget, grading))
        everybody = [await stack.enter_async_context(executor.opened(plan)) for plan, _ in wanted]
        stack.enter_context(tuned_for_asking())
        if beside is not None:
            threading.Thread(target=beside).start()
        with run.progress.stage(f"{asked.verb} and grade", asked.left()):
            asking = [
                _ask_teacher(job, asked.verb, plan, planning, teacher, everybody, executor)
                for teacher, (plan, planning) in zip(everybody, wanted, strict=True)
            ]
            await _until_drained(_ask_teachers(asking, everybody), Drain(everybody, run.progress, run.drain_s))
            for teacher in everybody:
                if isinstance(teacher.stop.reason, AlarmRaised):
                    raise teacher.stop.reason  # by the last answers, when nobody was left to be stopped by it
            _raise_if_nobody_answered(everybody)


@asynccontextmanager
async def _executor(job: Job, run_budget: RunBudget, grading: GradingQueue) -> AsyncIterator[ShardExecutor]:
    """Yield where the shards are asked."""
    if job.nodes is None:
        yield InProcess(job, run_budget, grading)
        return
    from cotfactory.flows.nodes.executor import OnNodes
    from cotfactory.flows.nodes.messages import NodeTerms

    runs_programs = job.tools.sandbox is not None
    grading_there = await in_thread(lambda: grading_terms(job.run.recipe, runs_programs=runs_programs))
    terms = NodeTerms(job.run.run_id, run_budget.limits, grading_there)
    async with (
        job.nodes.asking(terms) as nodes,
        OnNodes(job, run_budget, grading, nodes) as executor,
    ):
        yield executor


def _raise_if_nobody_answered(everybody: Sequence[AskedTeacher]) -> None:
    """Raise the first error of a round in which nothing was answered: there is no other reason why all is missing."""
    errors = [teacher.stop.answered_nothing() for teacher in everybody]
    if errors and None not in errors:
        raise next(error for error in errors if error is not None)


def _opened_budget(run: Run) -> RunBudget:
    """Return what is left to spend; a budget that starts anew beside others is told."""
    note_budget(run.workspace, run.recipe.name, run.recipe.budget_id)
    books = run.books()
    if books.is_empty and run.recipe.is_budgeted and (others := all_books(run.workspace)):
        run.progress.note(
            f"budget {books.budget!r} is new in this workspace, in which was spent before: "
            + "; ".join(one.text() for one in others[:OTHERS_TOLD])
            + ". To go on with one of them, as after renaming a recipe, say so: `budget: {id: NAME}`"
        )
    return RunBudget(
        run.recipe.budget, books.spent_usd, books.spent_tokens, books.unconfirmed_usd, books.unconfirmed_tokens
    )


async def _until_drained(asking: Coroutine[Any, Any, None], drain: Drain) -> None:
    """Await `asking`, or no longer than a drain lasts: who waits for a turn or for another try is not waited for."""
    with drained(drain.begin):
        waited = [asyncio.create_task(asking), asyncio.create_task(drain.over())]
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if drain.reason is not None:
                drain.tell()
        finally:
            await _end(waited)
    failed = None if waited[0].cancelled() else waited[0].exception()
    if drain.reason is not None and (failed is None or isinstance(failed, TeacherError)):
        raise drain.reason
    if failed is not None:
        raise failed


async def _ask_teachers(asking: Sequence[Coroutine[Any, Any, None]], everybody: Sequence[AskedTeacher]) -> None:
    running = [asyncio.create_task(teacher) for teacher in asking]
    try:
        while running:
            await _first_done(running, [], everybody)
    finally:
        await _end(running)


async def _ask_teacher(
    job: Job,
    verb: str,
    plan: TeacherPlan,
    planning: Iterator[PlannedShard],
    teacher: AskedTeacher,
    everybody: Sequence[AskedTeacher],
    executor: ShardExecutor,
) -> None:
    """Buy what is missing of one teacher, opening its next shard while the last ones still wait for their slowest.

    When the teacher fails, it alone is stopped; for any other reason `everybody` is.
    """
    running: list[asyncio.Task[None]] = []
    most = (
        SHARDS_PER_TEACHER * shards_to_open(plan.spec, plan.attempts, job.run.recipe.shard_problems) * executor.places
    )
    try:
        while (planned := await _next_shard(planning)) is not None:
            has_room = asyncio.create_task(teacher.back_pressure.wait())
            try:
                while not has_room.done() or len(running) >= most:
                    await _first_done(running, [teacher], everybody, has_room)
            finally:
                has_room.cancel()
            teacher.back_pressure.opened(planned.shard.prompts)
            name = f"{verb} {plan.spec.name} from problem {planned.shard.first}"
            asking = job.runner.run(name, shard_stage(job.run, planned, teacher, executor))
            running.append(asyncio.create_task(asking))
        while running:
            await _first_done(running, [teacher], everybody)
    finally:
        await _end(running)


async def _next_shard(planning: Iterator[PlannedShard]) -> PlannedShard | None:
    """Plan one more shard, on a thread: chains may have to be read for it, while others go on asking."""
    return await in_thread(lambda: next(planning, None))


async def _first_done(
    running: list[asyncio.Task[None]],
    own: Sequence[AskedTeacher],
    everybody: Sequence[AskedTeacher],
    has_room: asyncio.Task[None] | None = None,
) -> None:
    """Wait until a task is done and take it out, or until there is room.

    When one fails, those that its error concerns are told to stop: the teacher's `own` where the teacher
    failed, `everybody` otherwise. When all others are done, or have sealed what is in flight, the error is raised.
    """
    waited = [*running, has_room] if has_room is not None and not has_room.done() else running
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    failed = [error for task in running if task.done() and (error := task.exception()) is not None]
    if failed:
        for teacher in own if isinstance(failed[0], TeacherError) else everybody:
            if teacher.stop.reason is None and isinstance(failed[0], CotfactoryError):
                teacher.stop.reason = failed[0]
        if isinstance(failed[0], TeacherError) and len(everybody) > 1 and own:
            own[0].progress.note(f"teacher {own[0].spec.name!r} is stopped, the others go on: {failed[0]}")
        await asyncio.wait(running)
        raise failed[0]
    running[:] = [task for task in running if not task.done()]


async def _end(running: Sequence[asyncio.Task[None]]) -> None:
    """Cancel what an interrupted run leaves behind, and wait until it has sealed what it bought."""
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def shard_stage(
    run: Run, planned: PlannedShard, teacher: AskedTeacher, executor: ShardExecutor
) -> Callable[[], Awaitable[None]]:
    """Return the coroutine function that produces one shard, and may be called again after a retryable error.

    A second call first asks the tables what the first one bought, so nothing is bought twice. So does a shard whose
    node was lost, which is asked on another one at once.
    """
    tries = itertools.count(1)

    async def produce() -> None:
        try:
            while await attempted(next(tries)):
                pass
        finally:
            teacher.back_pressure.decided(planned.shard.prompts)  # whoever left some undecided has gone

    async def attempted(attempt: int) -> bool:
        """Ask the shard, and return whether its node was lost, so that what is left is to be asked once more."""
        shard = planned.shard
        if attempt > 1:
            if isinstance(teacher.stop.reason, RunInterrupted):
                raise teacher.stop.reason
            # A neighbour that was stopped along with this shard knows it, and is tried again in its turn.
            teacher.stop.try_again()
            shard = planned.again()
            if not shard.assignments:
                return False
        header = JournalHeader(recipe=run.recipe.name, run_id=run.run_id, shard=f"{shard.name}-{attempt}")
        outcome = ShardOutcome()
        try:
            with place_in_run(shard=header.shard):
                await executor.produce(shard, header, outcome, again=attempt > 1)
        finally:
            await _seal(run, header, outcome)
            if rejected := teacher.stop.take_rejected():
                await in_thread(lambda: note_rejected(run.workspace, teacher.spec.name, rejected))
            run.first_error = run.first_error or teacher.stop.first_error
        if outcome.is_lost and teacher.stop.reason is not None:
            raise teacher.stop.reason
        if outcome.stopped_by is not None:
            raise outcome.stopped_by
        return outcome.is_lost

    return produce


async def _seal(run: Run, header: JournalHeader, outcome: ShardOutcome) -> None:
    """Make tables of a shard's journal and grades, on threads while the other shards go on asking."""
    run.bought += outcome.bought
    journal = journal_path(run.workspace.ledger, header)
    if journal.exists():  # it could not be opened, where it does not
        sealed = await in_thread(lambda: seal_own_journal(run.workspace, journal))
        # In flight was nothing, unless the shard was interrupted.
        run.bought += Spending(lost_in_flight=sealed.lost_in_flight, unconfirmed_usd=sealed.unconfirmed_usd)
    await in_thread(lambda: write_grades(run.workspace, f"{run.run_id}-{header.shard}", outcome.grades))
