"""Commands about releases that were made: diff, rebuild, publish, report."""

from pathlib import Path
from typing import Annotated

import typer

from cotfactory.flows.command_line.options import WORKSPACE, Create, Debug, Json, Workspace
from cotfactory.flows.command_line.shown import ask_on_terminal, shown


def diff(
    a: Annotated[
        str,
        typer.Argument(metavar="A", help="The older release: a folder, NAME@vX.Y.Z, or ORG/NAME@vX.Y.Z on the Hub."),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The newer one.")],
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Count the rows that were added, removed and changed between two releases, by source and by reason."""
    from cotfactory.flows.release.publish import compare

    with shown(as_json, debug) as show:
        show(compare(a, b, workspace))


def rebuild(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="A release folder, or NAME@vX.Y.Z.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the release is made again.")],
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Make a release again from its manifest and the workspace, and check that it holds the same rows."""
    from cotfactory.flows.release.rebuild import rebuild as make_again

    with shown(as_json, debug) as show:
        show(make_again(release, workspace, out))


def publish(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="A release folder, or NAME@vX.Y.Z.")],
    repo: Annotated[
        str | None, typer.Option("--repo", metavar="ORG/NAME", help="The dataset on the Hub. Default: the recipe's.")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Everybody may read the repository, all versions in it. Default: private.")
    ] = False,
    create: Create = False,
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Send a release to the Hugging Face Hub as one commit and one tag. Its contract must have passed."""
    from cotfactory.flows.release.publish import publish_folder

    with shown(as_json, debug) as show:
        show(publish_folder(release, repo, workspace, public=public, create=create, ask=ask_on_terminal()))


def report(
    release: Annotated[
        str | None, typer.Argument(metavar="[RELEASE]", help="A release folder, or NAME@vX.Y.Z. Default: the latest.")
    ] = None,
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say where the report of a release is: one page, to be opened in a browser."""
    from cotfactory.flows.release.publish import find_report

    with shown(as_json, debug) as show:
        show(find_report(release, workspace))
