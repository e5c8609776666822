"""The order of things: load, recover, check references, grade what is stored, ask, curate, release.

The same order runs plain (`--direct`) and as a Prefect flow: how a stage is run is the StageRunner's affair.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from flows import stages
from flows.batches import collect_batches, has_batches, shards_to_open
from flows.grading_desk import GradingDesk
from flows.interpreter import in_thread, tuned_for_asking
from flows.plan import Asker, PlannedShard, Round, Shard, askers_of, left_to_ask, plan_shard, shards, wanted_samples
from flows.progress import Progress
from flows.rollouts import RolledOut
from flows.run_record import Run, write_run
from flows.shard import Desk
from flows.stages import Flip
from flows.summary import RunSummary
from flows.teachers import open_desk, recorded_counts
from flows.tools import open_grading
from generators.limits import Wallet
from graders.grade import grade_batch, grade_promptly
from graders.grader import Tools, rest
from schemas.errors import AlarmRaised, BudgetReached, ContractFailed, CotfactoryError
from schemas.grade import DropReason
from schemas.problem import Problem
from schemas.recipe import Recipe
from warehouse import freed_memory
from warehouse.catalog import build_catalog
from warehouse.wanted import WantedSamples, spent_before
from warehouse.workspace import exclusive, open_workspace

SHARDS_PER_TEACHER = 4
"""At most (of batches for each that it takes to fill one): a shard that waits for its last answers does not keep the
next one from being opened."""
STATUSES: dict[type[BaseException], str] = {
    BudgetReached: "budget",
    AlarmRaised: "alarm",
    ContractFailed: "contract",
    asyncio.CancelledError: "interrupted",
}
T = TypeVar("T")
Stage = Callable[[], Awaitable[T]]


@dataclass(frozen=True)
class BuildRequest:
    """What is to be built, and where. `limit` takes only the first problems; `version` is the release's, if chosen."""

    recipe: Recipe
    workspace: Path
    limit: int | None = None
    publish: bool = False
    version: str | None = None


class StageRunner(Protocol):
    """How stages are run: plainly, or as Prefect tasks."""

    async def run(self, name: str, stage: Stage[T]) -> T:
        """Run one stage and return what it returns; a retryable error may have it run again."""
        ...

    async def show(self, summary: RunSummary, contract: str) -> None:
        """Show the funnel and the contracts' outcome (Markdown) where the runner's users look."""
        ...


class DirectStages:
    """Runs every stage once, as it is."""

    async def run(self, name: str, stage: Stage[T]) -> T:
        """Run one stage."""
        return await stage()

    async def show(self, summary: RunSummary, contract: str) -> None:
        """Show nothing: the terminal has it already."""


async def build(request: BuildRequest, runner: StageRunner, progress: Progress) -> RunSummary:
    """Run a recipe from its problems to its release and return what was done.

    Resuming is the default: whatever the workspace holds is neither asked nor graded again. When something
    stops the run (budget, contract, endpoint), everything bought is sealed, the run is written down and its
    summary goes with the error.
    """
    async with _opened(request, runner, progress, asks=True) as job:
        try:
            await _ask(job, runner, _samples(job))
        except CotfactoryError:
            # So that what was bought is counted and decided all the same.
            await runner.run("curate", _in_thread(lambda: _curate(job)))
            raise
        await _curate_and_release(job, runner, asks=True)
        if request.publish:
            await runner.run("publish", _in_thread(lambda: stages.publish(job.run)))
    return job.run.summary()


async def release_stored(request: BuildRequest, runner: StageRunner, progress: Progress) -> RunSummary:
    """Curate and release what the workspace holds of a recipe, without asking any teacher."""
    async with _opened(request, runner, progress) as job:
        await _curate_and_release(job, runner)
    return job.run.summary()


async def _curate_and_release(job: "_Job", runner: StageRunner, *, asks: bool = False) -> None:
    run, problems, askers, wanted = job.run, job.problems, job.askers, job.wanted
    rest(job.tools)
    freed_memory.give_back()
    await runner.run("curate", _in_thread(lambda: _curate(job)))
    async with _rolled_out(job, runner) as rolled:
        if rolled is not None:
            await _roll_out(job, runner, rolled, asks=asks)
        watch = _in_thread(lambda: stages.watch_graders(run, problems, wanted, job.tools))
        await runner.run("watch graders", watch)
        rest(job.tools)
        freed_memory.give_back()
        make = _in_thread(lambda: stages.release(run, problems, askers, wanted, job.tools, rolled))
        await runner.run("release", make)


