"""The jobs that work on a recipe in a workspace: run (as a Prefect flow or plainly), release, regrade."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from cotfactory.flows.build import build, regrade_stored, release_stored
from cotfactory.flows.host.orchestrator import prefect_server
from cotfactory.flows.host.signals import DRAIN_S, stoppable
from cotfactory.flows.load_recipe import DEFAULT_RECIPE, load_recipe, shipped_recipe
from cotfactory.flows.nodes.choice import Nodes
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.flows.stages import Flip
from cotfactory.flows.summary import RunSummary
from cotfactory.publishing.versions import require_version
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import OrchestratorError
from cotfactory.schemas.record import Record

FLIPS_SHOWN = 50


class RegradeReport(Record):
    """The verdicts that flipped when everything stored was graded again."""

    recipe: str
    flipped: tuple[Flip, ...]

    def text(self) -> str:
        """Return the flips for people, the first ones in full."""
        lines = [f"{self.recipe}: {counted(len(self.flipped), 'verdict')} flipped"]
        lines += [
            f"  {flip.before} -> {flip.after} ({flip.reason}): chain {flip.candidate_id} of problem {flip.problem}"
            for flip in self.flipped[:FLIPS_SHOWN]
        ]
        return "\n".join(lines)


def run_recipe(
    path: Path | None,
    workspace: Path,
    limit: int | None,
    *,
    direct: bool,
    publish: bool,
    create: bool = False,
    ask: Callable[[str], bool] | None = None,
    log_level: str = "info",
    drain_s: float = DRAIN_S,
    nodes: Nodes | None = None,
) -> RunSummary:
    """Run the recipe at `path` (None: the offline demo) and return what was done. Raises a CotfactoryError.

    To `publish` is prepared first: a repository that does not exist is made if `create` says so, or `ask` is answered
    with yes. With `nodes` teachers are asked from there.
    """
    path = path or shipped_recipe(DEFAULT_RECIPE)
    recipe = load_recipe(path)
    if nodes is not None:
        from cotfactory.flows.nodes.ray_cluster import refuse_without_ray

        refuse_without_ray()
    if publish:
        from cotfactory.flows.release.publish import prepare_publishing  # the Hub's client is slow to import

        prepare_publishing(recipe, create=create, ask=ask)
    with TerminalProgress() as progress:
        if direct:
            request = BuildRequest(recipe, workspace, limit, publish, log_level=log_level, drain_s=drain_s, nodes=nodes)
            return uvloop.run(stoppable(build(request, DirectStages(), progress)))
        progress.note("running as a Prefect flow; a local server takes some seconds to start (--direct runs without)")
        with prefect_server():
            from cotfactory.flows.prefect_build import build_recipe

            parameters = {"limit": limit, "publish": publish, "log_level": log_level, "drain_s": drain_s, "wait_s": 0.0}
            if nodes is not None:
                parameters |= {"nodes": nodes.address, "processes": nodes.processes or None}
            running = as_flow(build_recipe, progress, recipe=str(path), workspace=str(workspace), **parameters)
            return RunSummary.model_validate(uvloop.run(stoppable(running)))


def release_recipe(path: Path, workspace: Path, version: str | None, log_level: str) -> RunSummary:
    """Curate and release what is stored of a recipe, as `version` if one is given. Raises a CotfactoryError."""
    if version is not None:
        require_version(version)
    request = BuildRequest(load_recipe(path), workspace, version=version, log_level=log_level)
    with TerminalProgress() as progress:
        return uvloop.run(stoppable(release_stored(request, DirectStages(), progress)))


def regrade_recipe(path: Path, workspace: Path, log_level: str) -> RegradeReport:
    """Grade what is stored of a recipe again. Raises a CotfactoryError."""
    request = BuildRequest(load_recipe(path), workspace, log_level=log_level)
    with TerminalProgress() as progress:
        flips = uvloop.run(stoppable(regrade_stored(request, DirectStages(), progress)))
    return RegradeReport(recipe=request.recipe.name, flipped=tuple(flips))


async def as_flow(flow: Callable[..., Awaitable[Any]], progress: TerminalProgress, **parameters: Any) -> Any:
    """Return the data that a flow of Prefect ends with, while `progress` watches it.

    Raises OrchestratorError when the server fails meanwhile.
    """
    import httpx
    from prefect.exceptions import PrefectException

    from cotfactory.flows.prefect_build import watching

    watching.set(progress)
    try:
        return await flow(**parameters)
    except (httpx.HTTPError, PrefectException) as error:
        raise OrchestratorError(
            f"The Prefect server failed during the run: {error or type(error).__name__}",
            "what was bought is saved; run again, or without Prefect: --direct",
        ) from error
