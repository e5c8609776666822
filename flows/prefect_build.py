"""The build as a Prefect flow: one task per stage and shard, retries, artifacts."""

import asyncio
import atexit
import logging
import re
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from prefect import flow, task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run

from cotfactory.flows.build import build
from cotfactory.flows.end_state import EndState, end_state
from cotfactory.flows.host.signals import stoppable
from cotfactory.flows.host.standard_error import let_go_of_stderr, outlive_readers
from cotfactory.flows.load_recipe import DEFAULT_RECIPE, load_recipe, shipped_recipe
from cotfactory.flows.nodes.choice import chosen_nodes
from cotfactory.flows.prefect_log import told_to_prefect
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import Progress, TerminalProgress
from cotfactory.flows.run_page import run_page
from cotfactory.flows.settings import nodes_address, secrets_of
from cotfactory.flows.stage_runner import Stage, logged
from cotfactory.flows.summary import RunSummary
from cotfactory.schemas.errors import CotfactoryError
from cotfactory.schemas.record import Record
from cotfactory.schemas.secrets import masked

logger = logging.getLogger(__name__)

RETRIES = 2
RETRY_DELAYS_S = [10.0, 60.0]
SHOW_S, SHOW_INTERRUPTED_S = 60.0, 5.0
"""How long the server may take for the artifacts of a run, and of one that somebody waits for to end."""
WORKER_DRAIN_S = 15.0
"""Prefect kills a flow 30 s after it was cancelled: what is in flight is waited for so long, then all is sealed."""
WORKER_WAIT_S = 3_600.0
"""Two deployments may share a workspace: a run waits so long for the other to end."""
T = TypeVar("T")

watching: ContextVar[Progress | None] = ContextVar("watching", default=None)
"""Who watches a flow that runs in this very process: the command line sets it, a worker does not."""


@dataclass(frozen=True)
class PrefectStages:
    """Runs every stage as a Prefect task, again when its error is one that may go away by itself.

    What it shows has none of the `secrets` in it.
    """

    secrets: frozenset[str]

    async def run(self, name: str, stage: Stage[T]) -> T:
        """Run one stage as a task called `name`."""

        @task(
            name=name.split(" from ")[0],
            task_run_name=name,
            retries=RETRIES,
            retry_delay_seconds=RETRY_DELAYS_S,
            retry_condition_fn=_may_go_away,
            # What was bought is in our own ledger; a result cached by Prefect would be a second truth.
            cache_policy=NO_CACHE,
            persist_result=False,
        )
        async def run_stage() -> T:
            with logged(name):
                return await stage()

        return await run_stage()

    async def show(self, summary: RunSummary, ended: EndState, contract: str) -> None:
        """Keep the run's page, its funnel and the contracts' outcome as artifacts."""
        key = re.sub(r"[^a-z0-9]+", "-", summary.recipe)
        patience_s = SHOW_INTERRUPTED_S if ended.name == "Interrupted" else SHOW_S
        try:
            async with asyncio.timeout(patience_s):
                await acreate_markdown_artifact(
                    key=f"{key}-run",
                    markdown=masked(run_page(summary, ended), self.secrets),
                    description=f"What run {summary.run_id} of {summary.recipe} did",
                )
                if summary.candidates:
                    await acreate_table_artifact(
                        key=f"{key}-funnel",
                        table=[{"stage": stage.stage, "count": stage.count} for stage in summary.funnel],
                        description=f"Funnel of {summary.recipe}, run {summary.run_id}",
                    )
                if contract:
                    await acreate_markdown_artifact(
                        key=f"{key}-contract", markdown=contract, description=f"Data contracts of {summary.recipe}"
                    )
        except (httpx.HTTPError, PrefectException, TimeoutError) as error:
            logger.warning("Prefect did not take the artifacts", extra={"error": str(error) or type(error).__name__})


def _flow_run_name() -> str:
    return Path(flow_run.parameters.get("recipe") or DEFAULT_RECIPE).stem


@flow(name="build", flow_run_name=_flow_run_name)
async def build_recipe(
    recipe: str = "",
    workspace: str = "workspace",
    limit: int | None = None,
    publish: bool = False,
    log_level: str = "info",
    drain_s: float = WORKER_DRAIN_S,
    wait_s: float = WORKER_WAIT_S,
    nodes: str | None = None,
    processes: int | None = None,
) -> State[Any]:
    """Build the recipe at path `recipe` (empty: the offline demo) in `workspace`.

    A run of another recipe that holds the workspace is waited for, at most `wait_s` seconds. Teachers are asked from
    the Ray cluster `nodes`, or from so many `processes`; see `flows/nodes/choice.py`.

    Returns the state that the run ends in, named as `flows/end_state.py` says, with its summary or its error as data.
    """
    try:
        loaded = load_recipe(Path(recipe) if recipe else shipped_recipe(DEFAULT_RECIPE))
        asked_from = chosen_nodes(nodes, processes, nodes_address())
    except CotfactoryError as error:
        return prefect_state(end_state(None, error), frozenset(), error)
    request = BuildRequest(
        loaded,
        Path(workspace),
        limit,
        publish,
        log_level=log_level,
        drain_s=drain_s,
        wait_s=wait_s,
        nodes=asked_from,
    )
    secrets, watcher = secrets_of(loaded), watching.get()
    if watcher is None:
        outlive_readers()
        # At the very end DuckDB's binding would list all that Prefect's threads still hold of our modules.
        atexit.register(let_go_of_stderr)
    with (
        told_to_prefect(str(flow_run.id), secrets),
        nullcontext(watcher) if watcher else TerminalProgress() as progress,
    ):
        try:
            summary = await stoppable(build(request, PrefectStages(secrets), progress))
        except CotfactoryError as error:
            told = error.summary if isinstance(error.summary, RunSummary) else None
            logger.error("run ended", extra={"error": str(error)})
            return prefect_state(end_state(told, error), secrets, error)
    return prefect_state(end_state(summary, None), secrets, summary)


def prefect_state(ended: EndState, secrets: frozenset[str], data: Record | CotfactoryError) -> State[Any]:
    """Return how a run ended as Prefect tells it: automations are triggered by the name."""
    kind = StateType.COMPLETED
    if isinstance(data, CotfactoryError):
        kind = StateType.CANCELLED if ended.name == "Interrupted" else StateType.FAILED
    return State(type=kind, name=ended.name, message=masked(ended.message, secrets), data=data)


def _may_go_away(task: object, run: object, state: State[Any]) -> bool:
    """Whether a task's error is worth another try."""
    return isinstance(state.data, CotfactoryError) and state.data.retryable
