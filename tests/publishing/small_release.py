"""A small release folder, written as `publishing.release` does: data, contract, card, and the manifest last."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq

from cotfactory.data_contracts.contract import load_contract
from cotfactory.data_contracts.report import WHOLE, ContractReport, ExpectationResult, Subject
from cotfactory.publishing.sorted_rows import INDEX, rows_sha
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.manifest import FunnelStage, Manifest, ReleasedFile, ReleaseFacts
from cotfactory.schemas.release_rules import Product
from cotfactory.schemas.rows import ROW_SCHEMAS
from tests.data_contracts.made_rows import good_rows
from tests.publishing.made_groups import made_recipe

CARD = """---
license: mit
configs:
- {config_name: sft, default: true, data_files: [{split: train, path: sft/train-*.parquet}]}
- {config_name: rl, data_files: [{split: train, path: rl/train-*.parquet}]}
---
# Sums
"""


def table(product: Product, row_ids: Sequence[str], first: int = 0) -> pa.Table:
    """Rows of a product that keep its contract; `first` is the number of the first one."""
    rows = good_rows(product, first + len(row_ids))[first:]
    named = [{**row, "row_id": row_id} for row, row_id in zip(rows, row_ids, strict=True)]
    return pa.Table.from_pylist(named, schema=ROW_SCHEMAS[product])


def make_release(
    folder: Path, version: str = "v1.0.0", rows: int = 3, shards: int = 1, products: tuple[Product, ...] = ("sft", "rl")
) -> Path:
    """Write release `version` into `folder`: `rows` rows in each of `shards` shards of each product."""
    release = folder / version
    for product in products:
        (release / product).mkdir(parents=True)
        for shard in range(shards):
            ids = [f"{product}-{version}-{shard}-{row}" for row in range(rows)]
            path = release / product / f"train-{shard:05d}-of-{shards:05d}.parquet"
            pq.write_table(table(product, ids, shard * rows), path)
    write_indexes(release)
    result = ExpectationResult(name="expect_x", column="verdict", means="correct", checked=rows, failed=0)
    counts: dict[Subject, int] = {**dict.fromkeys(products, rows * shards), WHOLE: rows * shards * len(products)}
    reports = {
        subject: ContractReport(product=subject, version="1.0.0", rows=count, results=(result,))
        for subject, count in counts.items()
    }
    write_contract(release, reports)
    (release / "README.md").write_text(CARD + version, "utf-8")
    write_manifest(release, dict.fromkeys(products, rows * shards))
    return release


def write_indexes(release: Path) -> None:
    """Write what is said of the rows of each product as they lie there."""
    (release / "index").mkdir(exist_ok=True)
    for product in get_args(Product):
        shards = sorted((release / product).glob("*.parquet"))
        if shards:
            rows = [row for shard in shards for row in pq.read_table(shard).to_pylist()]
            told = [{"row_id": row["row_id"], "content_id": content_id(row)} for row in rows]
            pq.write_table(pa.Table.from_pylist(told, schema=INDEX), release / "index" / f"{product}.parquet")


def write_contract(release: Path, reports: dict[Subject, ContractReport]) -> None:
    told = {product: report.model_dump(mode="json") for product, report in reports.items()}
    (release / "contract.json").write_text(json.dumps(told), "utf-8")


def write_manifest(release: Path, rows: dict[Product, int]) -> None:
    """Write a manifest of what lies there; the run is said to have kept as many chains as `sft` has rows."""
    paths = sorted(path for path in release.rglob("*") if path.is_file() and path.name != "manifest.json")
    kept = rows.get("sft", max(rows.values(), default=0))
    indexes = {product: release / "index" / f"{product}.parquet" for product in rows}
    manifest = Manifest(
        name="sums",
        version=release.name,
        parent=None,
        rows_sha=rows_sha({product: path for product, path in indexes.items() if path.is_file()}),
        recipe=made_recipe(*rows).model_dump_json(),
        rows={**rows},
        files=tuple(_listed(path, release) for path in paths),
        contract_sha={
            product: hashlib.sha256(load_contract(product).model_dump_json().encode()).hexdigest() for product in rows
        },
        facts=ReleaseFacts(
            code_version="0.1.0",
            recipe_id="0" * 32,
            problems="sums-000000000000",
            created_at=datetime(2026, 11, 20, tzinfo=UTC),
            funnel=tuple(
                FunnelStage(stage=stage, count=kept)
                for stage in ("problems", "asked", "complete", "answered", "correct", "kept")
            ),
            verdicts={"correct": kept},
            dropped={},
            teachers=(),
        ),
    )
    (release / "manifest.json").write_text(manifest.model_dump_json(), "utf-8")


def _listed(path: Path, release: Path) -> ReleasedFile:
    name = path.relative_to(release).as_posix()
    is_shard = path.suffix == ".parquet" and not name.startswith("index/")
    return ReleasedFile(
        path=name,
        rows=pq.read_metadata(path).num_rows if is_shard else None,
        bytes=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
