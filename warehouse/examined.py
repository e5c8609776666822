"""What chains were found to be, by the id of an examination; a recipe's curation writes down all that it used.

The chains of a problem stand one after the other. Where their key is known, they are taken over together.
"""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from cotfactory.warehouse.arrow_rows import as_numbers
from cotfactory.warehouse.catalog import sealed_files
from cotfactory.warehouse.nameless_file import NamelessFile
from cotfactory.warehouse.row_fetcher import Place, RowFetcher
from cotfactory.warehouse.tables import BATCH_ROWS, SCHEMAS, write_batches
from cotfactory.warehouse.workspace import Workspace

EXAMINED = SCHEMAS["examined"]
LOCATED = np.dtype([("id", "S32"), ("file", np.int32), ("row", np.int32), ("rows", np.int32)])
"""Where the rows of an id are: so many, from this one on."""
Located = npt.NDArray[np.void]


class ExaminedRows:
    """Rows of the table `examined`: 44 bytes of memory for each, the rows themselves stay on disk; a context manager.

    A recipe has one file, which its next curation replaces by what that one used: nothing piles up, and the rows lie
    in the order in which they are asked for. All recipes' files are looked in.
    """

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace, self._name = workspace, name
        # What a version with other columns has found is never asked for.
        files = [path for path in sealed_files(workspace, "examined") if pq.read_schema(path).equals(EXAMINED)]
        self._fetcher = RowFetcher(files, EXAMINED.names)
        located = [_located(number, pq.ParquetFile(path)) for number, path in enumerate(files)]
        self._chains, self._problems = (_sorted([each[place] for each in located]) for place in range(2))
        self._used = NamelessFile(workspace.staging)
        self._pieces: list[tuple[int, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._used.close()

    def look_up(self, ids: Sequence[str]) -> list[dict[str, Any] | None]:
        """Return the rows of the chains with these ids, None for each that there is not."""
        at, is_there = _found(self._chains, ids)
        found: list[dict[str, Any] | None] = [None] * len(ids)
        rows = self._fetcher.fetch(_places(self._chains[at[is_there]]))
        for number, row in zip(np.flatnonzero(is_there).tolist(), rows, strict=True):
            found[number] = row
        return found

    def knows_problem(self, keys: Sequence[str]) -> list[bool]:
        """Return of each key of a problem whether all of its chains are here."""
        return list(map(bool, _found(self._problems, keys)[1]))

    def problems(self, keys: Sequence[str]) -> pa.Table:
        """Return the rows of the problems with these keys, all of which are known, in order."""
        return self._fetcher.table(_places(self._problems[_found(self._problems, keys)[0]]))

    def note(self, rows: pa.Table) -> None:
        """Keep rows that this curation uses. Raises WorkspaceError when the disk refuses."""
        for batch in rows.to_batches():
            raw = batch.serialize().to_pybytes()
            self._pieces.append((self._used.size, self._used.size + len(raw)))
            self._used.append(raw)

    def seal(self) -> None:
        """Replace the recipe's file by the rows that were noted. Raises WorkspaceError."""
        self._used.flush()
        write_batches(self._workspace, "examined", self._name, self._noted())

    def _noted(self) -> Iterator[pa.Table]:
        waiting: list[pa.RecordBatch] = []
        for start, end in self._pieces:
            waiting.append(pa.ipc.read_record_batch(pa.py_buffer(self._used.read(start, end)), EXAMINED))
            if sum(map(len, waiting)) >= BATCH_ROWS:
                yield pa.Table.from_batches(waiting, EXAMINED)
                waiting = []
        yield pa.Table.from_batches(waiting, EXAMINED)


def _located(number: int, file: pq.ParquetFile) -> tuple[Located, Located]:
    """Return where the chains of a file are, and its problems of which no chain is missing."""
    with file:
        table = file.read(columns=["examined_id", "problem_key", "problem_chains"])
    chains = np.empty(len(table), LOCATED)
    chains["id"], chains["file"], chains["row"] = _ids(table["examined_id"]), number, np.arange(len(table))
    chains["rows"] = 1
    keys = _ids(table["problem_key"])
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)])
    problems = chains[starts]
    problems["id"], problems["rows"] = keys[starts], np.diff(starts, append=len(keys))
    return chains, problems[problems["rows"] == as_numbers(table["problem_chains"].combine_chunks())[starts]]


def _ids(column: "pa.ChunkedArray[pa.StringScalar]") -> npt.NDArray[np.bytes_]:
    parts = (np.array([value or "" for value in chunk.to_pylist()], LOCATED["id"]) for chunk in column.chunks)
    return np.concatenate([np.empty(0, LOCATED["id"]), *parts])


def _sorted(located: Sequence[Located]) -> Located:
    rows = np.concatenate([np.empty(0, LOCATED), *located])
    return rows[np.argsort(rows["id"], kind="stable")]


def _found(located: Located, ids: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return where among `located` each id is, and whether it is there."""
    asked = np.array(ids, LOCATED["id"])
    if not len(located):
        return np.zeros(len(ids), np.int64), np.zeros(len(ids), np.bool_)
    at = np.minimum(np.searchsorted(located["id"], asked), len(located) - 1)
    return at, located["id"][at] == asked


def _places(located: Located) -> list[Place]:
    return [Place(int(each["file"]), int(each["row"]) + further) for each in located for further in range(each["rows"])]
