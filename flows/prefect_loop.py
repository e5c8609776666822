"""The loop as a Prefect flow: the stages of all its runs, and each training, as tasks."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from cotfactory.flows.end_state import EndState, end_state
from cotfactory.flows.host.signals import stoppable
from cotfactory.flows.host.trusted_commands import refuse_untrusted_commands
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.loop.loop import LoopRequest, loop
from cotfactory.flows.prefect_build import WORKER_DRAIN_S, PrefectStages, prefect_state, watching
from cotfactory.flows.prefect_log import told_to_prefect
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.settings import secrets_of
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import CotfactoryError


def _flow_run_name() -> str:
    return f"loop {Path(flow_run.parameters['recipe']).stem}"


@flow(name="loop", flow_run_name=_flow_run_name)
async def loop_recipe(
    recipe: str, workspace: str, log_level: str = "info", drain_s: float = WORKER_DRAIN_S
) -> State[Any]:
    """Go round with the recipe at path `recipe` in `workspace`; its commands must have been trusted.

    Returns the state that the loop ends in, with its summary or its error as data.
    """
    path, secrets, watcher = Path(recipe), frozenset[str](), watching.get()
    try:
        loaded = load_recipe(path)
        secrets = secrets_of(loaded)
        refuse_untrusted_commands(loaded, path.parent)
        request = LoopRequest(loaded, path.resolve().parent, Path(workspace), log_level, drain_s)
        with (
            told_to_prefect(str(flow_run.id), secrets),
            nullcontext(watcher) if watcher else TerminalProgress() as progress,
        ):
            summary = await stoppable(loop(request, PrefectStages(secrets), progress))
    except CotfactoryError as error:
        return prefect_state(end_state(None, error), secrets, error)
    last = summary.rounds[-1]
    said = f"{counted(last.round, 'round')}; valid pass@1 {last.measured.valid.percent()} %, ${summary.cost_usd:.2f}"
    return prefect_state(
        EndState("Released", f"{summary.stopped}; {said}" if summary.stopped else said), secrets, summary
    )
