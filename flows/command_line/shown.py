"""What every command does: show what came of it or went wrong, find its workspace, ask whoever is at the terminal."""

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from cotfactory.flows.command_line.options import WORKSPACE
from cotfactory.flows.host.signals import StopSignals
from cotfactory.schemas.errors import CotfactoryError
from cotfactory.schemas.printable import printable


@contextmanager
def shown(as_json: bool, debug: bool) -> Iterator[Callable[[Any], None]]:
    """Run a command inside; print what it shows (a Record, or None) or its error, and leave with the right exit code.

    An error that leaves a summary behind (a budget or a contract stopped the run) prints both.
    """
    code = 0
    results: list[Any] = []
    try:
        with StopSignals().handled() as signals:
            yield results.append
    except CotfactoryError as error:
        if debug:
            raise
        print(f"cotfactory: {printable(str(error))}", file=sys.stderr)
        code = error.exit_code
        results.append(error.summary)
        # Prefect keeps the error until the interpreter ends, and the error its frames with their open databases.
        traceback.clear_frames(error.__traceback__)
    except BaseException as error:
        # DuckDB makes a RuntimeError of its own of a signal that interrupts a question.
        if signals.received is None and not isinstance(error, KeyboardInterrupt):
            raise
        print(f"cotfactory: {signals.interruption()}", file=sys.stderr, flush=True)
        # Everything is sealed and every child has ended; what libraries still hold would only complain at the end.
        os._exit(signals.exit_code)
    result = results[0] if results else None
    if as_json and result is not None:
        print(json.dumps(result.model_dump(mode="json"), ensure_ascii=False))
    elif result is not None and code == 0:
        print(printable(result.text()))
    if signals.received is not None:
        # Threads of libraries still hold our modules when the interpreter ends, and DuckDB's binding would list them.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise typer.Exit(code)


def workspace_of(recipe: Path | None, given: Path | None) -> Path:
    """Return the workspace of a recipe, and say where it is when that is not the current folder's."""
    from cotfactory.warehouse.workspace import find_workspace

    found = given or find_workspace(recipe, WORKSPACE)
    if given is None and found != WORKSPACE:
        here = f"; the one in {WORKSPACE.resolve()} is left alone" if WORKSPACE.exists() else ""
        print(f"cotfactory: the workspace is beside the recipe, {found}{here}", file=sys.stderr)
    return found


def trust_hosts(recipe: Path | None, hosts: list[str] | None) -> None:
    """Remember which hosts the recipe's keys may go to: those named, and what is answered with yes on a terminal."""
    if recipe is None:  # the demo sends nothing to anybody
        return
    from cotfactory.flows.host.trusted_hosts import trust_what_is_answered_yes
    from cotfactory.flows.load_recipe import load_recipe

    trust_what_is_answered_yes(load_recipe(recipe), hosts or (), ask_on_terminal())


def ask_on_terminal() -> Callable[[str], bool] | None:
    """Return what asks a person on the terminal a yes-or-no question; None where nobody can answer."""
    can_answer = sys.stdin.isatty() and sys.stderr.isatty()
    return (lambda question: typer.confirm(question, err=True)) if can_answer else None
