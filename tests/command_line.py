"""The command line: in a process of its own, as people have it, or in this one, where all is imported already."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cotfactory.flows.cli import app


def run_command(recipe: Path, workspace: Path, *options: str) -> list[str]:
    """Return the words of `cotfactory run`; with the option `--direct` it runs without Prefect."""
    return [sys.executable, "-m", "cotfactory", "run", str(recipe), "--workspace", str(workspace), *options]


def cotfactory_process(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, and wait for its end."""
    return subprocess.run(
        [sys.executable, "-m", "cotfactory", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def cotfactory(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this process: the same words, exit code and output, without a second or two of imports.

    Only `run` and `deploy` with Prefect need a process of their own, and what is to be killed. An exception that the
    command line lets out is raised here.
    """
    words, code = list(map(str, arguments)), 0
    with (
        redirect_stdout(StringIO()) as out,
        redirect_stderr(StringIO()) as err,
        patch.dict(os.environ, environment),
        _nothing_logged_to_the_screen(),
    ):
        try:
            app(words, prog_name="cotfactory")
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@contextmanager
def _nothing_logged_to_the_screen() -> Iterator[None]:
    """As `cotfactory.flows.cli.main` has it."""
    logger = logging.getLogger("cotfactory")
    logger.propagate, before = False, logger.propagate
    try:
        yield
    finally:
        logger.propagate = before


def last_line(done: subprocess.CompletedProcess[str]) -> Any:
    """Return the JSON object that a command with `--json` prints last."""
    return json.loads(done.stdout.strip().splitlines()[-1])
