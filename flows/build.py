"""The order of things: prepare, ask, curate, roll out, watch the graders, release, publish.

The same order runs plain (`--direct`) and as a Prefect flow: how a stage is run is the StageRunner's affair.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from cotfactory.data_contracts.great_expectations_adapter import load_library
from cotfactory.flows import stages
from cotfactory.flows.ask.asking import ask
from cotfactory.flows.ask.assignments import AskingRound, round_of_samples
from cotfactory.flows.ask.rollouts import RolledOut
from cotfactory.flows.ask.stored_grades import grade_stored
from cotfactory.flows.ask.turns import LaterTurns
from cotfactory.flows.host.interpreter import in_thread
from cotfactory.flows.job import Job
from cotfactory.flows.prepare import BuildRequest, opened_job
from cotfactory.flows.progress import Progress
from cotfactory.flows.release.releasing import publish, release
from cotfactory.flows.release.standing import take_standing
from cotfactory.flows.stage_runner import StageRunner
from cotfactory.flows.stages import Flip
from cotfactory.flows.summary import RunSummary
from cotfactory.graders.grader import rest
from cotfactory.schemas.errors import CotfactoryError, RunInterrupted, WorkspaceError
from cotfactory.warehouse import freed_memory


async def build(
    request: BuildRequest, runner: StageRunner, progress: Progress, measure: Callable[[Job], None] | None = None
) -> RunSummary:
    """Run a recipe from its problems to its release and return what was done.

    `measure` looks at what was asked and graded, before it is curated.

    Resuming is the default: whatever the workspace holds is neither asked nor graded again. When something
    stops the run (budget, contract, endpoint), everything bought is sealed, the run is written down and its
    summary goes with the error.
    """
    async with opened_job(request, runner, progress, asks=True, releases=True) as job:
        await grade_stored(job)
        rounds = await in_thread(lambda: rounds_of_problems(job))
        count_missing = partial(stages.count_missing, left=lambda: sum(asked.left() for asked in rounds))
        try:
            await _ask_in_turn(job, rounds, beside=load_library)
        except RunInterrupted:
            raise  # who interrupts does not wait
        except CotfactoryError:
            await job.stage("count what is missing", count_missing)
            # So that what was bought is counted and decided all the same.
            await job.stage("curate", stages.curate)
            raise
        await _judge(job)
        if job.run.bought.failed_calls:
            await job.stage("count what is missing", count_missing)
        if measure is not None:
            await job.stage("measure", measure)
        await _curate_and_release(job)
        if request.publish:
            await job.stage("publish", publish)
    return job.run.summary()


async def ask_and_measure(
    request: BuildRequest, runner: StageRunner, progress: Progress, measure: Callable[[Job], None]
) -> None:
    """Ask and grade what a recipe wants, have `measure` look at it, and release nothing."""
    async with opened_job(request, runner, progress, asks=True) as job:
        await grade_stored(job)
        await _ask_in_turn(job, await in_thread(lambda: rounds_of_problems(job)))
        await job.stage("measure", measure)


async def release_stored(request: BuildRequest, runner: StageRunner, progress: Progress) -> RunSummary:
    """Curate and release what the workspace holds of a recipe, without asking any teacher."""
    async with opened_job(request, runner, progress, releases=True) as job:
        await grade_stored(job)
        _require_chains(job)
        await _judge(job)
        await _curate_and_release(job)
    return job.run.summary()


async def regrade_stored(request: BuildRequest, runner: StageRunner, progress: Progress) -> list[Flip]:
    """Grade everything the workspace holds of a recipe again and return the verdicts that flipped."""
    async with opened_job(request, runner, progress) as job:
        flips = await grade_stored(job, everything=True)
        _require_chains(job)
        await _judge(job)
        async with _rolled_out(job) as rolled:
            if rolled is not None:
                flips += await grade_stored(job.over(rolled.wanted), "rollouts", everything=True)
    return flips


def rounds_of_problems(job: Job) -> list[AskingRound]:
    """Return the rounds in which all problems are asked: those that stand alone and first turns, then later turns."""
    later = job.problems.later_turns()
    about = (job.problems, job.plans, job.wanted, job.shard_problems)
    return [round_of_samples(*about, later), *LaterTurns(*about, later).rounds()]


async def _ask_in_turn(job: Job, rounds: Sequence[AskingRound], beside: Callable[[], None] | None = None) -> None:
    for number, asked in enumerate(rounds):
        if number:
            await in_thread(job.wanted.snapshot)
        await ask(job, asked, beside)


def _require_chains(job: Job) -> None:
    """Raise WorkspaceError where nothing is stored of what the recipe wants."""
    if job.wanted.missing() == job.wanted.count():
        raise WorkspaceError(
            f"Nothing is stored of {job.run.recipe.name} in {job.run.workspace.root}",
            "run it first (`cotfactory run`), or name the workspace that holds its chains: --workspace",
        )


async def _judge(job: Job) -> None:
    """Have the recipe's judge decide what no rule does, as far as anything is asked, and grade by what it said."""
    if job.run.recipe.judge is None:
        return
    with await job.stage("choose chains to judge", stages.choose_chains_to_judge) as judging:
        await grade_stored(job.over(judging.wanted), "judgements")
        if job.asks:
            await ask(job, judging.round())
        await job.stage("settle judgements", partial(stages.settle_judgements, judging=judging))
    job.wanted.snapshot()


async def _curate_and_release(job: Job) -> None:
    if await job.stage("compare with the last release", take_standing):
        return
    if job.run.recipe.rollouts is None:
        await job.end_nodes()
    _give_memory_back(job)
    await job.stage("curate", stages.curate)
    async with _rolled_out(job) as rolled:
        if rolled is not None:
            await _roll_out(job, rolled)
            await job.end_nodes()
        await job.stage("watch graders", stages.watch_graders)
        _give_memory_back(job)
        await job.stage("release", partial(release, rolled=rolled))


@asynccontextmanager
async def _rolled_out(job: Job) -> AsyncIterator[RolledOut | None]:
    """Yield the curated chains whose steps the recipe wants labels for; None without any such wish."""
    rule = job.run.recipe.rollouts
    if rule is None:
        yield None
        return
    with await job.stage("choose chains to roll out", stages.choose_chains_to_roll_out) as rolled:
        yield rolled


async def _roll_out(job: Job, rolled: RolledOut) -> None:
    """Buy the rollouts that are missing, if anything is asked, and grade and count those that are there."""
    await grade_stored(job.over(rolled.wanted), "rollouts")
    count = partial(stages.decide_rollouts, rolled=rolled)
    try:
        if job.asks:
            await ask(job, rolled.round())
    except RunInterrupted:
        raise
    except CotfactoryError:
        await job.stage("count rollouts", count)
        raise
    await job.stage("count rollouts", count)


def _give_memory_back(job: Job) -> None:
    """End the graders' idle processes and trim the heap, before a stage that takes much."""
    rest(job.tools)
    freed_memory.trim()