@asynccontextmanager
async def _rolled_out(job: "_Job", runner: StageRunner) -> AsyncIterator[RolledOut | None]:
    """Yield the curated chains whose steps the recipe wants labels for; None without any such wish."""
    run, rule = job.run, job.run.recipe.rollouts
    if rule is None:
        yield None
        return
    arguments = (run.recipe, rule, run.output_name, job.problems, job.askers, job.wanted, run.workspace)
    with await runner.run("choose chains to roll out", _in_thread(lambda: RolledOut(*arguments))) as rolled:
        yield rolled


async def _roll_out(job: "_Job", runner: StageRunner, rolled: RolledOut, *, asks: bool) -> None:
    """Buy the rollouts that are missing, if anything is asked, and grade and count those that are there."""
    run = job.run
    if asks and has_batches(run):
        await runner.run("collect batches of rollouts", lambda: collect_batches(run, rolled.wanted))
    grade = _in_thread(lambda: stages.grade_stored(run, job.problems, rolled.wanted, job.tools, what="rollouts"))
    await runner.run("grade stored rollouts", grade)
    rolled.wanted.snapshot()
    count = _in_thread(lambda: stages.decide_rollouts(run, rolled))
    calls = run.bought.calls
    try:
        if asks:
            await _ask(job, runner, rolled.round())
    except CotfactoryError:
        await runner.run("count rollouts", count)
        raise
    finally:
        run.bought.rollouts += run.bought.calls - calls
    await runner.run("count rollouts", count)


async def regrade_stored(request: BuildRequest, runner: StageRunner, progress: Progress) -> list[Flip]:
    """Grade everything the workspace holds of a recipe again and return the verdicts that flipped."""
    async with _opened(request, runner, progress, regrade=True) as job, _rolled_out(job, runner) as rolled:
        if rolled is None:
            return job.flips
        stage = partial(stages.grade_stored, job.run, job.problems, rolled.wanted, job.tools)
        return job.flips + await in_thread(lambda: stage(everything=True, what="rollouts"))


@dataclass(frozen=True)
class _Job:
    run: Run
    dropped: dict[str, DropReason]
    problems: Sequence[Problem]
    askers: tuple[Asker, ...]
    wanted: WantedSamples
    tools: Tools
    flips: list[Flip]


def _curate(job: _Job) -> None:
    stages.curate(job.run, job.dropped, job.problems, job.askers, job.wanted)


@asynccontextmanager
async def _opened(
    request: BuildRequest, runner: StageRunner, progress: Progress, *, regrade: bool = False, asks: bool = False
) -> AsyncIterator[_Job]:
    """Hold the workspace and yield a recipe's problems, teachers and stored chains, all of them graded.

    However the context ends, the run is written down and told to `progress`.
    """
    workspace = open_workspace(request.workspace)
    freed_memory.keep_little()
    with exclusive(workspace):
        build_catalog(workspace)
        run = Run(new_run_id(), request.recipe, workspace, progress, limit=request.limit, version=request.version)
        try:
            async with _prepared(request, run, runner, regrade=regrade, asks=asks) as job:
                yield job
        except BaseException as error:
            _write_down(run, STATUSES.get(type(error), "failed"))
            if isinstance(error, CotfactoryError):
                error.summary = run.summary()
            if isinstance(error, ContractFailed):
                await runner.show(run.summary(), str(error))
            raise
        _write_down(run, "done")
        if run.release is not None:
            await runner.show(run.summary(), stages.contract_page(run))


@asynccontextmanager
async def _prepared(
    request: BuildRequest, run: Run, runner: StageRunner, *, regrade: bool, asks: bool
) -> AsyncIterator[_Job]:
    loaded = await runner.run("load problems", _in_thread(lambda: stages.load(run, request.limit)))
    await runner.run("recover ledger", _in_thread(lambda: stages.recover_ledger(run)))
    askers = askers_of(request.recipe, recorded_counts(request.recipe))
    with loaded, open_grading(loaded) as tools:
        check = _in_thread(lambda: stages.check_references(run, loaded, askers, tools))
        problems, dropped = await runner.run("check references", check)
        with WantedSamples(run.workspace, wanted_samples(problems, askers)) as wanted:
            if asks and has_batches(run):
                await runner.run("collect batches", lambda: collect_batches(run, wanted))
            grade = _in_thread(lambda: stages.grade_stored(run, problems, wanted, tools, everything=regrade))
            flips = await runner.run("grade stored chains", grade)
            wanted.snapshot()
            yield _Job(run, dropped, problems, askers, wanted, tools, flips)


