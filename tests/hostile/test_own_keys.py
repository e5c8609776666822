"""An endpoint that repeats the key it was sent, in a chain that is right: the key is nowhere in the workspace."""

import os
import subprocess
from pathlib import Path

from cotfactory.warehouse.catalog import query_catalog
from cotfactory.warehouse.workspace import Workspace
from tests.command_line import run_command
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, right

KEY = "supersecretkeyvalue"  # no vendor's shape


def test_a_repeated_key_is_stored_nowhere(write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path) -> None:
    teacher.answer = lambda question, seed: f"{f'You sent Bearer {KEY}. ' if seed else ''}{right(question, seed)}"
    asked = {"name": "t", "model": "m", "base_url": teacher.base_url, "api_key_env": "ECHOED", "sampling": {"seed": 0}}
    command = run_command(write_recipe(4, teachers=[asked], attempts=2), tmp_path / "w", "--direct")
    environment = {**os.environ, "ECHOED": KEY}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "4 key_like" in done.stderr
    assert KEY not in done.stdout + done.stderr
    _, rows = query_catalog(Workspace(tmp_path / "w"), "SELECT * FROM candidates")
    assert len(rows) == 8
    assert KEY not in str(rows)
    assert str(rows).count("KEY_OF_THIS_RUN_LEFT_OUT") == 4
    plain = [path for path in (tmp_path / "w").rglob("*") if path.is_file() and path.suffix != ".parquet"]
    assert not [path for path in plain if KEY.encode() in path.read_bytes()]
