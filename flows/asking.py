"""Buy what a round lacks: shard after shard of each teacher, a few at a time, each journalled, graded and sealed."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack

from cotfactory.flows.assignments import Asker, PlannedShard, Round, Shard
from cotfactory.flows.batches import shards_to_open
from cotfactory.flows.grading_desk import GradingDesk
from cotfactory.flows.interpreter import in_thread, tuned_for_asking
from cotfactory.flows.run_record import Run
from cotfactory.flows.shard import Desk, ShardOutcome, run_shard
from cotfactory.flows.stage_runner import StageRunner
from cotfactory.flows.teachers import open_desk
from cotfactory.generators.limits import Wallet
from cotfactory.graders.grade import grade_batch, grade_promptly
from cotfactory.graders.grader import Tools
from cotfactory.schemas.errors import AlarmRaised, CotfactoryError
from cotfactory.schemas.problem import Problem
from cotfactory.warehouse.ledger import Journal, JournalHeader
from cotfactory.warehouse.seal import seal_own_journal, write_grades
from cotfactory.warehouse.wanted import spent_before

SHARDS_PER_TEACHER = 4
"""At most (of batches for each that it takes to fill one): a shard that waits for its last answers does not keep the
next one from being opened."""


async def ask(run: Run, problems: Sequence[Problem], tools: Tools, runner: StageRunner, asked: Round) -> None:
    """Buy and grade what a round lacks, one stage a shard, a few shards at a time so that none waits for a tail.

    All teachers that are needed have answered a first, free question before any of them is asked for anything.
    """
    wallet = Wallet(run.recipe.budget, *spent_before(run.workspace, run.recipe.name))
    async with AsyncExitStack() as stack:
        grading = await stack.enter_async_context(
            GradingDesk(
                lambda problem, candidate: grade_promptly(problem, candidate, tools),
                lambda pairs: grade_batch(pairs, tools),
            )
        )
        desks: list[tuple[Desk, Asker, Iterator[PlannedShard]]] = []
        for asker in asked.askers:
            planning = asked.shards(asker)
            if (first := await _next_shard(planning)) is not None:
                desk = await stack.enter_async_context(open_desk(asker, problems, wallet, grading, run))
                desks.append((desk, asker, itertools.chain([first], planning)))
        if not desks:
            return
        stack.enter_context(tuned_for_asking())
        with run.progress.stage(f"{asked.verb} and grade", asked.left()):
            everybody = [desk for desk, _, _ in desks]
            asking = [
                asyncio.create_task(_ask_teacher(run, runner, asked.verb, asker, planning, desk, everybody))
                for desk, asker, planning in desks
            ]
            try:
                while asking:
                    await _first_done(asking, everybody)
            finally:
                await _end(asking)
            for desk in everybody:
                if isinstance(desk.stop.reason, AlarmRaised):
                    raise desk.stop.reason  # by the last answers, when nobody was left to be stopped by it


async def _ask_teacher(
    run: Run,
    runner: StageRunner,
    verb: str,
    asker: Asker,
    planning: Iterator[PlannedShard],
    desk: Desk,
    everybody: Sequence[Desk],
) -> None:
    """Buy what is missing of one teacher, opening its next shard while the last ones still wait for their slowest.

    When that fails, `everybody` is stopped.
    """
    running: list[asyncio.Task[None]] = []
    recipe = run.recipe
    most = SHARDS_PER_TEACHER * shards_to_open(asker.spec, asker.attempts, recipe.shard_problems)
    try:
        while (planned := await _next_shard(planning)) is not None:
            room = asyncio.create_task(desk.room.wait())
            try:
                while not room.done() or len(running) >= most:
                    await _first_done(running, everybody, room)
            finally:
                room.cancel()
            desk.room.opened(len(planned.shard.assignments))
            running.append(asyncio.create_task(_ask_shard(run, runner, verb, planned, desk)))
        while running:
            await _first_done(running, everybody)
    finally:
        await _end(running)


async def _next_shard(planning: Iterator[PlannedShard]) -> PlannedShard | None:
    """Plan one more shard, on a thread: chains may have to be read for it, while others go on asking."""
    return await in_thread(lambda: next(planning, None))


async def _ask_shard(run: Run, runner: StageRunner, verb: str, planned: PlannedShard, desk: Desk) -> None:
    name = f"{verb} {planned.shard.asker.spec.name} from problem {planned.shard.first}"
    await runner.run(name, shard_stage(run, planned, desk))


async def _first_done(
    running: list[asyncio.Task[None]], desks: Sequence[Desk], room: asyncio.Task[None] | None = None
) -> None:
    """Wait until a task is done and take it out, or until there is room.

    When one fails, the others are told to stop, have sealed what is in flight, and then the error is raised.
    """
    waited = [*running, room] if room is not None and not room.done() else running
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    failed = [error for task in running if task.done() and (error := task.exception()) is not None]
    if failed:
        for desk in desks:
            if desk.stop.reason is None and isinstance(failed[0], CotfactoryError):
                desk.stop.reason = failed[0]
        await asyncio.wait(running)
        raise failed[0]
    running[:] = [task for task in running if not task.done()]


async def _end(running: Sequence[asyncio.Task[None]]) -> None:
    """Cancel what an interrupted run leaves behind, and wait until it has sealed what it bought."""
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def shard_stage(run: Run, planned: PlannedShard, desk: Desk) -> Callable[[], Awaitable[None]]:
    """Return the coroutine function that produces one shard, and may be called again after a retryable error.

    A second call first asks the tables what the first one bought, so nothing is bought twice.
    """
    tries = itertools.count(1)

    async def produce() -> None:
        attempt = next(tries)
        current = planned.shard
        if attempt > 1:
            # A neighbour that was stopped along with this shard knows it, and is tried again in its turn.
            desk.stop.reason, desk.stop.failures_in_a_row = None, 0
            current = planned.again()
        await _produce(run, current, desk, f"{planned.shard.name}-{attempt}")

    return produce


async def _produce(run: Run, shard: Shard, desk: Desk, name: str) -> None:
    header = JournalHeader(recipe=run.recipe.name, run_id=run.run_id, shard=name)
    journal = Journal(run.workspace.ledger, header)
    outcome = ShardOutcome(run.bought)
    try:
        await run_shard(shard, desk, journal, outcome)
    finally:
        journal.close()
        # On threads, while the other shards go on asking.
        sealed = await in_thread(lambda: seal_own_journal(run.workspace, journal.path))
        run.bought.lost_in_flight += sealed.lost_in_flight  # none, unless the shard was interrupted
        await in_thread(lambda: write_grades(run.workspace, f"{run.run_id}-{name}", outcome.grades))
    if outcome.stopped_by is not None:
        raise outcome.stopped_by
