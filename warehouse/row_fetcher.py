"""RowFetcher: rows of sealed Parquet files by file and row number, in any order, a bounded window at a time."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

LIST_ROWS = 256
"""So many rows at a time are turned from columns into Python objects, which are several times as large."""


class Place(NamedTuple):
    """Where a row is: the number of its file among those of the fetcher, and its own number in the file."""

    file: int
    row: int


class _Layout(NamedTuple):
    """The first row of each row group, and the mean bytes of a row before compression."""

    firsts: list[int]
    row_bytes: float


class RowFetcher:
    """Reads the columns named from `files`, which never change.

    A row group is read whole, so that fetching is cheap where rows that are wanted together were written together, as
    the attempts at a problem were; it is still right, and no larger in memory, where they were not.
    """

    def __init__(self, files: Sequence[Path], columns: Sequence[str]) -> None:
        self._files, self._columns = files, list(columns)
        self._layouts: dict[int, _Layout] = {}
        self._last: tuple[int, pq.FileMetaData] | None = None

    def row_bytes(self, file: int) -> float:
        """Return how many bytes a row of a file has on average."""
        return self._layout(file).row_bytes

    def fetch(self, places: Sequence[Place]) -> Iterator[dict[str, Any]]:
        """Yield the rows at `places`, in that order; they are all in memory at once, as columns."""
        table = self.table(places)
        for start in range(0, len(table), LIST_ROWS):
            yield from table.slice(start, LIST_ROWS).to_pylist()

    def table(self, places: Sequence[Place]) -> pa.Table:
        """Return the rows at `places`, in that order; a table of no rows for none."""
        wanted: defaultdict[Place, list[int]] = defaultdict(list)  # (file, row group) -> numbers in `places`
        for number, place in enumerate(places):
            group = bisect_right(self._layout(place.file).firsts, place.row) - 1
            wanted[Place(place.file, group)].append(number)
        parts, order = [], []
        for at, numbers in sorted(wanted.items()):
            first = self._layout(at.file).firsts[at.row]
            rows = np.array([places[number].row - first for number in numbers], np.int32)
            with pq.ParquetFile(self._files[at.file], metadata=self._footer(at.file)) as file:
                parts.append(file.read_row_group(at.row, columns=self._columns, use_threads=False).take(rows))
            order += numbers
        if not parts:
            return pa.table({})
        table = pa.concat_tables(parts, promote_options="default").combine_chunks()
        where = np.empty(len(order), np.int32)
        where[order] = np.arange(len(order), dtype=np.int32)
        return table.take(where)

    def _footer(self, file: int) -> pq.FileMetaData:
        """Return the footer of a file; the last one is kept, for that of a merged file takes as long as its rows."""
        if self._last is None or self._last[0] != file:
            self._last = file, pq.read_metadata(self._files[file])
        return self._last[1]

    def _layout(self, file: int) -> _Layout:
        if file not in self._layouts:
            footer = self._footer(file)
            groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
            firsts = list(accumulate((group.num_rows for group in groups), initial=0))
            size = sum(group.total_byte_size for group in groups)
            self._layouts[file] = _Layout(firsts[:-1], size / max(1, footer.num_rows))
        return self._layouts[file]
