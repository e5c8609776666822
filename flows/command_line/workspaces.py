"""Commands about a workspace: sql, status, doctor, backup, sync, recover, compact, forget."""

from pathlib import Path
from typing import Annotated

import typer

from cotfactory.flows.command_line.options import WORKSPACE, Debug, Json, RecipeWorkspace, Workspace
from cotfactory.flows.command_line.shown import shown, workspace_of


def sql(
    question: Annotated[
        str | None, typer.Argument(metavar="SELECT ...|NAME", help="DuckDB's SQL, or the name of a canned question.")
    ] = None,
    workspace: Workspace = WORKSPACE,
    listed: Annotated[bool, typer.Option("--list", help="List the canned questions.")] = False,
    form: Annotated[str, typer.Option("--format", metavar="table|csv|json", help="How to print rows.")] = "table",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    debug: Debug = False,
) -> None:
    """Ask the catalog: problems, candidates, grades, rewards, decisions, reviews, runs, releases."""
    from cotfactory.flows.inspect.ask_catalog import answer, list_questions

    form = "json" if as_json else form
    with shown(False, debug) as show:
        show(list_questions(form) if listed else answer(question, workspace, form))


def status(workspace: Workspace = WORKSPACE, as_json: Json = False, debug: Debug = False) -> None:
    """Say what a workspace holds, what is going on in it, and what is still open."""
    from cotfactory.flows.inspect.ask_catalog import describe_workspace

    with shown(as_json, debug) as show:
        show(describe_workspace(workspace))


def doctor(workspace: Workspace = WORKSPACE, as_json: Json = False, debug: Debug = False) -> None:
    """Look a workspace over: damage, what killed runs left, disk. Deletes nothing."""
    from cotfactory.flows.inspect.doctor import examine_workspace

    with shown(as_json, debug) as show:
        show(examine_workspace(workspace))


def backup(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder, or an older backup.")],
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Copy a workspace, also while a run goes on; only what is new is copied, and all of it is checked."""
    from cotfactory.flows.inspect.doctor import back_up_workspace

    with shown(as_json, debug) as show:
        show(back_up_workspace(workspace, target))


def sync(
    url: Annotated[str, typer.Argument(metavar="URL", help="s3://BUCKET/PREFIX, gs://, abfs:// or file:///FOLDER.")],
    home: Annotated[
        bool, typer.Option("--from", help="Bring the latest copy from there into --workspace, a new folder.")
    ] = False,
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Copy sealed tables and releases to an object storage, or bring a copy home; credentials are the environment's."""
    from cotfactory.flows.inspect.sync import bring_workspace, sync_workspace

    with shown(as_json, debug) as show:
        show((bring_workspace if home else sync_workspace)(workspace, url))


def recover(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a node that was lost, or a copy of it.")],
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Bring home what a node bought and could not tell any more when it was lost; nothing is counted twice."""
    from cotfactory.flows.inspect.recover import recover_node

    with shown(as_json, debug) as show:
        show(recover_node(folder, workspace))


def compact(workspace: Workspace = WORKSPACE, as_json: Json = False, debug: Debug = False) -> None:
    """Merge small sealed files into few of about 256 MB; runs do so by themselves where there are many."""
    from cotfactory.flows.inspect.compact import compact_workspace

    with shown(as_json, debug) as show:
        show(compact_workspace(workspace))


def forget(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's file, or its name.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, it is only told what would go.")] = False,
    workspace: RecipeWorkspace = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Take the data of one recipe out of a workspace; what others share, and what was spent, stays."""
    from cotfactory.flows.inspect.forget import forget_recipe

    path = Path(recipe)
    with shown(as_json, debug) as show:
        show(forget_recipe(recipe, workspace_of(path if path.is_file() else None, workspace), yes=yes))
