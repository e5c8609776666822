"""Sealed files are merged where a table has many small ones; rows, their order and their ids stay what they are.

Only files that follow each other by name are merged, and the new file takes their place in that order: of a chain that
was bought twice the same one is taken, and of two grades of one instant the same one is the newest. The old files go
when the new one is on disk whole, in one change that no reader sees half (`file_changes`).
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import WorkspaceBusy, WorkspaceError
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.record import Record
from cotfactory.warehouse.catalog import sealed_files
from cotfactory.warehouse.file_changes import ChangePlan, Step, changing_folder, clear_undecided, make_changes
from cotfactory.warehouse.stored_rollouts import ROLLOUT_FILES
from cotfactory.warehouse.synced import sync
from cotfactory.warehouse.tables import BATCH_CHARACTERS, BATCH_ROWS, SCHEMAS, write_file
from cotfactory.warehouse.workspace import SEED, Workspace

MERGEABLE = ("candidates", "grades", "rewards", "review_items", "reviews", "runs")
"""The tables whose files nobody looks up by name; of a rollout's the candidates are first (`_is_settled`)."""
TARGET_BYTES = 256 * 2**20
SMALL_BYTES = TARGET_BYTES // 2
"""A file is merged with others while it is smaller."""
MANY = 50
"""So many small files of a table are left as they are at the end of a run."""
MERGED = ".merged-"
"""In the names of merged files, between the name of the last one in it and a hash: no journal seals to such a name."""
BUSY_S = 2.0


class Merged(Record):
    """How many sealed files a table had, and how many it has now."""

    table: str
    before: int
    after: int

    def text(self) -> str:
        """Return it for people."""
        return f"{self.table}: {counted(self.after, 'sealed file')} in place of {self.before:,}"


def has_many_small_files(workspace: Workspace) -> bool:
    """Return whether a table has so many small files that they are to be merged."""
    return any(_is_scattered(workspace, table) for table in MERGEABLE)


def compact(
    workspace: Workspace, *, only_where_many: bool = False, advance: Callable[[], None] = lambda: None
) -> list[Merged]:
    """Merge the small files of all tables, or where there are many, and return what was merged.

    The workspace must be held; `advance` is called after each new file. Killed at any point, the tables hold what they
    held. Raises WorkspaceBusy while somebody reads the tables, and WorkspaceError where the disk refuses: what was
    merged before stays so, and nothing else was changed.
    """
    merged = []
    for table in MERGEABLE:
        if only_where_many and not _is_scattered(workspace, table):
            continue
        before = len(_files(workspace, table))
        for files in _neighbours(workspace, table):
            _merge(workspace, table, files)
            advance()
        if (after := len(_files(workspace, table))) < before:
            merged.append(Merged(table=table, before=before, after=after))
    return merged


def is_merged(path: Path) -> bool:
    """Return whether a sealed file was made of several."""
    return MERGED in path.name


def _files(workspace: Workspace, table: str) -> list[Path]:
    return [path for path in sealed_files(workspace, table) if path.name != SEED]


def _is_small(path: Path) -> bool:
    return path.stat().st_size < SMALL_BYTES


def _is_scattered(workspace: Workspace, table: str) -> bool:
    return sum(_is_small(path) for path in _files(workspace, table)) > MANY


def _neighbours(workspace: Workspace, table: str) -> Iterator[list[Path]]:
    """Yield runs of two and more small files that follow each other by name, of about TARGET_BYTES in all."""
    files: list[Path] = []
    size = 0
    all_files = _files(workspace, table)
    journals = {path.stem for path in workspace.ledger.iterdir()}  # after the files: what has none by now is sealed
    for path in all_files:
        if _is_small(path) and path.stem not in journals and _is_settled(workspace, table, path):
            files.append(path)
            size += path.stat().st_size
            if size < TARGET_BYTES:
                continue
        if len(files) > 1:
            yield files
        files, size = [], 0
    if len(files) > 1:
        yield files


def _is_settled(workspace: Workspace, table: str, path: Path) -> bool:
    """Return whether nobody looks for the file by its name: grades of a reward server's rollouts are found so."""
    if path.name.startswith(ROLLOUT_FILES) and not is_merged(path):
        if table == "candidates":
            return (workspace.table("grades") / path.name).exists()
        if table in ("grades", "rewards"):
            return not (workspace.table("candidates") / path.name).exists()
    return True


def _merge(workspace: Workspace, table: str, files: Sequence[Path]) -> None:
    """Put one file in the place of `files`. Raises as `compact`."""
    last = files[-1].stem.partition(MERGED)[0]
    name = f"{last}{MERGED}{content_id([path.name for path in files])[:8]}.parquet"
    target = files[-1].with_name(name)
    inside = target.relative_to(workspace.root)
    prepared = changing_folder(workspace) / inside
    try:
        prepared.parent.mkdir(parents=True, exist_ok=True)
        rows = sum(pq.read_metadata(path).num_rows for path in files)
        if (written := write_file(prepared, table, _row_groups(files, SCHEMAS[table]))) != rows:
            raise OSError(f"{written:,} of {rows:,} rows were read")
        sync(prepared)
        gone = (Step(path=str(path.relative_to(workspace.root))) for path in files)
        make_changes(workspace, ChangePlan(steps=(Step(path=str(inside), is_put=True), *gone)), BUSY_S)
    except WorkspaceBusy:
        clear_undecided(workspace)
        raise
    except (OSError, pa.ArrowException) as error:
        clear_undecided(workspace)
        raise WorkspaceError(
            f"{len(files):,} files of {target.parent} cannot be merged: {error}",
            "free space, or see `cotfactory doctor`, and try again; nothing was changed",
        ) from error


def _row_groups(files: Sequence[Path], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the rows of `files` in their order; small row groups are put together, as large as they are sealed."""
    waiting: list[pa.Table] = []
    rows = size = 0
    for table in (table for path in files for table in _read(path, schema)):
        if waiting and (rows + len(table) > BATCH_ROWS or size + table.nbytes > BATCH_CHARACTERS):
            yield pa.concat_tables(waiting).combine_chunks()
            waiting, rows, size = [], 0, 0
        waiting.append(table)
        rows, size = rows + len(table), size + table.nbytes
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def _read(path: Path, schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the row groups of a file; a column that the table got after it was sealed holds nothing."""
    with pq.ParquetFile(path) as file:
        if more := set(file.schema_arrow.names) - set(schema.names):
            raise OSError(f"{path} has columns that are not known here: {', '.join(sorted(more))}")
        for number in range(file.num_row_groups):
            table = file.read_row_group(number, use_threads=False)
            columns = [
                table[field.name] if field.name in table.column_names else pa.nulls(len(table), field.type)
                for field in schema
            ]
            yield pa.table(columns, names=schema.names).cast(schema)
