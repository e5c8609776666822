"""What chains were found to be, by the id of an examination; a recipe's curation writes down all that it used."""

import json
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cotfactory.warehouse.catalog import sealed_files
from cotfactory.warehouse.nameless_file import NamelessFile
from cotfactory.warehouse.row_fetcher import Place, RowFetcher
from cotfactory.warehouse.tables import SCHEMAS, write_table
from cotfactory.warehouse.workspace import Workspace

ID = np.dtype("S32")


class ExaminedRows:
    """Rows of the table `examined`: 40 bytes of memory for each, the rows themselves stay on disk; a context manager.

    A recipe has one file, which its next curation replaces by what that one used: nothing piles up, and the rows lie
    in the order in which they are asked for. All recipes' files are looked in.
    """

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace, self._name = workspace, name
        self._files = sealed_files(workspace, "examined")
        ids = [pq.read_table(path, columns=["examined_id"])["examined_id"] for path in self._files]
        known = pa.chunked_array([chunk for column in ids for chunk in column.chunks], pa.string())
        keys = np.array(known.to_pylist(), ID)
        files = np.repeat(np.arange(len(ids), dtype=np.int32), [len(column) for column in ids])
        rows = np.concatenate([np.empty(0, np.int32), *(np.arange(len(column), dtype=np.int32) for column in ids)])
        order = np.argsort(keys, kind="stable")
        self._keys, self._at_file, self._at_row = keys[order], files[order], rows[order]
        self._fetcher = RowFetcher(self._files, SCHEMAS["examined"].names)
        self._used = NamelessFile(workspace.staging)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._used.close()

    def look_up(self, ids: Sequence[str]) -> list[dict[str, Any] | None]:
        """Return the rows with these ids, None for each that there is not."""
        found: list[dict[str, Any] | None] = [None] * len(ids)
        if not len(self._keys):
            return found
        asked = np.array(ids, ID)
        at = np.minimum(np.searchsorted(self._keys, asked), len(self._keys) - 1)
        there = np.flatnonzero(self._keys[at] == asked)
        places = [Place(int(self._at_file[place]), int(self._at_row[place])) for place in at[there]]
        for number, row in zip(there.tolist(), self._fetcher.fetch(places), strict=True):
            found[number] = row
        return found

    def note(self, rows: Iterable[dict[str, Any]]) -> None:
        """Keep rows that this curation uses. Raises WorkspaceError when the disk refuses."""
        for row in rows:
            self._used.append(json.dumps(row).encode() + b"\n")

    def seal(self) -> None:
        """Replace the recipe's file by the rows that were noted. Raises WorkspaceError."""
        self._used.flush()
        write_table(self._workspace, "examined", self._name, map(json.loads, self._used.lines()))
