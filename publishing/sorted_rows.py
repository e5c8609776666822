"""Rows on their way into a release: spooled as they come, then sorted by id into Parquet shards.

The order of arrival leaves no trace: the same rows give the same files and the same `rows_sha`, whoever sent
them first. Sorting by id also shuffles: ids are hashes. DuckDB sorts outside memory.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from publishing.build_rows import Row
from schemas.ids import content_id
from schemas.recipe import Product
from schemas.rows import ROW_SCHEMAS

SPOOL_BYTES = 32_000_000
ROW_GROUP_ROWS = 20_000
ROW_GROUP_BYTES = 100_000_000
SHARD_BYTES = 250_000_000
"""Of the compressed file; a reader of the Hub fetches shards whole."""

INDEX = pa.schema([("row_id", pa.string()), ("content_id", pa.string())])
"""One line for each row: enough to say what differs between two releases without reading either."""


class RowSpool:
    """The rows of one product in the order of arrival, on disk: `PRODUCT.parquet` in `folder`."""

    def __init__(self, product: Product, folder: Path) -> None:
        self.product = product
        self.path = folder / f"{product}.parquet"
        own = [("content_id", pa.string()), ("row_bytes", pa.int64())]
        self._schema = pa.schema([*ROW_SCHEMAS[product], *(pa.field(*each) for each in own)])
        self._pending: list[Row] = []
        self._pending_bytes = 0
        self._writer = pq.ParquetWriter(self.path, self._schema, compression="zstd", compression_level=1)

    def __enter__(self) -> "RowSpool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._flush()
        self._writer.close()

    def add(self, rows: Iterable[Row]) -> None:
        """Write rows down, each with the hash of all it says."""
        for row in rows:
            row_bytes = sum(len(str(value)) for value in row.values())
            self._pending.append({**row, "content_id": content_id(row), "row_bytes": row_bytes})
            self._pending_bytes += row_bytes
            if self._pending_bytes >= SPOOL_BYTES:
                self._flush()

    def _flush(self) -> None:
        if self._pending:
            self._writer.write_table(pa.Table.from_pylist(self._pending, self._schema))
        self._pending, self._pending_bytes = [], 0


def write_index(spool: Path, index: Path, scratch: Path) -> None:
    """Write the ids and content hashes of the spooled rows to `index`, sorted; `scratch` is for sorting."""
    index.parent.mkdir(exist_ok=True)
    with pq.ParquetWriter(index, INDEX, compression="zstd") as writer:
        for batch in _sorted(spool, "row_id, content_id", scratch):
            writer.write_table(pa.Table.from_batches([batch]).cast(INDEX))


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


def write_shards(spool: Path, product: Product, folder: Path, scratch: Path) -> list[Path]:
    """Write the spooled rows, sorted by id, as `train-00000-of-00001.parquet`, ... in `folder`, in order."""
    folder.mkdir()
    groups = _row_groups(_sorted(spool, "*", scratch), ROW_SCHEMAS[product])
    written: list[Path] = []
    group = next(groups, None)
    while group is not None:
        path = folder / f"shard-{len(written):05d}"
        group = _write_shard(path, group, groups)
        written.append(path)
    named = [folder / f"train-{each:05d}-of-{len(written):05d}.parquet" for each in range(len(written))]
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


def _sorted(spool: Path, columns: str, scratch: Path) -> Iterator[pa.RecordBatch]:
    settings = (
        ("memory_limit", "1GB"),
        ("temp_directory", str(scratch)),
        ("autoinstall_known_extensions", False),
    )
    with duckdb.connect(config=dict(settings)) as connection:
        rows = connection.read_parquet(str(spool))
        yield from rows.project(columns).order("row_id, content_id").to_arrow_reader(1_000)


def _row_groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Cut the rows into groups of so many rows or bytes, wherever the reader's batches begin and end."""
    pending: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        start = 0
        for end, row_bytes in enumerate(batch.column("row_bytes").to_numpy(), 1):
            rows, size = rows + 1, size + int(row_bytes)
            if rows >= ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES:
                yield _table([*pending, batch.slice(start, end - start)], schema)
                pending, rows, size, start = [], 0, 0, end
        pending.append(batch.slice(start))
    if rows:
        yield _table(pending, schema)


def _table(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_batches(batches).select(schema.names).cast(schema)
