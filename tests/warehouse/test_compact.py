"""Small files become one: the same rows in the same order, whatever happens meanwhile, and nobody sees it half done."""

import multiprocessing
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotfactory.schemas.errors import WorkspaceBusy, WorkspaceError
from cotfactory.warehouse import compact as compacting
from cotfactory.warehouse import file_changes
from cotfactory.warehouse.backup import back_up
from cotfactory.warehouse.catalog import build_catalog, query_catalog, sealed_files
from cotfactory.warehouse.checksums import check_sealed
from cotfactory.warehouse.compact import MERGED, compact, has_many_small_files, is_merged
from cotfactory.warehouse.file_changes import changing_folder, is_changing, reading
from cotfactory.warehouse.row_fetcher import Place, RowFetcher
from cotfactory.warehouse.tables import SCHEMAS, seed_tables, write_table
from cotfactory.warehouse.workspace import SEED, Workspace, open_workspace
from cotfactory.warehouse.workspace_lock import exclusive
from tests.builders import a_candidate

NAMES = st.from_regex(r"(a|a-b|a\.b|policy-p|written)-\d{1,2}-[rs]", fullmatch=True)


def seal(workspace: Workspace, name: str, chains: list[str], recipe: str = "r") -> None:
    rows = [{**a_candidate(candidate_id=chain).model_dump(), "recipe": recipe, "run_id": name} for chain in chains]
    write_table(workspace, "candidates", name, rows)


def filled(root: Path, files: int = 4) -> Workspace:
    workspace = open_workspace(root)
    seed_tables(workspace)
    for number in range(files):
        seal(workspace, f"shard-{number}", [f"{number}-{row}" for row in range(3)])
    return workspace


def names(workspace: Workspace, table: str = "candidates") -> list[str]:
    return [path.name for path in sealed_files(workspace, table) if path.name != SEED]


def rows(workspace: Workspace) -> list[tuple[str, str]]:
    """Return (chain, run) of all rows in the order of files and rows, which decides which of two chains is read."""
    tables = [pq.read_table(path, columns=["candidate_id", "run_id"]) for path in sealed_files(workspace, "candidates")]
    table = pa.concat_tables(tables)
    return [(row["candidate_id"], row["run_id"]) for row in table.to_pylist()]


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.dictionaries(NAMES, st.tuples(st.integers(1, 3), st.sampled_from(["", "journal", "grades"])), max_size=5),
        min_size=1,
        max_size=2,
    )
)
def test_rows_and_their_order_stay(history: list[dict[str, tuple[int, str]]]) -> None:
    """Whatever is sealed between one merging and the next, chains that are there twice too."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(compacting, "TARGET_BYTES", 40_000)  # two or three files
        patched.setattr(compacting, "SMALL_BYTES", 20_000)
        workspace = filled(Path(folder), files=1)
        journals, ungraded, sealed = set[str](), set[str](), set[str]()
        for files in history:
            for name, (count, beside) in files.items():
                if name in sealed:  # a name is sealed once
                    continue
                sealed.add(name)
                seal(workspace, name, [str(number) for number in range(count)])
                if beside == "journal":  # it may be sealed again, and would replace a file of that name
                    (workspace.ledger / f"{name}.journal").touch()
                    journals.add(f"{name}.parquet")
                if beside == "grades":
                    write_table(workspace, "grades", name, [{"candidate_id": "0", "problem_id": "p"}])
                elif name.startswith("policy-"):
                    ungraded.add(f"{name}.parquet")
            before, graded = rows(workspace), set(names(workspace, "grades"))
            with exclusive(workspace):
                compact(workspace)
            assert rows(workspace) == before
            check_sealed(workspace)
            left = set(names(workspace))
            assert journals | ungraded <= left
            # What a server graded is looked for by the name of its file of chains, as long as that is there.
            looked_for = {name for name in left & graded if name.startswith("policy-") and MERGED not in name}
            assert looked_for <= set(names(workspace, "grades"))
            assert {f"{path.stem}.parquet" for path in workspace.sums("candidates").iterdir()} == left


def test_row_groups_stay_as_large_as_they_are_sealed_and_older_columns_are_empty(tmp_path: Path) -> None:
    workspace = filled(tmp_path / "w", files=3)
    old = workspace.table("candidates") / "shard-1.parquet"
    older = pq.read_table(old).drop_columns(["tool_calls", "checkpoint"])
    pq.write_table(older, old)
    seal(workspace, "shard-9", [f"9-{row}" for row in range(2_500)])  # two row groups
    compact(workspace)
    (path,) = [path for path in sealed_files(workspace, "candidates") if path.name != SEED]
    footer = pq.read_metadata(path)
    assert [footer.row_group(number).num_rows for number in range(footer.num_row_groups)] == [9, 2_000, 500]
    assert pq.read_schema(path).equals(SCHEMAS["candidates"])
    fetched = RowFetcher([path], ["candidate_id", "checkpoint"]).fetch([Place(0, 2_508), Place(0, 4)])
    assert [row["candidate_id"] for row in fetched] == ["9-2499", "1-1"]


def test_a_file_of_a_newer_version_is_left(tmp_path: Path) -> None:
    workspace = filled(tmp_path / "w", files=2)
    path = workspace.table("candidates") / "shard-1.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column("mood", pa.nulls(len(table), pa.string())), path)
    with pytest.raises(WorkspaceError, match="mood"):
        compact(workspace)
    assert names(workspace) == ["shard-0.parquet", "shard-1.parquet"]
    assert not changing_folder(workspace).exists()


def test_only_where_many(tmp_path: Path) -> None:
    workspace = filled(tmp_path / "w")
    assert compact(workspace, only_where_many=True) == []
    for number in range(compacting.MANY):
        write_table(workspace, "runs", f"r{number:02d}", [{"run_id": f"r{number}", "recipe": "r"}])
    assert not has_many_small_files(workspace)
    write_table(workspace, "runs", "s", [{"run_id": "s", "recipe": "r"}])
    assert [merged.table for merged in compact(workspace, only_where_many=True)] == ["runs"]
    assert len(names(workspace)) == 4
    assert not has_many_small_files(workspace)


class KilledError(BaseException):
    """Stands for kill -9 between two steps."""


def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have merging end before the step of this number; return where steps are noted."""
    done: list[str] = []

    def until_killed(name: str, real: Callable[..., Any], *given: Any, **named: Any) -> Any:
        if len(done) == step:
            raise KilledError
        done.append(name)
        return real(*given, **named)

    for module, name in (
        *((compacting, name) for name in ("write_file", "sync", "make_changes")),
        *((file_changes, name) for name in ("write_lines", "sync", "_put", "_remove", "note_checksum", "rename")),
        (shutil, "rmtree"),
    ):
        monkeypatch.setattr(module, name, partial(until_killed, name, getattr(module, name)))
    return done


