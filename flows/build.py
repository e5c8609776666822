"""The order of things: load, recover, check references, grade what is stored, ask, curate, release.

The same order runs plain (`--direct`) and as a Prefect flow: how a stage is run is the StageRunner's affair.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cotfactory.flows import stages
from cotfactory.flows.ask.asking import ask
from cotfactory.flows.ask.assignments import (
    AskingRound,
    PlannedShard,
    Shard,
    TeacherPlan,
    left_to_ask,
    plan_shard,
    shards,
    teacher_plans,
    wanted_samples,
)
from cotfactory.flows.ask.batches import collect_batches, has_batches
from cotfactory.flows.ask.rollouts import RolledOut
from cotfactory.flows.ask.teachers import recorded_counts
from cotfactory.flows.host.grading_tools import open_grading
from cotfactory.flows.host.interpreter import in_thread
from cotfactory.flows.host.run_log import log_level, run_log
from cotfactory.flows.progress import Progress
from cotfactory.flows.release import releasing
from cotfactory.flows.run_record import Run, write_run
from cotfactory.flows.settings import secrets_of
from cotfactory.flows.stage_runner import StageRunner, on_thread
from cotfactory.flows.stages import Flip
from cotfactory.flows.summary import RunSummary
from cotfactory.graders.grader import Tools, rest
from cotfactory.schemas.errors import AlarmRaised, BudgetReached, ContractFailed, CotfactoryError
from cotfactory.schemas.grade import DropReason
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Recipe
from cotfactory.warehouse import freed_memory
from cotfactory.warehouse.catalog import build_catalog
from cotfactory.warehouse.wanted import WantedSamples
from cotfactory.warehouse.workspace import exclusive, open_workspace

logger = logging.getLogger(__name__)

STATUSES: dict[type[BaseException], str] = {
    BudgetReached: "budget",
    AlarmRaised: "alarm",
    ContractFailed: "contract",
    asyncio.CancelledError: "interrupted",
}


@dataclass(frozen=True)
class BuildRequest:
    """What is to be built, and where. `limit` takes only the first problems; `version` is the release's, if chosen.

    `log_level` (debug, info, warning, error) is how much goes into the run's log.
    """

    recipe: Recipe
    workspace: Path
    limit: int | None = None
    publish: bool = False
    version: str | None = None
    log_level: str = "info"


async def build(request: BuildRequest, runner: StageRunner, progress: Progress) -> RunSummary:
    """Run a recipe from its problems to its release and return what was done.

    Resuming is the default: whatever the workspace holds is neither asked nor graded again. When something
    stops the run (budget, contract, endpoint), everything bought is sealed, the run is written down and its
    summary goes with the error.
    """
    async with _opened(request, runner, progress, asks=True) as job:
        try:
            await ask(job.run, job.problems, job.tools, runner, _samples(job))
        except CotfactoryError:
            # So that what was bought is counted and decided all the same.
            await runner.run("curate", on_thread(lambda: _curate(job)))
            raise
        await _curate_and_release(job, runner, asks=True)
        if request.publish:
            await runner.run("publish", on_thread(lambda: releasing.publish(job.run)))
    return job.run.summary()


async def release_stored(request: BuildRequest, runner: StageRunner, progress: Progress) -> RunSummary:
    """Curate and release what the workspace holds of a recipe, without asking any teacher."""
    async with _opened(request, runner, progress) as job:
        await _curate_and_release(job, runner)
    return job.run.summary()


async def _curate_and_release(job: "_Job", runner: StageRunner, *, asks: bool = False) -> None:
    run, problems, plans, wanted = job.run, job.problems, job.plans, job.wanted
    rest(job.tools)
    freed_memory.trim()
    await runner.run("curate", on_thread(lambda: _curate(job)))
    async with _rolled_out(job, runner) as rolled:
        if rolled is not None:
            await _roll_out(job, runner, rolled, asks=asks)
        watch = on_thread(lambda: stages.watch_graders(run, problems, wanted, job.tools))
        await runner.run("watch graders", watch)
        rest(job.tools)
        freed_memory.trim()
        make = on_thread(lambda: releasing.release(run, problems, plans, wanted, job.tools, rolled))
        await runner.run("release", make)


@asynccontextmanager
async def _rolled_out(job: "_Job", runner: StageRunner) -> AsyncIterator[RolledOut | None]:
    """Yield the curated chains whose steps the recipe wants labels for; None without any such wish."""
    run, rule = job.run, job.run.recipe.rollouts
    if rule is None:
        yield None
        return
    arguments = (run.recipe, rule, run.output_name, job.problems, job.plans, job.wanted, run.workspace)
    with await runner.run("choose chains to roll out", on_thread(lambda: RolledOut(*arguments))) as rolled:
        yield rolled


async def _roll_out(job: "_Job", runner: StageRunner, rolled: RolledOut, *, asks: bool) -> None:
    """Buy the rollouts that are missing, if anything is asked, and grade and count those that are there."""
    run = job.run
    if asks and has_batches(run):
        await runner.run("collect batches of rollouts", lambda: collect_batches(run, rolled.wanted))
    grade = on_thread(lambda: stages.grade_stored(run, job.problems, rolled.wanted, job.tools, what="rollouts"))
    await runner.run("grade stored rollouts", grade)
    rolled.wanted.snapshot()
    count = on_thread(lambda: stages.decide_rollouts(run, rolled))
    try:
        if asks:
            await ask(job.run, job.problems, job.tools, runner, rolled.round())
    except CotfactoryError:
        await runner.run("count rollouts", count)
        raise
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
    plans: tuple[TeacherPlan, ...]
    wanted: WantedSamples
    tools: Tools
    flips: list[Flip]


def _curate(job: _Job) -> None:
    stages.curate(job.run, job.dropped, job.problems, job.plans, job.wanted)


@asynccontextmanager
async def _opened(
    request: BuildRequest, runner: StageRunner, progress: Progress, *, regrade: bool = False, asks: bool = False
) -> AsyncIterator[_Job]:
    """Hold the workspace and yield a recipe's problems, teachers and stored chains, all of them graded.

    However the context ends, the run is written down and told to `progress`.
    """
    level = log_level(request.log_level)
    workspace = open_workspace(request.workspace)
    freed_memory.keep_little()
    run = Run(new_run_id(), request.recipe, workspace, progress, limit=request.limit, version=request.version)
    with (
        exclusive(workspace),
        run_log(workspace.logs, run.run_id, level, secrets_of(request.recipe)) as log,
    ):
        build_catalog(workspace)
        try:
            async with _prepared(request, run, runner, regrade=regrade, asks=asks) as job:
                yield job
        except BaseException as error:
            _write_down(run, STATUSES.get(type(error), "failed"))
            progress.note(f"log:      {log}")
            if isinstance(error, CotfactoryError):
                error.summary = run.summary()
            if isinstance(error, ContractFailed):
                await runner.show(run.summary(), str(error))
            raise
        _write_down(run, "done")
        if run.release is not None:
            await runner.show(run.summary(), releasing.contract_page(run))


@asynccontextmanager
async def _prepared(
    request: BuildRequest, run: Run, runner: StageRunner, *, regrade: bool, asks: bool
) -> AsyncIterator[_Job]:
    loaded = await runner.run("load problems", on_thread(lambda: stages.load(run, request.limit)))
    await runner.run("recover ledger", on_thread(lambda: stages.recover_ledger(run)))
    plans = teacher_plans(request.recipe, recorded_counts(request.recipe))
    with loaded, open_grading(loaded) as tools:
        check = on_thread(lambda: stages.check_references(run, loaded, plans, tools))
        problems, dropped = await runner.run("check references", check)
        with WantedSamples(run.workspace, wanted_samples(problems, plans)) as wanted:
            if asks and has_batches(run):
                await runner.run("collect batches", lambda: collect_batches(run, wanted))
            grade = on_thread(lambda: stages.grade_stored(run, problems, wanted, tools, everything=regrade))
            flips = await runner.run("grade stored chains", grade)
            wanted.snapshot()
            yield _Job(run, dropped, problems, plans, wanted, tools, flips)


def new_run_id() -> str:
    """Return a run id that sorts by time: 20261120T230531-4fd1c2."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def _write_down(run: Run, status: str) -> None:
    write_run(run, status)
    build_catalog(run.workspace)
    run.progress.ended(run.summary())
    logger.info("run ended: %s", status)


def _samples(job: _Job) -> AskingRound:
    """Return the round in which the samples of all problems are asked for."""
    problems, wanted, size = job.problems, job.wanted, job.run.recipe.shard_problems

    def again(shard: Shard) -> Shard:
        wanted.snapshot()
        return plan_shard(problems[shard.first : shard.first + size], shard.first, shard.plan, wanted)

    def planned(plan: TeacherPlan) -> Iterator[PlannedShard]:
        return (PlannedShard(one, partial(again, one)) for one in shards(problems, [plan], wanted, size))

    return AskingRound("ask", job.plans, planned, lambda: left_to_ask(problems, job.plans, wanted, size))
