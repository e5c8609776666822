"""Rows come out sorted, whole and the same, in whatever order and portions they came in."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cotfactory.publishing import sorted_rows
from cotfactory.publishing.products.row_parts import Row
from cotfactory.publishing.products.sft import sft_rows
from cotfactory.publishing.sorted_rows import RowSpool, rows_sha, write_index, write_shards
from cotfactory.schemas.rows import SFT
from tests.publishing.made_groups import made_mixed_group, made_recipe


def made_rows(count: int) -> list[Row]:
    return [row for number in range(count) for row in sft_rows([made_mixed_group(number)], made_recipe())]


def spool(folder: Path, rows: list[Row]) -> RowSpool:
    with RowSpool("sft", folder) as spooled:
        spooled.add(rows)
    return spooled


def release(folder: Path, rows: list[Row]) -> tuple[list[Path], str]:
    """Return the shards of `rows` and their rows_sha."""
    spooled = spool(folder / "spool", rows)
    write_index([spooled], folder / "sft-index.parquet")
    return write_shards(spooled, folder / "sft", "train"), rows_sha({"sft": folder / "sft-index.parquet"})


def test_rows_are_sorted_and_whole(tmp_path: Path) -> None:
    rows = made_rows(20)
    (shard,), _ = release(tmp_path, rows)
    assert pq.read_schema(shard).equals(SFT)
    assert pq.read_table(shard).to_pylist() == sorted(rows, key=lambda row: str(row["row_id"]))
    assert shard.name == "train-00000-of-00001.parquet"


def test_order_and_portions_leave_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = made_rows(50)
    shards, sha = release(tmp_path / "one", rows)
    monkeypatch.setattr(sorted_rows, "SPOOL_BYTES", 1_000)
    others, other_sha = release(tmp_path / "other", rows[::-1])
    assert sha == other_sha
    assert [path.read_bytes() for path in shards] == [path.read_bytes() for path in others]


def test_any_change_of_a_row_changes_rows_sha(tmp_path: Path) -> None:
    rows = made_rows(3)
    seen = {release(tmp_path / "all", rows)[1], release(tmp_path / "fewer", rows[1:])[1]}
    changes: list[dict[str, Any]] = [{"license": "apache-2.0"}, {"pass_rate_n": 9}, {"row_id": "0" * 32}]
    for number, change in enumerate(changes):
        seen.add(release(tmp_path / str(number), [rows[0] | change, *rows[1:]])[1])
    assert len(seen) == 5


def test_shards_are_filled_by_size_and_numbered_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_rows, "ROW_GROUP_ROWS", 10)
    monkeypatch.setattr(sorted_rows, "SHARD_BYTES", 5_000)
    rows = made_rows(50)
    shards, _ = release(tmp_path, rows)
    assert len(shards) > 2
    assert [path.name for path in shards] == [
        f"train-{number:05d}-of-{len(shards):05d}.parquet" for number in range(len(shards))
    ]
    assert sorted(path.name for path in (tmp_path / "sft").iterdir()) == [path.name for path in shards]
    together = pa.concat_tables([pq.read_table(path) for path in shards])
    assert together["row_id"].to_pylist() == sorted(str(row["row_id"]) for row in rows)
    assert {pq.read_metadata(path).row_group(0).num_rows for path in shards} == {10}


def test_long_rows_make_small_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_rows, "ROW_GROUP_BYTES", 5_000)
    (shard,), _ = release(tmp_path, made_rows(50))
    assert 4 < pq.read_metadata(shard).num_row_groups < 50


def test_files_are_written_for_the_hub(tmp_path: Path) -> None:
    (shard,), _ = release(tmp_path, made_rows(50))
    column = pq.read_metadata(shard).row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert column.has_offset_index  # the page index
