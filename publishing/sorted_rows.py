"""Rows on their way into a release: spooled as they come, then sorted by id into Parquet shards.

The order of arrival leaves no trace: the same rows give the same files and the same `rows_sha`, whoever sent
them first. Sorting by id also shuffles, as ids are hashes; and it lets 256 buckets, one for each pair of leading
digits, be sorted one after the other in memory, however large the whole is.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cotfactory.publishing.products.row_parts import Row
from cotfactory.schemas.grade import Split
from cotfactory.schemas.ids import canonical_json, id_of_canonical
from cotfactory.schemas.release_rules import Product
from cotfactory.schemas.rows import ROW_SCHEMAS
from cotfactory.warehouse.arrow_rows import read_lines

SPOOL_BYTES = 8_000_000
"""So many bytes of rows wait in memory, for each spool, to be written together."""
NEW_ROWS = 500
CODEC = pa.Codec("lz4")
ROW_GROUP_ROWS = 20_000
ROW_GROUP_BYTES = 24_000_000
"""Writer and reader hold a row group in memory several times over."""
SHARD_BYTES = 250_000_000
"""Of the compressed file; a reader of the Hub fetches shards whole."""

INDEX = pa.schema(dict[str, pa.DataType](row_id=pa.string(), content_id=pa.string(), row_bytes=pa.int64()))
"""One line for each row, in the order of a product's files: enough to say what differs between two releases without
reading either. `row_bytes` is its length as canonical JSON, about what it takes in memory: files are cut by it."""


class RowSpool:
    """The rows of one product in one file on disk, in pieces: each time that rows are written, one for each bucket.

    A bucket is all rows whose ids begin with the same two digits. In memory are the rows not yet written and where
    the pieces are, 32 bytes for each.
    """

    def __init__(self, product: Product, folder: Path) -> None:
        self.product = product
        self.rows = 0
        folder.mkdir(parents=True, exist_ok=True)
        own = [INDEX.field(name) for name in ("content_id", "row_bytes")]
        self.schema = pa.schema([*ROW_SCHEMAS[product], *own])
        self._path = folder / f"{product}.spool"
        self._file = self._path.open("wb")
        self._pieces: defaultdict[str, list[_Piece]] = defaultdict(list)
        self._new: list[bytes] = []  # as canonical JSON
        self._tables: list[pa.Table] = []
        self._bytes = 0

    def __enter__(self) -> "RowSpool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if error is None:
                self._flush()

    def add(self, rows: Iterable[Row]) -> None:
        """Write rows down, each with the hash of all it says."""
        for row in rows:
            line = canonical_json(row).encode()
            self._new.append(line)
            self._bytes += len(line)
            self.rows += 1
            if len(self._new) == NEW_ROWS:
                self._pack()
            if self._bytes >= SPOOL_BYTES:
                self._flush()

    def take_over(self, rows: pa.Table) -> None:
        """Write rows down that are columns already, with all columns of `schema`."""
        self._tables.append(pa.Table.from_arrays([rows[name] for name in self.schema.names], schema=self.schema))
        self._bytes += pc.sum(rows["row_bytes"]).as_py() or 0
        self.rows += len(rows)
        if self._bytes >= SPOOL_BYTES:
            self._flush()

    def buckets(self) -> Iterator[pa.Table]:
        """Yield the rows of one bucket after the other, in the order of their first digits, once all are written."""
        with self._path.open("rb") as file:
            for _, pieces in sorted(self._pieces.items()):
                yield pa.Table.from_batches([self._read(file, piece) for piece in pieces], self.schema)

    def _pack(self) -> None:
        """Turn new rows into columns, which take a fraction of the memory."""
        table = read_lines(self._new, ROW_SCHEMAS[self.product])
        ids: pa.Array[Any] = pa.array([id_of_canonical(line) for line in self._new], pa.string())
        sizes: pa.Array[Any] = pa.array([len(line) for line in self._new], pa.int64())
        self._tables.append(pa.Table.from_arrays([*table.columns, ids, sizes], schema=self.schema))
        self._new = []

    def _flush(self) -> None:
        self._pack()
        table = pa.concat_tables(self._tables).sort_by("row_id")
        buckets = Counter(str(row_id)[:2] for row_id in table.column("row_id").to_pylist())
        self._tables, self._bytes, start = [], 0, 0
        for bucket, rows in sorted(buckets.items()):
            (batch,) = table.slice(start, rows).combine_chunks().to_batches()
            raw = batch.serialize()
            packed = CODEC.compress(raw)
            self._pieces[bucket].append(_Piece(self._file.tell(), packed.size, raw.size))
            self._file.write(packed)
            start += rows

    def _read(self, file: BinaryIO, piece: "_Piece") -> pa.RecordBatch:
        file.seek(piece.start)
        return pa.ipc.read_record_batch(CODEC.decompress(file.read(piece.size), piece.raw_size), self.schema)


class _Piece(NamedTuple):
    start: int
    size: int
    raw_size: int


def write_index(spools: Iterable[RowSpool], index: Path) -> None:
    """Write the ids and content hashes of the spooled rows to `index`, each spool's sorted, one after the other."""
    with pq.ParquetWriter(index, INDEX, compression="zstd") as writer:
        tables = chain.from_iterable(_sorted(spool, INDEX.names) for spool in spools)
        for group in _row_groups(tables, INDEX):
            writer.write_table(group)


