"""The commands `cotfactory review ...`: people review what a recipe made."""

from pathlib import Path
from typing import Annotated

import typer

from cotfactory.flows.command_line.options import WORKSPACE, Debug, Json, RecipePath, RecipeWorkspace, Workspace
from cotfactory.flows.command_line.shown import shown, workspace_of

PersonName = Annotated[str, typer.Argument(metavar="NAME", help="Stays in the workspace; reviews name a pseudonym.")]
ReviewFormat = Annotated[str, typer.Option("--format", metavar="label-studio|argilla", help="The tool's form.")]


def serve_review(
    recipe: RecipePath,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8810,
    host: Annotated[str, typer.Option("--host", help="Another than this machine's own shows it to others.")] = (
        "127.0.0.1"
    ),
    workspace: RecipeWorkspace = None,
    debug: Debug = False,
) -> None:
    """Serve the review page until Ctrl-C; `review RECIPE` is short for it."""
    from cotfactory.flows.review.review import ReviewRequest, serve_reviews

    with shown(False, debug):
        serve_reviews(ReviewRequest(recipe, workspace_of(recipe, workspace), host, port), lambda line: typer.echo(line))


def add_person(
    name: PersonName,
    host: Annotated[str, typer.Option("--host", help="Where the page is reached.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Where the page is reached.")] = 8810,
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Give a person a link to the page; a new link ends the one before."""
    from cotfactory.flows.review.review import add_person as give_link

    with shown(as_json, debug) as show:
        show(give_link(name, workspace, host, port))


def remove_person(
    name: PersonName, workspace: Workspace = WORKSPACE, as_json: Json = False, debug: Debug = False
) -> None:
    """End a person's link; what they said stays, and what waited for them goes to others."""
    from cotfactory.flows.review.review import remove_person as end_link

    with shown(as_json, debug) as show:
        show(end_link(name, workspace))


def review_status(
    recipe: RecipePath, workspace: RecipeWorkspace = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Say how far people are, how far they agree, and what that says of the graders."""
    from cotfactory.flows.review.review import review_status as status_of

    with shown(as_json, debug) as show:
        show(status_of(recipe, workspace_of(recipe, workspace)))


def export_review(
    recipe: RecipePath,
    form: ReviewFormat,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the items go, as JSON.")],
    workspace: RecipeWorkspace = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write the items for Label Studio or Argilla."""
    from cotfactory.flows.review.exchange import export_items

    with shown(as_json, debug) as show:
        show(export_items(recipe, workspace_of(recipe, workspace), form, out))


def import_review(
    recipe: RecipePath,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What the tool exported, as JSON.")],
    form: ReviewFormat,
    workspace: RecipeWorkspace = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Take in what people answered in Label Studio or Argilla; the same file again changes nothing."""
    from cotfactory.flows.review.exchange import import_reviews

    with shown(as_json, debug) as show:
        show(import_reviews(recipe, workspace_of(recipe, workspace), form, file))
