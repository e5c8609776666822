"""`check` and `plan` as a Prefect flow, for the evening before a night's run: it spends nothing."""

import asyncio
import re
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State, StateType
from prefect.runtime import flow_run

from cotfactory.flows.inspect.check_recipe import check_recipe
from cotfactory.flows.inspect.estimate import plan_recipe
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.settings import secrets_of
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import CotfactoryError
from cotfactory.schemas.printable import printable
from cotfactory.schemas.secrets import masked


def _flow_run_name() -> str:
    return f"check {Path(flow_run.parameters['recipe']).stem}"


@flow(name="check", flow_run_name=_flow_run_name)
async def check_and_plan(recipe: str, workspace: str) -> State[Any]:
    """Check the recipe at path `recipe` and say what a run in `workspace` would ask; no endpoint is asked a question.

    Ends in the state `Ready`, or `NotReady` with what is not in order.
    """
    path, place = Path(recipe), Path(workspace)
    secrets: frozenset[str] = frozenset()
    try:
        loaded = load_recipe(path)
        secrets = secrets_of(loaded)
        report = await asyncio.to_thread(check_recipe, path, place, asks=False)
        plan = await asyncio.to_thread(plan_recipe, path, place)
    except CotfactoryError as error:
        said = masked(" ".join(str(error).split()), secrets)
        return State(type=StateType.FAILED, name="NotReady", message=said, data=error)
    page = masked(printable(f"{plan.text()}\n\n{report.text()}"), secrets)
    await acreate_markdown_artifact(
        key=re.sub(r"[^a-z0-9]+", "-", loaded.name) + "-plan",
        markdown="\n".join(f"    {line}" for line in page.splitlines()),
        description=f"What a run of {loaded.name} would ask",
    )
    money = "" if plan.usd_at_most is None else f", ${plan.usd_at_most:.2f}"
    return State(
        type=StateType.COMPLETED,
        name="Ready",
        message=f"at most {counted(plan.calls_at_most, 'call')}{money}",
        data=plan,
    )
