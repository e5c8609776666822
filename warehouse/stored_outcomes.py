"""StoredOutcomes: which wanted samples are stored and what became of them, answered without a database.

While teachers are asked this is looked up for every shard, on the event loop: a query would hold everybody up.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from cotfactory.schemas.grade import VERDICTS, Verdict
from cotfactory.warehouse.array_spool import ArraySpool
from cotfactory.warehouse.arrow_rows import as_numbers

OUTCOME = np.dtype(
    [
        ("position", np.int32),
        ("teacher_position", np.int32),
        ("sample_index", np.int32),
        ("step", np.int32),
        ("verdict", np.int8),
        ("is_truncated", np.bool_),
        ("calls", np.bool_),
    ]
)
"""One stored sample; `verdict` is its place in VERDICTS, -1 without a grade."""


class StoredOutcome(NamedTuple):
    """A wanted sample that is stored; no verdict: it is not graded yet."""

    position: int
    sample_index: int
    step: int
    verdict: Verdict | None
    is_truncated: bool
    calls: bool


class StoredOutcomes:
    """Outcomes in the order of their positions: 4 bytes of memory for each, and 19 on disk."""

    def __init__(self, folder: Path, saved: Path | None = None) -> None:
        """Begin without any, or take over those of a file that `save` has written, which loses its name."""
        self._spool = ArraySpool(folder, OUTCOME, saved)
        self._positions = self._spool.column("position")

    def close(self) -> None:
        """Give the disk back."""
        self._spool.close()

    def __len__(self) -> int:
        return len(self._positions)

    def save(self, path: Path) -> None:
        """Write the outcomes to `path`. Raises OSError."""
        self._spool.save(path)

    def append(self, batch: pa.RecordBatch) -> None:
        """Add outcomes, columns named as in OUTCOME, whose positions are no less than those before."""
        records = np.empty(len(batch), OUTCOME)
        for name in OUTCOME.names or ():
            records[name] = as_numbers(batch.column(name))
        self._spool.append(records)
        self._positions = np.concatenate([self._positions, records["position"]])

    def digest(self) -> str:
        """Return a hash of all of them."""
        digest = hashlib.blake2b(digest_size=16)
        for part in self._spool.parts():
            digest.update(part.tobytes())
        return digest.hexdigest()

    def of(self, teacher_position: int, first: int, last: int) -> Iterator[StoredOutcome]:
        """Yield those of one teacher for the problems at positions `first` to `last`."""
        start, end = np.searchsorted(self._positions, [first, last + 1])
        records = self._spool.rows(int(start), int(end))
        of_teacher = records[records["teacher_position"] == teacher_position].tolist()
        for position, _, sample_index, step, verdict, is_truncated, calls in of_teacher:
            yield StoredOutcome(
                position, sample_index, step, None if verdict < 0 else VERDICTS[verdict], is_truncated, calls
            )

    def count_of(self, teacher_position: int, first: int, last: int) -> int:
        """Return how many there are of one teacher for the problems at positions `first` to `last`."""
        start, end = np.searchsorted(self._positions, [first, last + 1])
        return int(np.count_nonzero(self._spool.rows(int(start), int(end))["teacher_position"] == teacher_position))

    def to_grade(self) -> frozenset[int]:
        """Return the positions with an outcome that has no verdict, or `ungraded`."""
        found = [
            part["position"][(part["verdict"] < 0) | (part["verdict"] == VERDICTS.index("ungraded"))]
            for part in self._spool.parts()
        ]
        return frozenset(np.unique(np.concatenate(found)).tolist()) if found else frozenset()
