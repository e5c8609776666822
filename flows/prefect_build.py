"""The build as a Prefect flow: one task per stage and shard, retries, artifacts."""

import re
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

from prefect import flow, task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from cotfactory.flows.build import build
from cotfactory.flows.host.signals import DRAIN_S, stoppable
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import Progress, TerminalProgress
from cotfactory.flows.settings import DEFAULT_RECIPE, load_recipe, shipped_recipe
from cotfactory.flows.stage_runner import Stage, logged
from cotfactory.flows.summary import RunSummary
from cotfactory.schemas.errors import CotfactoryError

RETRIES = 2
RETRY_DELAYS_S = [10.0, 60.0]
T = TypeVar("T")

watching: ContextVar[Progress | None] = ContextVar("watching", default=None)
"""Who watches a flow that runs in this very process: the command line sets it, a worker does not."""


class PrefectStages:
    """Runs every stage as a Prefect task, again when its error is one that may go away by itself."""

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

    async def show(self, summary: RunSummary, contract: str) -> None:
        """Keep the funnel as a table artifact and the contracts' outcome as a page."""
        key = re.sub(r"[^a-z0-9]+", "-", summary.recipe)
        await acreate_table_artifact(
            key=f"{key}-funnel",
            table=[{"stage": stage.stage, "count": stage.count} for stage in summary.funnel],
            description=f"Funnel of {summary.recipe}, run {summary.run_id}",
        )
        await acreate_markdown_artifact(
            key=f"{key}-contract", markdown=contract, description=f"Data contracts of {summary.recipe}"
        )


def _flow_run_name() -> str:
    return Path(flow_run.parameters.get("recipe") or DEFAULT_RECIPE).stem


@flow(name="build", flow_run_name=_flow_run_name)
async def build_recipe(
    recipe: str = "",
    workspace: str = "workspace",
    limit: int | None = None,
    publish: bool = False,
    log_level: str = "info",
    drain_s: float = DRAIN_S,
) -> dict[str, Any]:
    """Build the recipe at path `recipe` (empty: the offline demo) in `workspace`; return its summary."""
    path = Path(recipe) if recipe else shipped_recipe(DEFAULT_RECIPE)
    request = BuildRequest(load_recipe(path), Path(workspace), limit, publish, log_level=log_level, drain_s=drain_s)
    progress = watching.get()
    if progress is not None:
        summary = await stoppable(build(request, PrefectStages(), progress))
    else:
        with TerminalProgress() as own:
            summary = await stoppable(build(request, PrefectStages(), own))
    return summary.model_dump(mode="json")


def _may_go_away(task: object, run: object, state: State[Any]) -> bool:
    """Whether a task's error is worth another try."""
    return isinstance(state.data, CotfactoryError) and state.data.retryable
