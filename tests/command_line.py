"""The command line that runs a recipe in a process of its own."""

import sys
from pathlib import Path


def run_command(recipe: Path, workspace: Path, *options: str) -> list[str]:
    """Return the words of `cotfactory run`; with the option `--direct` it runs without Prefect."""
    return [sys.executable, "-m", "cotfactory", "run", str(recipe), "--workspace", str(workspace), *options]