def test_killed_anywhere_nothing_is_lost_doubled_or_left(tmp_path: Path) -> None:
    """And a question right afterwards, while nobody holds the workspace, sees each chain once."""
    with pytest.MonkeyPatch.context() as patched:
        workspace = filled(tmp_path / "whole", files=3)
        done = killed_at(10_000, patched)  # counts them, kills nothing
        compact(workspace)
        steps = len(done)
    assert steps > 10
    template = filled(tmp_path / "template", files=3)
    build_catalog(template)
    for step in range(steps):
        workspace = Workspace(Path(shutil.copytree(template.root, tmp_path / str(step))))
        before = rows(workspace)
        with pytest.MonkeyPatch.context() as patched:
            killed_at(step, patched)
            with pytest.raises(KilledError):
                compact(workspace)
        counted = query_catalog(workspace, "SELECT count(*), count(DISTINCT candidate_id) FROM candidates")
        assert counted[1] == [(9, 9)]
        assert not is_changing(workspace)
        with exclusive(workspace):  # the next command
            compact(workspace)
        assert rows(workspace) == before
        check_sealed(workspace)
        assert len(names(workspace)) == 1
        assert len(list(workspace.sums("candidates").iterdir())) == 1
        assert not changing_folder(workspace).exists()


def test_nothing_is_merged_while_somebody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "BUSY_S", 0.0)
    workspace = filled(tmp_path / "w")
    build_catalog(workspace)
    with reading(workspace), pytest.raises(WorkspaceBusy, match="being read"):
        compact(workspace)
    # People who have the catalog open in a process of their own hold it by DuckDB's lock.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    person = context.Process(target=open_catalog, args=(str(workspace.catalog), theirs))
    person.start()
    assert ours.recv() == 12
    with pytest.raises(WorkspaceBusy):
        compact(workspace)
    assert len(names(workspace)) == 4
    assert not changing_folder(workspace).exists()
    ours.send("close")
    person.join()
    build_catalog(workspace)
    assert [(merged.before, merged.after) for merged in compact(workspace)] == [(4, 1)]
    assert query_catalog(workspace, "SELECT count(*) FROM candidates")[1] == [(12,)]


def open_catalog(path: str, pipe: Any) -> None:
    """Ask the catalog in a process of one's own, and keep it open until told."""
    with duckdb.connect(path, read_only=True) as connection:
        pipe.send(connection.sql("SELECT count(*) FROM candidates").fetchall()[0][0])
        pipe.recv()


def test_a_backup_takes_what_was_merged_for_what_it_had(tmp_path: Path) -> None:
    workspace = filled(tmp_path / "w")
    back_up(workspace, tmp_path / "copy")
    (workspace.table("candidates") / "shard-0.parquet").unlink()  # its chains are nowhere else: they were paid for
    compact(workspace)
    copied = back_up(workspace, tmp_path / "copy")
    assert copied.kept == ("shard-0.parquet",)
    copy = Workspace(tmp_path / "copy")
    assert sorted(chain for chain, _ in rows(copy)) == [f"{number}-{row}" for number in range(4) for row in range(3)]
    assert [is_merged(path) for path in sealed_files(copy, "candidates") if path.name != SEED] == [False, True]
