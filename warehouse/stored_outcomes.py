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

    def __init__(self, folder: Path) -> None:
        self._spool = ArraySpool(folder, OUTCOME)
        self._positions = np.empty(0, np.int32)

    def close(self) -> None:
        """Give the disk back."""
        self._spool.close()

    def __len__(self) -> int:
        return len(self._positions)

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
        for record in records[records["teacher_position"] == teacher_position]:
            verdict = None if record["verdict"] < 0 else VERDICTS[record["verdict"]]
            yield StoredOutcome(
                int(record["position"]),
                int(record["sample_index"]),
                int(record["step"]),
                verdict,
                bool(record["is_truncated"]),
                bool(record["calls"]),
            )
