"""A workspace is a folder: moved, copied while a run goes on, looked over; a copy answers from itself."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from cotfactory.flows.inspect.ask_catalog import describe_workspace
from cotfactory.flows.inspect.compact import compact_workspace
from cotfactory.flows.inspect.doctor import Sick, back_up_workspace, examine_workspace
from cotfactory.schemas.errors import WorkspaceError
from cotfactory.warehouse.catalog import query_catalog
from cotfactory.warehouse.workspace import SEED, Workspace, open_workspace
from cotfactory.warehouse.workspace_lock import exclusive
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher
from tests.flows.prefect_server import at_call
from tests.flows.test_build import ask, run

CHAINS = "SELECT count(*) FROM candidates"


def sealed_chains(workspace: Path) -> list[Path]:
    return sorted(path for path in (workspace / "tables/candidates").glob("*.parquet") if path.name != SEED)


def test_a_copied_or_moved_workspace_answers_from_itself(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    run(write_recipe(count=2), tmp_path / "w")
    shutil.copytree(tmp_path / "w", tmp_path / "copy")
    for path in sealed_chains(tmp_path / "copy"):
        path.unlink()
    assert query_catalog(Workspace(tmp_path / "copy"), CHAINS)[1] == [(0,)]
    assert ask(tmp_path / "w", CHAINS) == [(6,)]
    (tmp_path / "w").rename(tmp_path / "moved")
    assert query_catalog(Workspace(tmp_path / "moved"), CHAINS)[1] == [(6,)]
    assert describe_workspace(tmp_path / "moved").tables["candidates"] == 6


def test_a_backup_that_is_made_while_a_run_goes_on_is_whole_and_goes_on(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was bought by then is in it, sealed or not; its run asks only for the rest and releases the same rows."""
    recipe, backup = write_recipe(count=12, shard_problems=2), tmp_path / "backup"
    at_call(teacher, 20, lambda: back_up_workspace(tmp_path / "w", backup))
    released = run(recipe, tmp_path / "w").release
    asked = teacher.calls
    assert asked == 36
    teacher.on_ask = None
    taken_up = run(recipe, backup)
    assert 0 < teacher.calls - asked < 36
    assert query_catalog(Workspace(backup), "SELECT count(*), count(DISTINCT candidate_id) FROM candidates")[1] == [
        (36, 36)
    ]
    assert released is not None
    assert taken_up.release is not None
    assert taken_up.release.rows_sha == released.rows_sha
    assert examine_workspace(backup).faults == ()

    # Incremental: a second one of a quiet workspace copies what is new, and what is as it was stays.
    first = back_up_workspace(tmp_path / "w", tmp_path / "quiet")
    second = back_up_workspace(tmp_path / "w", tmp_path / "quiet")
    assert (second.files, second.removed) == (0, 0)
    assert second.already_there == first.files
    # The files that a run merges in the end are not lost ones.
    with monkeypatch.context() as patched:
        patched.setattr("cotfactory.warehouse.compact.MANY", 2)
        merged = run(recipe, tmp_path / "w").release
    assert merged is not None
    assert (merged.version, merged.unchanged) == (released.version, True)
    assert len(sealed_chains(tmp_path / "w")) == 1
    assert "runs: 1 sealed file in place of 2" in compact_workspace(tmp_path / "w").text()
    assert back_up_workspace(tmp_path / "w", tmp_path / "quiet").kept == ()
    assert examine_workspace(tmp_path / "quiet").faults == ()
    # A workspace that lost its chains does not take them from the backup too.
    lost = sealed_chains(tmp_path / "w")[0]
    lost.unlink()
    third = back_up_workspace(tmp_path / "w", tmp_path / "quiet")
    assert third.kept == (lost.name,)
    assert (tmp_path / "quiet/tables/candidates" / lost.name).exists()
    assert query_catalog(Workspace(tmp_path / "quiet"), CHAINS)[1] == [(36,)]


def test_a_backup_does_not_go_where_it_would_do_harm(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    run(write_recipe(count=1), tmp_path / "w")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/one.jpg").write_bytes(b"x")
    for target, said in (
        ("w", "in each other"),
        ("w/releases", "in each other"),
        (".", "in each other"),
        ("photos", "not empty and no copy"),
    ):
        with pytest.raises(WorkspaceError, match=said):
            back_up_workspace(tmp_path / "w", tmp_path / target)
    with pytest.raises(WorkspaceError, match="There is no workspace"):
        back_up_workspace(tmp_path / "nowhere", tmp_path / "b")
    assert not (tmp_path / "nowhere").exists()


def test_the_doctor_tells_all_damage_and_what_is_left(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    run(write_recipe(count=8), tmp_path / "w")
    whole = examine_workspace(tmp_path / "w")
    assert (whole.faults, whole.left, whole.held_by) == ((), (), None)
    (tmp_path / "w").chmod(0o755)
    first, second = sealed_chains(tmp_path / "w")
    moved = first.rename(tmp_path / first.name)
    with pytest.raises(Sick, match="grades without a chain: 12") as caught:
        examine_workspace(tmp_path / "w")
    assert f"the sum of candidates/{first.name}" in str(caught.value)
    assert "chmod 700" in str(caught.value)
    moved.rename(first)
    for path in (first, second):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    with pytest.raises(Sick, match="2 faults") as caught:
        examine_workspace(tmp_path / "w")
    assert first.name in str(caught.value)
    assert second.name in str(caught.value)


def test_status_names_who_holds_a_workspace(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    run(write_recipe(count=1), tmp_path / "w")
    assert describe_workspace(tmp_path / "w").held_by is None
    with exclusive(Workspace(tmp_path / "w")):
        status = describe_workspace(tmp_path / "w")
        assert status.held_by == os.getpid()
        assert f"in use by process {os.getpid()}" in status.text()
    # A lock without a process in it: somebody else's tool.
    with (tmp_path / "w/run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert describe_workspace(tmp_path / "w").held_by == 0


def test_a_workspace_of_another_format_is_left_alone(tmp_path: Path) -> None:
    open_workspace(tmp_path / "w")
    assert (tmp_path / "w/format").read_text() == "1\n"
    (tmp_path / "w/format").write_text("2\n")
    with pytest.raises(WorkspaceError, match="has the format '2'"):
        open_workspace(tmp_path / "w")
