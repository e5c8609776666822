"""The command line: `cotfactory ...`, all commands by name. Each imports heavy things itself: --help is instant."""

import gc
import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import typer

from cotfactory.flows.command_line import graders, releases, review, runs, sandbox, workspaces

Commands = Mapping[str, Callable[..., None]]
COMMANDS: Commands = {
    "run": runs.run,
    "deploy": runs.deploy,
    "plan": runs.plan,
    "check": runs.check,
    "grade": graders.grade,
    "import": graders.import_,
    "exam": graders.exam,
    "loop": runs.loop,
    "prove": runs.prove,
    "regrade": runs.regrade,
    "release": runs.release,
    "diff": releases.diff,
    "rebuild": releases.rebuild,
    "publish": releases.publish,
    "sql": workspaces.sql,
    "report": releases.report,
    "settle": runs.settle,
    "status": workspaces.status,
    "doctor": workspaces.doctor,
    "backup": workspaces.backup,
    "sync": workspaces.sync,
    "recover": workspaces.recover,
    "compact": workspaces.compact,
    "forget": workspaces.forget,
    "replay": graders.replay,
    "serve": graders.serve,
}
"""In the order in which `--help` lists them."""
REVIEW: Commands = {
    "serve": review.serve_review,
    "add-person": review.add_person,
    "remove-person": review.remove_person,
    "status": review.review_status,
    "export": review.export_review,
    "import": review.import_review,
}
SANDBOX: Commands = {
    "build": sandbox.build,
    "trust": sandbox.trust_image,
}


class _ReviewCommands(typer.core.TyperGroup):
    """`review RECIPE` serves the page: what is no name of a command of its own is a recipe."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["serve", *args]
        return super().parse_args(ctx, args)


def _group(commands: Commands, said: str, **options: Any) -> typer.Typer:
    group = typer.Typer(help=said, no_args_is_help=True, rich_markup_mode=None, **options)
    for name, command in commands.items():
        group.command(name)(command)
    return group


app = _group(
    COMMANDS,
    "A factory for verified reasoning data: ask teachers, grade every chain, release what is right.",
    name="cotfactory",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(_group(SANDBOX, "The containers that programs run in."), name="sandbox")
app.add_typer(
    _group(REVIEW, "Have people review a recipe's chains: `review RECIPE` serves the page.", cls=_ReviewCommands),
    name="review",
)


NEW_OBJECTS = 20_000
"""So many new objects are waited for before garbage is looked for. Imports make a million that all stay: to look
through them every 700 is a seventh of a short command's CPU."""


def main() -> None:
    """Run the command line; the exit code says how it ended (see `schemas.errors`)."""
    gc.set_threshold(NEW_OBJECTS)
    # People look at the progress; what is logged goes into the run's own file.
    logging.getLogger("cotfactory").propagate = False
    try:
        app()
    except SystemExit as ended:
        if isinstance(ended.code, int):
            _leave(ended.code)
        raise


def _leave(code: int) -> None:
    """End the process with this code at once, unless nobody reads what is left to say.

    All is written down and closed. To take every object apart is a tenth of a short command's CPU, and where threads of
    Prefect's still hold our modules, DuckDB's binding would list all that it finds left.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return
    os._exit(code)
