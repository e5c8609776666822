"""The commands `cotfactory sandbox ...`: the image that programs run in."""

from typing import Annotated

import typer

from cotfactory.flows.command_line.options import WORKSPACE, Debug, Json, NoWorkspace
from cotfactory.flows.command_line.shown import shown


def build(
    base: Annotated[str | None, typer.Option(metavar="IMAGE", help="Default: python:3.12.12-slim-bookworm.")] = None,
    tag: Annotated[str, typer.Option(metavar="TAG", help="What to call it.")] = "cotfactory-sandbox:latest",
    languages: Annotated[bool, typer.Option("--languages", help="C++, JavaScript, Java, Go, Rust too.")] = False,
    workspace: NoWorkspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Build the image that programs run in, on the Docker engine."""
    from cotfactory.flows.host.sandbox_image import build_sandbox

    with shown(as_json, debug) as show:
        show(build_sandbox(base, tag, "languages" if languages else "python"))


def trust_image(
    tag: Annotated[str, typer.Argument(metavar="[TAG]")] = "cotfactory-sandbox:latest",
    workspace: NoWorkspace = WORKSPACE,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Take the image that a tag names now for the one that programs are to run in."""
    from cotfactory.flows.host.sandbox_image import trust_sandbox

    with shown(as_json, debug) as show:
        show(trust_sandbox(tag))