def new_run_id() -> str:
    """Return a run id that sorts by time: 20261120T230531-4fd1c2."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def _write_down(run: Run, status: str) -> None:
    write_run(run, status)
    build_catalog(run.workspace)
    run.progress.ended(run.summary())


async def _ask(job: _Job, runner: StageRunner, asked: Round) -> None:
    """Buy and grade what a round lacks, one stage a shard, a few shards at a time so that none waits for a tail.

    All teachers that are needed have answered a first, free question before any of them is asked for anything.
    """
    run = job.run
    wallet = Wallet(run.recipe.budget, *spent_before(run.workspace, run.recipe.name))
    async with AsyncExitStack() as stack:
        grading = await stack.enter_async_context(
            GradingDesk(
                lambda problem, candidate: grade_promptly(problem, candidate, job.tools),
                lambda pairs: grade_batch(pairs, job.tools),
            )
        )
        desks: list[tuple[Asker, Desk]] = []
        for asker in asked.askers:
            if next(asked.shards(asker), None) is not None:
                opening = open_desk(asker, job.problems, wallet, grading, run)
                desks.append((asker, await stack.enter_async_context(opening)))
        if not desks:
            return
        stack.enter_context(tuned_for_asking())
        with run.progress.stage(f"{asked.verb} and grade", asked.left()):
            everybody = [desk for _, desk in desks]
            asking = [
                asyncio.create_task(_ask_teacher(job, runner, asked, asker, desk, everybody)) for asker, desk in desks
            ]
            try:
                while asking:
                    await _first_done(asking, everybody)
            finally:
                await _end(asking)
            for desk in everybody:
                if isinstance(desk.stop.reason, AlarmRaised):
                    raise desk.stop.reason  # by the last answers, when nobody was left to be stopped by it


def _samples(job: _Job) -> Round:
    """Return the round in which the samples of all problems are asked for."""
    problems, wanted, size = job.problems, job.wanted, job.run.recipe.shard_problems

    def again(shard: Shard) -> Shard:
        wanted.snapshot()
        return plan_shard(problems[shard.first : shard.first + size], shard.first, shard.asker, wanted)

    def planned(asker: Asker) -> Iterator[PlannedShard]:
        return (PlannedShard(one, partial(again, one)) for one in shards(problems, [asker], wanted, size))

    return Round("ask", job.askers, planned, lambda: left_to_ask(problems, job.askers, wanted, size))


async def _ask_teacher(
    job: _Job, runner: StageRunner, asked: Round, asker: Asker, desk: Desk, everybody: Sequence[Desk]
) -> None:
    """Buy what is missing of one teacher, opening its next shard while the last ones still wait for their slowest.

    When that fails, `everybody` is stopped.
    """
    running: list[asyncio.Task[None]] = []
    recipe = job.run.recipe
    most = SHARDS_PER_TEACHER * shards_to_open(asker.spec, asker.attempts, recipe.shard_problems)
    try:
        for planned in asked.shards(asker):
            room = asyncio.create_task(desk.room.wait())
            try:
                while not room.done() or len(running) >= most:
                    await _first_done(running, everybody, room)
            finally:
                room.cancel()
            desk.room.opened(len(planned.shard.assignments))
            running.append(asyncio.create_task(_ask_shard(job, runner, asked, planned, desk)))
        while running:
            await _first_done(running, everybody)
    finally:
        await _end(running)


async def _ask_shard(job: _Job, runner: StageRunner, asked: Round, planned: PlannedShard, desk: Desk) -> None:
    name = f"{asked.verb} {planned.shard.asker.spec.name} from problem {planned.shard.first}"
    await runner.run(name, stages.shard_stage(job.run, planned, desk))


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


def _in_thread(work: Callable[[], T]) -> Stage[T]:
    async def stage() -> T:
        return await in_thread(work)  # the workspace is locked until it ends

    return stage
