"""Commands that work on a recipe: run, deploy, plan, check, regrade, release, settle, loop; and prove."""

from pathlib import Path
from typing import Annotated

import typer

from cotfactory.flows.command_line.options import (
    AskedFrom,
    Create,
    Debug,
    Direct,
    DrainS,
    Json,
    LogLevel,
    Processes,
    RecipePath,
    RecipeWorkspace,
    Trust,
    Workspace,
)
from cotfactory.flows.command_line.shown import ask_on_terminal, shown, trust_hosts, workspace_of
from cotfactory.flows.host.signals import DRAIN_S
from cotfactory.schemas.errors import InputError


def run(
    recipe: Annotated[Path | None, typer.Argument(metavar="[RECIPE]", help="Default: the offline demo.")] = None,
    workspace: RecipeWorkspace = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Take only the first N problems.")] = None,
    direct: Direct = False,
    publish: Annotated[bool, typer.Option("--publish", help="Send the release to release.repo.")] = False,
    create: Create = False,
    drain_s: DrainS = DRAIN_S,
    nodes: AskedFrom = None,
    processes: Processes = None,
    trust: Trust = None,
    log_level: LogLevel = "info",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Run a recipe from its problems to its release. Resumes by itself; nothing is paid twice."""
    from cotfactory.flows.nodes.choice import chosen_nodes
    from cotfactory.flows.run import run_recipe
    from cotfactory.flows.settings import nodes_address

    with shown(as_json, debug) as show:
        trust_hosts(recipe, trust)
        show(
            run_recipe(
                recipe,
                workspace_of(recipe, workspace),
                limit,
                direct=direct,
                publish=publish,
                create=create,
                ask=ask_on_terminal(),
                log_level=log_level,
                drain_s=drain_s,
                nodes=chosen_nodes(nodes, processes, nodes_address()),
            )
        )


def deploy(
    recipe: RecipePath,
    cron: Annotated[
        str | None, typer.Option("--cron", metavar="CRON", help='When it is run: "0 2 * * *". Default: when asked.')
    ] = None,
    timezone: Annotated[str, typer.Option("--timezone", metavar="ZONE", help="Of the schedules.")] = "UTC",
    publish: Annotated[bool, typer.Option("--publish", help="Send each release to release.repo.")] = False,
    create: Create = False,
    check_cron: Annotated[
        str | None, typer.Option("--check-cron", metavar="CRON", help="When it is checked and planned, for nothing.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Take only the first N problems.")] = None,
    pool: Annotated[str, typer.Option("--pool", metavar="NAME", help="The work pool; made where there is none.")] = (
        "cotfactory"
    ),
    pause: Annotated[bool, typer.Option("--pause", help="Have nothing more scheduled.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after --pause.")] = False,
    run_now: Annotated[bool, typer.Option("--run-now", help="Have a worker run it at once.")] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Take it from the server; the workspace stays.")] = False,
    workspace: RecipeWorkspace = None,
    trust: Trust = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Have a recipe run by the workers of a Prefect server, on a schedule; nothing is asked now."""
    with shown(as_json, debug) as show:
        from cotfactory.flows.deploy import Action, DeployRequest, change_deployments, deploy_recipe

        wishes: dict[Action, bool] = {"pause": pause, "resume": resume, "run": run_now, "delete": delete}
        wanted = [action for action, is_wanted in wishes.items() if is_wanted]
        if len(wanted) > 1:
            raise InputError("--pause, --resume, --run-now and --delete exclude each other", "give one of them")
        if wanted:
            show(change_deployments(recipe, wanted[0]))
            return
        trust_hosts(recipe, trust)
        show(
            deploy_recipe(
                DeployRequest(
                    recipe=recipe,
                    workspace=workspace_of(recipe, workspace),
                    cron=cron,
                    check_cron=check_cron,
                    timezone=timezone,
                    publish=publish,
                    create=create,
                    limit=limit,
                    pool=pool,
                ),
                ask_on_terminal(),
            )
        )


def plan(recipe: RecipePath, workspace: RecipeWorkspace = None, as_json: Json = False, debug: Debug = False) -> None:
    """Say what a run would ask, reuse and spend. Spends nothing."""
    from cotfactory.flows.inspect.estimate import plan_recipe

    with shown(as_json, debug) as show:
        show(plan_recipe(recipe, workspace_of(recipe, workspace)))


def check(
    recipe: RecipePath,
    workspace: RecipeWorkspace = None,
    asks: Annotated[
        bool, typer.Option("--ask/--no-ask", help="Ask each endpoint one question, 16 tokens long.")
    ] = True,
    nodes: AskedFrom = None,
    processes: Processes = None,
    trust: Trust = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Check the recipe, its endpoints, the sandbox and every reference answer, before tokens are bought."""
    from cotfactory.flows.inspect.check_recipe import check_recipe
    from cotfactory.flows.nodes.choice import chosen_nodes
    from cotfactory.flows.settings import nodes_address

    with shown(as_json, debug) as show:
        trust_hosts(recipe, trust)
        asked_from = chosen_nodes(nodes, processes, nodes_address())
        show(check_recipe(recipe, workspace_of(recipe, workspace), asks=asks, nodes=asked_from))


def loop(
    recipe: RecipePath,
    workspace: RecipeWorkspace = None,
    direct: Direct = False,
    drain_s: DrainS = DRAIN_S,
    trust: Trust = None,
    trust_commands: Annotated[
        bool, typer.Option("--trust-commands", help="The recipe's train and serve commands may run; remembered.")
    ] = False,
    log_level: LogLevel = "info",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Have a teacher learn from what was kept of its chains, round after round. Resumes by itself."""
    from cotfactory.flows.host import trusted_commands
    from cotfactory.flows.load_recipe import load_recipe
    from cotfactory.flows.loop.run_loop import loop_recipe

    with shown(as_json, debug) as show:
        trust_hosts(recipe, trust)
        trusted_commands.trust_commands(load_recipe(recipe), recipe.parent, said=trust_commands, ask=ask_on_terminal())
        place = workspace_of(recipe, workspace)
        show(loop_recipe(recipe, place, direct=direct, log_level=log_level, drain_s=drain_s))


def prove(
    arms: Annotated[
        str, typer.Option("--arms", metavar="NAME,...", help="strict, answer, majority, unverified.")
    ] = "strict,answer,majority,unverified",
    recipe: Annotated[
        Path | None, typer.Option("--recipe", metavar="RECIPE", help="One arm more: this recipe's curation keys.")
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="How often the students learn.")] = 6,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How often all of it is done.")] = 2,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where the page goes.")] = Path(
        "prove.html"
    ),
    workspace: Workspace = Path("prove"),
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show on a small model that what was kept teaches, and what was not does not; needs the extra `prove`."""
    from cotfactory.flows.loop.run_prove import prove_arms

    with shown(as_json, debug) as show:
        show(prove_arms(arms.split(","), recipe, workspace, rounds, seeds, out))


def regrade(
    recipe: RecipePath,
    workspace: RecipeWorkspace = None,
    log_level: LogLevel = "info",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Grade what is stored again and list the verdicts that flipped. Asks no teacher."""
    from cotfactory.flows.run import regrade_recipe

    with shown(as_json, debug) as show:
        show(regrade_recipe(recipe, workspace_of(recipe, workspace), log_level))


def release(
    recipe: RecipePath,
    workspace: RecipeWorkspace = None,
    version: Annotated[
        str | None, typer.Option("--version", metavar="vX.Y.Z", help="Default: decided by what changed.")
    ] = None,
    log_level: LogLevel = "info",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Curate and release what is stored. Asks no teacher."""
    from cotfactory.flows.run import release_recipe

    with shown(as_json, debug) as show:
        show(release_recipe(recipe, workspace_of(recipe, workspace), version, log_level))


def settle(
    recipe: RecipePath,
    billed: Annotated[
        float,
        typer.Option("--billed", metavar="USD", help="What the provider billed in all for the recipe's budget."),
    ],
    workspace: RecipeWorkspace = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Replace what may have been billed (unconfirmed) by what was, as the provider's own page tells it."""
    from cotfactory.flows.settle import settle_recipe

    with shown(as_json, debug) as show:
        show(settle_recipe(recipe, workspace_of(recipe, workspace), billed))
