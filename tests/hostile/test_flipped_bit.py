"""A bit that a disk flipped in what was bought stops the run before a row is made of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import run_command
from tests.flows.conftest import WriteRecipe


@pytest.mark.parametrize("table", ["candidates", "decisions"])
def test_nothing_is_released_of_a_garbled_table(table: str, write_recipe: WriteRecipe, tmp_path: Path) -> None:
    recipe, workspace = write_recipe(count=2), tmp_path / "w"
    subprocess.run(run_command(recipe, workspace, "--direct"), capture_output=True, check=True)
    path = max((workspace / "tables" / table).glob("*.parquet"), key=lambda file: file.stat().st_size)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)
    command = [sys.executable, "-m", "cotfactory", "release", str(recipe), "--workspace", str(workspace)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"The sealed file {path} is not as it was sealed" in done.stderr
    assert "Traceback" not in done.stderr
    assert [folder.name for folder in (workspace / "releases" / "sums").iterdir()] == ["v1.0.0"]