def rows_sha(indexes: Mapping[Product, Path]) -> str:
    """Return the sha256 over the sorted row ids and content hashes of every product.

    It stands for what the rows say: not for their order, the files, compression or any library's version.
    """
    digest = hashlib.sha256()
    for product in sorted(indexes):
        digest.update(f"{product}\n".encode())
        with pq.ParquetFile(indexes[product]) as index:
            for batch in index.iter_batches():
                ids, contents = (batch.column(name).to_pylist() for name in ("row_id", "content_id"))
                lines = (f"{row} {content}\n" for row, content in zip(ids, contents, strict=True))
                digest.update("".join(lines).encode())
    return digest.hexdigest()


def write_shards(spool: RowSpool, folder: Path, split: Split) -> list[Path]:
    """Write the spooled rows of a split, sorted by id, as `train-00000-of-00001.parquet`, ... in `folder`, in order."""
    folder.mkdir(exist_ok=True)
    groups = _row_groups(_sorted(spool, None), ROW_SCHEMAS[spool.product])
    written: list[Path] = []
    group = next(groups, None)
    while group is not None:
        path = folder / f"shard-{len(written):05d}"
        group = _write_shard(path, group, groups)
        written.append(path)
    named = [folder / f"{split}-{each:05d}-of-{len(written):05d}.parquet" for each in range(len(written))]
    for path, name in zip(written, named, strict=True):
        path.rename(name)
    return named


def _write_shard(path: Path, first: pa.Table, more: Iterator[pa.Table]) -> pa.Table | None:
    """Write row groups until the shard is full; return the first one that must go to the next shard."""
    with (
        path.open("wb") as file,
        pq.ParquetWriter(
            file,
            first.schema,
            compression="zstd",
            use_content_defined_chunking=True,  # rows that stay keep their bytes: the Hub stores them once
            write_page_index=True,
        ) as writer,
    ):
        group: pa.Table | None = first
        while group is not None and file.tell() < SHARD_BYTES:
            writer.write_table(group, row_group_size=ROW_GROUP_ROWS)
            group = next(more, None)
    return group


def _sorted(spool: RowSpool, columns: Sequence[str] | None) -> Iterator[pa.Table]:
    """Yield the rows in the order of their ids, one bucket after the other; all columns unless some are named."""
    for bucket in spool.buckets():
        table = bucket if columns is None else bucket.select(columns)
        yield table.sort_by([("row_id", "ascending"), ("content_id", "ascending")])


def _row_groups(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Cut the rows into groups of so many rows or bytes, wherever one table ends and the next begins."""
    pending: list[pa.Table] = []
    rows = size = 0
    for table in tables:
        start = 0
        for end, row_bytes in enumerate(table.column("row_bytes").to_numpy(), 1):
            rows, size = rows + 1, size + int(row_bytes)
            if rows >= ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES:
                yield pa.concat_tables([*pending, table.slice(start, end - start)]).select(schema.names)
                pending, rows, size, start = [], 0, 0, end
        pending.append(table.slice(start))
    if rows:
        yield pa.concat_tables(pending).select(schema.names)
