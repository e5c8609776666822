"""An endpoint that repeats the key it was sent, in a chain that is right: the key is nowhere in the workspace."""

import json
import os
import subprocess
from pathlib import Path

from cotfactory.warehouse.catalog import query_catalog
from cotfactory.warehouse.workspace import Workspace
from tests.command_line import run_command
from tests.flows.counting_teacher import counting_teacher, right

KEY = "supersecretkeyvalue"  # no vendor's shape


def test_a_repeated_key_is_stored_nowhere(tmp_path: Path) -> None:
    sums = [
        {"id": str(n), "question": f"What is {n} + 5?", "answer": str(n + 5), "answer_kind": "math"} for n in range(4)
    ]
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(line) + "\n" for line in sums))
    teacher = {"name": "t", "model": "m", "api_key_env": "ECHOED_KEY", "sampling": {"seed": 0}}
    recipe = {
        "name": "sums",
        "problems": [{"source": "file", "path": "sums.jsonl", "license": "mit"}],
        "attempts": 2,
        "release": {"license": "mit"},
    }
    with counting_teacher() as server:
        server.answer = lambda question, seed: f"{f'You sent Bearer {KEY}. ' if seed else ''}{right(question, seed)}"
        teachers = [{**teacher, "base_url": server.base_url}]
        (tmp_path / "recipe.yaml").write_text(json.dumps({**recipe, "teachers": teachers}))
        command = run_command(tmp_path / "recipe.yaml", tmp_path / "w", "--direct")
        environment = {**os.environ, "ECHOED_KEY": KEY}
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
