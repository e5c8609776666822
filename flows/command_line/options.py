"""Options and arguments that several commands have, each said once."""

from pathlib import Path
from typing import Annotated

import typer

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a YAML file.")]
Workspace = Annotated[Path, typer.Option("--workspace", metavar="DIR", help="Where everything is kept.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Direct = Annotated[bool, typer.Option("--direct", help="Run the same stages without Prefect.")]
DrainS = Annotated[
    float, typer.Option("--drain-s", metavar="SECONDS", min=0, help="How long Ctrl-C and SIGTERM wait for answers.")
]
LogLevel = Annotated[
    str, typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning, error: what logs/RUN_ID.jsonl holds.")
]
RecipeWorkspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="DIR",
        help="Where everything is kept. Default: the folder workspace beside the recipe, else in the current folder.",
    ),
]
Trust = Annotated[
    list[str] | None,
    typer.Option("--trust", metavar="HOST", help="The recipe's keys may go to this host; remembered. May be repeated."),
]
AskedFrom = Annotated[
    str | None,
    typer.Option(
        "--nodes", metavar="CLUSTER", help="Ask from a Ray cluster: auto, ray://HOST:PORT. Default: COTFACTORY_NODES."
    ),
]
Processes = Annotated[
    int | None, typer.Option("--processes", metavar="N", min=1, help="Ask from N processes of this machine.")
]
Create = Annotated[bool, typer.Option("--create", help="Make the repository if it does not exist, without asking.")]
WORKSPACE = Path("workspace")
# Every command takes --workspace, so that a script can always pass it; some keep nothing.
NoWorkspace = Annotated[Path, typer.Option("--workspace", hidden=True)]
