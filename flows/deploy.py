"""Deployments of a recipe on a Prefect server: built by a worker every night, checked in the evening before."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectException
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType

from cotfactory.flows.host.orchestrator import is_open_to_all, lasting_server
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.prefect_build import build_recipe
from cotfactory.flows.prefect_check import check_and_plan
from cotfactory.flows.prepare import refuse_rounds
from cotfactory.flows.release.publish import prepare_publishing
from cotfactory.schemas.errors import InputError, OrchestratorError
from cotfactory.schemas.record import Record

POOL = "cotfactory"
Action = Literal["pause", "resume", "run", "delete"]


class DeployRequest(Record):
    """What is to be run when: `cron` builds the recipe, `check_cron` checks and plans it; None: only when asked."""

    recipe: Path
    workspace: Path
    cron: str | None = None
    check_cron: str | None = None
    timezone: str = "UTC"
    publish: bool = False
    create: bool = False
    limit: int | None = None
    pool: str = POOL


class Deployed(Record):
    """What became of a recipe's deployments."""

    done: tuple[str, ...]
    server: str
    pool: str
    warning: str | None = None

    def text(self) -> str:
        """Return it for people, with the command that starts a worker."""
        lines = [
            *self.done,
            f"a worker runs them, in the environment of cotfactory: prefect worker start --pool {self.pool}",
        ]
        return "\n".join(lines if self.warning is None else [*lines, f"WARNING: {self.warning}"])


def deploy_recipe(request: DeployRequest, ask: Callable[[str], bool] | None = None) -> Deployed:
    """Make, or change, the deployments of a recipe on the configured Prefect server, and their work pool.

    A repository that does not exist is made if the request says so, or `ask` is answered with yes. Raises RecipeError
    for a recipe that cannot be run so, PublishError without a repository, InputError for a schedule that Prefect does
    not take, OrchestratorError when there is no server that stays, or it does not answer.
    """
    recipe = load_recipe(request.recipe)
    refuse_rounds(recipe)
    if request.publish:
        prepare_publishing(recipe, create=request.create, ask=ask)  # a worker can ask nobody
    server = lasting_server()
    where = {"recipe": str(request.recipe.resolve()), "workspace": str(request.workspace.resolve())}
    try:
        with get_client(sync_client=True) as client:
            _make_pool(client, request.pool)
        building = {**where, "publish": request.publish, "limit": request.limit}
        done = [_apply(build_recipe, recipe.name, request.cron, building, request)]
        if request.check_cron is not None:
            done.append(_apply(check_and_plan, recipe.name, request.check_cron, where, request))
    except (httpx.HTTPError, PrefectException) as error:
        raise _told(error, server) from error
    return Deployed(done=tuple(done), server=server, pool=request.pool, warning=_warning(server))


def change_deployments(recipe: Path, action: Action) -> Deployed:
    """Pause, resume, run at once or delete what `deploy_recipe` made of a recipe. Raises as it does."""
    name, server = load_recipe(recipe).name, lasting_server()
    try:
        with get_client(sync_client=True) as client:
            found = [found for found in _deployments(client, name) if action != "run" or found[0].startswith("build/")]
            if not found:
                raise InputError(
                    f"There is no deployment of {name!r} on {server}",
                    f"make one: cotfactory deploy {recipe} --cron ...",
                )
            done = tuple(_change(client, full_name, deployment, action) for full_name, deployment in found)
            pool = found[0][1].work_pool_name or POOL
    except (httpx.HTTPError, PrefectException) as error:
        raise _told(error, server) from error
    return Deployed(done=done, server=server, pool=pool)


def _make_pool(client: SyncPrefectClient, name: str) -> None:
    with suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=name, type="process"))


def _apply(flow: Any, name: str, cron: str | None, parameters: dict[str, Any], request: DeployRequest) -> str:
    try:
        schedules = [Cron(cron, timezone=request.timezone, slug=flow.name)] if cron is not None else []
        deployment = flow.to_deployment(
            name,
            schedules=schedules,
            parameters=parameters,
            description=f"Recipe {parameters['recipe']}, workspace {parameters['workspace']}",
            work_pool_name=request.pool,
            # A run that is still going on has the workspace.
            concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
            # By module, so that a worker finds it wherever the package is installed.
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
    except ValueError as error:
        raise InputError(
            f"The schedule {cron!r} in {request.timezone!r} is not one: {error}",
            "give five fields of cron, and a time zone as Europe/Berlin",
        ) from error
    deployment.apply()
    when = f"at {cron!r} ({request.timezone})" if cron is not None else "when asked: --run-now"
    return f"{flow.name}/{name}: {when}, in {parameters['workspace']}"


def _deployments(client: SyncPrefectClient, name: str) -> Iterator[tuple[str, Any]]:
    for flow in (build_recipe, check_and_plan):
        full_name = f"{flow.name}/{name}"
        try:
            yield full_name, client.read_deployment_by_name(full_name)
        except ObjectNotFound:
            continue


def _change(client: SyncPrefectClient, full_name: str, deployment: Any, action: Action) -> str:
    if action == "run":
        run = client.create_flow_run_from_deployment(deployment.id)
        return f"{full_name}: run {run.name} waits for a worker"
    if action == "delete":
        client.delete_deployment(deployment.id)
        return f"{full_name}: deleted; the work pool, runs and workspace stay"
    if action == "pause":
        client.pause_deployment(deployment.id)
        return f"{full_name}: paused"
    client.resume_deployment(deployment.id)
    return f"{full_name}: goes on"


def _warning(server: str) -> str | None:
    if not is_open_to_all(server):
        return None
    return (
        f"{server} has no password: whoever reaches it, a page in a browser included, runs commands on its workers. "
        "Set PREFECT_SERVER_API_AUTH_STRING=user:password where it runs, PREFECT_API_AUTH_STRING where it is asked"
    )


def _told(error: Exception, server: str) -> OrchestratorError:
    said = " ".join(str(error).split()) or type(error).__name__
    return OrchestratorError(f"The Prefect server {server} did not take the deployment: {said}", "see its log")
