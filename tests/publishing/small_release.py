"""A small release folder, written as `publishing.release` does: data, contract, card, and the manifest last."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cotfactory.data_contracts.report import WHOLE, ContractReport, ExpectationResult, Subject
from cotfactory.schemas.manifest import Manifest, ReleasedFile, ReleaseFacts
from cotfactory.schemas.recipe import Product
from cotfactory.schemas.rows import ROW_SCHEMAS

CARD = """---
license: mit
configs:
- {config_name: sft, default: true, data_files: [{split: train, path: sft/train-*.parquet}]}
- {config_name: rl, data_files: [{split: train, path: rl/train-*.parquet}]}
---
# Sums
"""


def table(product: Product, row_ids: Iterable[str]) -> pa.Table:
    """Rows of a product: ids and verdicts that differ, everything else null."""
    rows = [{"row_id": row_id, "source": "own", "license": "mit"} for row_id in row_ids]
    return pa.Table.from_pylist(rows, schema=ROW_SCHEMAS[product])


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
            pq.write_table(table(product, ids), path)
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


def write_contract(release: Path, reports: dict[Subject, ContractReport]) -> None:
    told = {product: report.model_dump(mode="json") for product, report in reports.items()}
    (release / "contract.json").write_text(json.dumps(told), "utf-8")


def write_manifest(release: Path, rows: dict[Product, int]) -> None:
    paths = sorted(path for path in release.rglob("*") if path.is_file() and path.name != "manifest.json")
    files = tuple(
        ReleasedFile(
            path=path.relative_to(release).as_posix(),
            rows=None,
            bytes=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in paths
    )
    manifest = Manifest(
        name="sums",
        version=release.name,
        parent=None,
        rows_sha=hashlib.sha256("".join(file.sha256 for file in files).encode()).hexdigest(),
        recipe="{}",
        rows={**rows},
        files=files,
        contract_sha={},
        facts=ReleaseFacts(
            code_version="0.1.0",
            recipe_id="0" * 32,
            problems="sums-000000000000",
            created_at=datetime(2026, 11, 20, tzinfo=UTC),
            funnel=(),
            verdicts={},
            dropped={},
            teachers=(),
        ),
    )
    (release / "manifest.json").write_text(manifest.model_dump_json(), "utf-8")
