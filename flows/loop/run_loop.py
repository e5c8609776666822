"""The job `cotfactory loop`: consent to the recipe's commands, then round after round, as a Prefect flow or plainly."""

from pathlib import Path

import uvloop

from cotfactory.flows.host.orchestrator import prefect_server
from cotfactory.flows.host.signals import DRAIN_S, stoppable
from cotfactory.flows.host.trusted_commands import refuse_untrusted_commands
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.loop.loop import LoopRequest, loop
from cotfactory.flows.loop.loop_summary import LoopSummary
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.schemas.errors import RecipeError


def loop_recipe(
    path: Path, workspace: Path, *, direct: bool, log_level: str = "info", drain_s: float = DRAIN_S
) -> LoopSummary:
    """Go round with the recipe at `path` and return what came of it. Raises a CotfactoryError.

    Where the recipe's commands were never trusted, nothing is asked or started.
    """
    recipe = load_recipe(path)
    if recipe.rounds is None:
        raise RecipeError(f"Recipe {path} has no `rounds`", "add them, or run it once: `cotfactory run`")
    refuse_untrusted_commands(recipe, path.parent)
    with TerminalProgress() as progress:
        if direct:
            request = LoopRequest(recipe, path.resolve().parent, workspace, log_level, drain_s)
            return uvloop.run(stoppable(loop(request, DirectStages(), progress)))
        progress.note("running as a Prefect flow; a local server takes some seconds to start (--direct runs without)")
        from cotfactory.flows.run import as_flow

        with prefect_server():
            from cotfactory.flows.prefect_loop import loop_recipe as flow

            parameters = {"log_level": log_level, "drain_s": drain_s}
            running = as_flow(flow, progress, recipe=str(path), workspace=str(workspace), **parameters)
            return LoopSummary.model_validate(uvloop.run(stoppable(running)))
