"""ArraySpool: fixed-size records on disk, appended in batches, read by range, column or row number."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from cotfactory.warehouse.nameless_file import NamelessFile

READ_ROWS = 50_000
Records = npt.NDArray[np.void]


class ArraySpool:
    """Records of one NumPy structured type in a nameless file, gone with the process however that ends."""

    def __init__(self, folder: Path, kind: "np.dtype[np.void]", saved: Path | None = None) -> None:
        """Begin without records, or take over those of a file that `save` has written, which loses its name."""
        self._kind = kind
        self._file = NamelessFile(folder) if saved is None else NamelessFile.taken_over(saved)
        self._rows = self._file.size // kind.itemsize

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()

    def __len__(self) -> int:
        return self._rows

    def append(self, records: Records) -> None:
        """Write records down. Raises WorkspaceError when the disk refuses."""
        self._file.append(np.ascontiguousarray(records, self._kind).tobytes())
        self._file.flush()
        self._rows += len(records)

    def save(self, path: Path) -> None:
        """Write the records to `path`. Raises OSError."""
        self._file.save(path)

    def column(self, name: str, at: int | None = None) -> npt.NDArray[Any]:
        """Return one field of all records; of a field with several values only that `at` this place."""
        parts = [part[name] if at is None else part[name][:, at] for part in self.parts()]
        return np.concatenate(parts) if parts else np.empty(0, self._kind[name].base)

    def take(self, rows: npt.NDArray[np.int64]) -> Records:
        """Return the records with these numbers, which ascend."""
        found = np.empty(len(rows), self._kind)
        done = 0
        while done < len(rows):
            start = int(rows[done])
            end = int(np.searchsorted(rows, start + READ_ROWS))
            found[done:end] = self.rows(start, int(rows[end - 1]) + 1)[rows[done:end] - start]
            done = end
        return found

    def rows(self, start: int, end: int) -> Records:
        """Return the records numbered from `start` up to, not including, `end`."""
        size = self._kind.itemsize
        return np.frombuffer(self._file.read(start * size, end * size), self._kind)

    def parts(self) -> Iterator[Records]:
        """Yield all records, READ_ROWS at a time."""
        for start in range(0, self._rows, READ_ROWS):
            yield self.rows(start, min(start + READ_ROWS, self._rows))
