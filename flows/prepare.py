"""Prepare a job: hold the workspace, load and check problems, recover what killed runs left, grade what is stored."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cotfactory.flows import stages
from cotfactory.flows.ask.assignments import wanted_id, wanted_samples
from cotfactory.flows.ask.teachers import recorded_counts
from cotfactory.flows.end_state import end_state, status_of
from cotfactory.flows.grow.growing import grow
from cotfactory.flows.host.grading_tools import open_grading
from cotfactory.flows.host.run_log import log_level, run_log
from cotfactory.flows.host.signals import DRAIN_S
from cotfactory.flows.host.trusted_hosts import refuse_unbound_keys
from cotfactory.flows.job import Job
from cotfactory.flows.nodes.choice import Nodes
from cotfactory.flows.nodes.nodes_of_run import NodesOfRun
from cotfactory.flows.nodes.refusals import refuse_on_nodes
from cotfactory.flows.progress import Progress
from cotfactory.flows.release.releasing import contract_page
from cotfactory.flows.review.people_verdicts import peoples_verdicts, reviews_that_count
from cotfactory.flows.run_metrics import write_metrics
from cotfactory.flows.run_record import Run, write_run
from cotfactory.flows.settings import secrets_of
from cotfactory.flows.stage_runner import StageRunner, on_thread
from cotfactory.flows.teacher_plan import teacher_plans
from cotfactory.schemas.errors import (
    ContractFailed,
    CotfactoryError,
    RecipeError,
    RunInterrupted,
    WorkspaceBusy,
    WorkspaceError,
)
from cotfactory.schemas.recipe import Recipe
from cotfactory.warehouse import freed_memory
from cotfactory.warehouse.catalog import build_catalog
from cotfactory.warehouse.checksums import check_sealed
from cotfactory.warehouse.compact import has_many_small_files
from cotfactory.warehouse.wanted import KnownAs, WantedSamples
from cotfactory.warehouse.workspace import Workspace, open_workspace
from cotfactory.warehouse.workspace_lock import exclusive

logger = logging.getLogger(__name__)

HOLD_AGAIN_S = 0.5
"""How often a run that waits for a workspace tries to hold it."""


@dataclass(frozen=True)
class BuildRequest:
    """What is to be built, and where. `limit` takes only the first problems; `version` is the release's, if chosen.

    `chosen` names the problems, by id, that each teacher is asked, and takes only those; None: all are asked all.
    `with_pictures` draws the release's.
    With `nodes` teachers are asked from there.
    `log_level` (debug, info, warning, error) is how much goes into the run's log; `drain_s` is how long a run that a
    signal stops waits at most for what is in flight, `wait_s` how long one waits for another to let the workspace go.
    """

    recipe: Recipe
    workspace: Path
    limit: int | None = None
    publish: bool = False
    version: str | None = None
    log_level: str = "info"
    drain_s: float = DRAIN_S
    wait_s: float = 0.0
    chosen: Mapping[str, frozenset[str]] | None = None
    with_pictures: bool = True
    nodes: Nodes | None = None


def refuse_rounds(recipe: Recipe) -> None:
    """Raise RecipeError for a recipe with rounds, which is no single run."""
    if recipe.rounds is not None:
        raise RecipeError(
            f"Recipe {recipe.name!r} has `rounds`, in which a teacher learns", "run it with `cotfactory loop RECIPE`"
        )


@asynccontextmanager
async def opened_job(
    request: BuildRequest, runner: StageRunner, progress: Progress, *, asks: bool = False, releases: bool = False
) -> AsyncIterator[Job]:
    """Hold the workspace and yield a recipe's problems, teachers and stored chains.

    What a job that `releases` needs for it is opened before anything is asked. However the context ends, the run is
    written down and told to `progress`.
    """
    level = log_level(request.log_level)
    refuse_rounds(request.recipe)
    if asks:
        refuse_unbound_keys(request.recipe)
        if request.nodes is not None:
            refuse_on_nodes(request.recipe, request.nodes)
    workspace = open_workspace(request.workspace)
    freed_memory.keep_little()
    secret = secrets_of(request.recipe)
    async with _held(workspace, request.wait_s, progress):
        run = Run(
            _new_run_id(),
            request.recipe,
            workspace,
            progress,
            limit=request.limit,
            version=request.version,
            drain_s=request.drain_s,
            with_pictures=request.with_pictures,
        )
        with run_log(workspace.logs, run.run_id, level, secret) as log:
            async with _written_down(request, run, runner, log, asks=asks, releases=releases) as job:
                yield job


@asynccontextmanager
async def _held(workspace: Workspace, wait_s: float, progress: Progress) -> AsyncIterator[None]:
    """Hold the workspace; another run that does so is waited for, at most so long. Raises WorkspaceBusy."""
    until, told = time.monotonic() + wait_s, False
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(exclusive(workspace))
                break
            except WorkspaceBusy as busy:
                if time.monotonic() >= until:
                    raise
                if not told:
                    progress.note(f"{busy.message}: it is waited for, at most {wait_s:,.0f} s")
                    told = True
            await asyncio.sleep(HOLD_AGAIN_S)
        yield


@asynccontextmanager
async def _written_down(
    request: BuildRequest, run: Run, runner: StageRunner, log: Path, *, asks: bool, releases: bool
) -> AsyncIterator[Job]:
    """Yield the job of a run that holds its workspace; however that ends, the run is written down and told."""
    workspace, progress = run.workspace, run.progress
    check_sealed(workspace)
    build_catalog(workspace)
    if workspace.is_unused:
        progress.note(f"new workspace {workspace.root}: nothing was bought or spent in it yet (--workspace)")
    try:
        async with _prepared(request, run, runner, asks=asks, releases=releases) as job:
            yield job
        await _merge_small_files(run, runner)
    except BaseException as error:
        try:
            if isinstance(error, CotfactoryError) and not isinstance(error, RunInterrupted):  # who does, goes
                await _merge_small_files(run, runner)
        finally:
            _write_down(run, status_of(error))
        progress.note(f"log:      {log}")
        summary = run.summary()
        if isinstance(error, CotfactoryError):
            error.summary = summary
        contract = str(error) if isinstance(error, ContractFailed) else ""
        await runner.show(summary, end_state(summary, error), contract)
        raise
    _write_down(run, "done")
    summary = run.summary()
    await runner.show(summary, end_state(summary, None), contract_page(run))


async def _merge_small_files(run: Run, runner: StageRunner) -> None:
    """Merge sealed files where a table has many small ones; what stands against it is told, and stops nothing."""
    if has_many_small_files(run.workspace):
        try:
            await runner.run("merge sealed files", on_thread(lambda: stages.merge_small_files(run)))
        except WorkspaceError as error:
            run.progress.note(f"sealed files are merged another time: {error.message}")


@asynccontextmanager
async def _prepared(
    request: BuildRequest, run: Run, runner: StageRunner, *, asks: bool, releases: bool
) -> AsyncIterator[Job]:
    chosen = None if request.chosen is None else frozenset[str]().union(*request.chosen.values())
    await runner.run("recover ledger", on_thread(lambda: stages.recover_ledger(run)))
    if releases and request.recipe.release.tokenizer is not None:
        await runner.run("open the tokenizer", on_thread(lambda: stages.open_tokenizer(run)))
    grown = await grow(run, runner, asks=asks)
    with ExitStack() as stack:
        for written in grown.values():
            stack.enter_context(written)
        loaded = await runner.run("load problems", on_thread(lambda: stages.load(run, request.limit, chosen, grown)))
    plans = teacher_plans(request.recipe, recorded_counts(request.recipe), run.workspace, request.chosen)
    has_tool = any(plan.strategy.most_calls for plan in plans)
    with (
        loaded,
        open_grading(
            loaded if loaded.facts.runs_programs else (),  # none is read to find that it runs no program
            request.recipe.grader,
            request.recipe.code,
            packages=request.recipe.sandbox.packages,
            has_tool=has_tool,
        ) as tools,
    ):
        check = on_thread(lambda: stages.check_references(run, loaded, plans, tools))
        problems, dropped = await runner.run("check references", check)
        run.reviews = reviews_that_count(run.workspace, request.recipe)
        people = peoples_verdicts(request.recipe, run.reviews)
        judged = {chain: verdict.grade_id for chain, verdict in people.items()}
        key = wanted_id(loaded.facts, dropped, request.recipe, plans, judged)
        known = None if key is None else KnownAs(run.kept, key)
        with WantedSamples(run.workspace, wanted_samples(problems, plans, judged), known=known) as wanted:
            nodes = None if request.nodes is None else NodesOfRun(request.nodes, run.progress.note)
            job = Job(run, runner, problems, dropped, plans, wanted, tools, people, asks, nodes)
            try:
                yield job
            finally:
                await job.end_nodes()


def _new_run_id() -> str:
    """Return a run id that sorts by time: 20261120T230531-4fd1c2."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def _write_down(run: Run, status: str) -> None:
    write_run(run, status)
    write_metrics(run, status, datetime.now(UTC))
    build_catalog(run.workspace)
    run.progress.ended(run.summary())
    logger.info("run ended: %s", status)
