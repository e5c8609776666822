"""WantedFile: the samples that a recipe wants, in order, as one Parquet file; an id is 16 bytes in it."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.warehouse.catalog import files_sql

CHUNK_ROWS = 20_000


class WantedSample(NamedTuple):
    """One step of a sample that a recipe may want.

    The position is the problem's in the recipe; `candidate_id` is the id of the request, `grade_id` that of the grade
    by the problem's current grader.
    """

    position: int
    teacher_position: int
    sample_index: int
    step: int
    problem_id: str
    candidate_id: str
    grade_id: str


NUMBERS = ("position", "teacher_position", "sample_index", "step")
IDS = ("problem_id", "candidate_id", "grade_id")
COLUMNS: list[tuple[str, pa.DataType]] = [
    *((name, pa.int32()) for name in NUMBERS),
    *((name, pa.uuid()) for name in IDS),
]
WANTED = pa.schema(COLUMNS)


@dataclass(frozen=True)
class WantedFile:
    """Where the samples are, how many, of how many positions of problems (from 0), and a hash of them all."""

    path: Path
    count: int
    positions: int
    digest: str

    @property
    def sql(self) -> str:
        """The SQL expression that reads the samples."""
        return files_sql([self.path])


def write_wanted(path: Path, samples: Iterable[WantedSample]) -> WantedFile:
    """Write samples down. Raises WorkspaceError when the disk refuses."""
    count = positions = 0
    digest = hashlib.blake2b(digest_size=16)
    try:
        with pq.ParquetWriter(path, WANTED, compression="zstd") as writer:
            for chunk in _chunks(samples):
                columns = [
                    _raw(name, values) for name, values in zip(WANTED.names, zip(*chunk, strict=True), strict=True)
                ]
                for raw in columns:
                    digest.update(raw)
                writer.write_table(_table(columns, len(chunk)))
                count += len(chunk)
                positions = max(positions, *(sample.position + 1 for sample in chunk))
            told = WantedFile(path, count, positions, digest.hexdigest())
            writer.add_key_value_metadata({"positions": str(positions), "digest": told.digest})
    except OSError as error:
        raise WorkspaceError(
            f"{path} cannot be written: {error.strerror or error}", "free space and run again"
        ) from error
    return told


def read_wanted(path: Path) -> WantedFile:
    """Return what `write_wanted` told of a file."""
    footer = pq.read_metadata(path)
    told = footer.metadata or {}
    return WantedFile(path, footer.num_rows, int(told[b"positions"]), told[b"digest"].decode())


def _chunks(samples: Iterable[WantedSample]) -> Iterator[Sequence[WantedSample]]:
    rows = iter(samples)
    while chunk := list(islice(rows, CHUNK_ROWS)):
        yield chunk


def _raw(name: str, values: Sequence[Any]) -> bytes:
    """Return a column as its bytes."""
    return bytes.fromhex("".join(values)) if name in IDS else np.array(values, np.int32).tobytes()


def _table(columns: Sequence[bytes], rows: int) -> pa.Table:
    """Return columns as a table; `pa.array` would import pandas first."""
    arrays: list[pa.Array[Any]] = []
    for field, raw in zip(WANTED, columns, strict=True):
        storage = pa.binary(16) if field.name in IDS else field.type
        array = pa.Array.from_buffers(storage, rows, [None, pa.py_buffer(raw)])
        arrays.append(pa.ExtensionArray.from_storage(field.type, array) if field.name in IDS else array)
    return pa.Table.from_arrays(arrays, schema=WANTED)
