"""What DuckDB cannot hold is told in one message, and no folder outlives its process."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.warehouse.scratch import bounded_duckdb, scratch_folder
from cotfactory.warehouse.workspace import Workspace, open_workspace

DIES_HOLDING = """
import os, sys
from pathlib import Path
from cotfactory.warehouse.scratch import scratch_folder
from cotfactory.warehouse.workspace import open_workspace
with scratch_folder(open_workspace(Path(sys.argv[1]))) as folder:
    (folder / "big").write_bytes(b"x")
    os._exit(9)
"""


def ask(workspace: Workspace, *statements: str) -> None:
    with scratch_folder(workspace) as folder, bounded_duckdb(folder) as duck:
        for statement in statements:
            duck.execute(statement).fetchall()


def test_too_little_memory_and_disk_are_one_message_with_what_to_do(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "w")
    little = "SET memory_limit = '10MB'", "SET max_temp_directory_size = '1MB'"
    with pytest.raises(WorkspaceError) as raised:
        ask(workspace, *little, "SELECT list(i::VARCHAR || 'x') FROM range(5000000) AS r(i)")
    assert "\n" not in raised.value.message
    assert str(workspace.staging) in raised.value.hint


def test_a_question_that_is_wrong_is_no_full_disk(tmp_path: Path) -> None:
    with pytest.raises(duckdb.CatalogException):
        ask(open_workspace(tmp_path / "w"), "FROM nowhere")


def test_the_folder_of_a_killed_process_is_removed_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "w")
    with scratch_folder(workspace) as ours:
        died = subprocess.run([sys.executable, "-c", DIES_HOLDING, str(workspace.root)], check=False)
        assert died.returncode == 9
        assert len(list(workspace.staging.iterdir())) == 2
        with scratch_folder(workspace) as third:
            assert set(workspace.staging.iterdir()) == {ours, third}
    assert not list(workspace.staging.iterdir())
