"""A release held against its own files: their rows are those of the manifest, and keep the contracts.

Nobody is trusted to have left a folder as it was. The rows themselves are read again: an edited Parquet file with a new
sha256 in the manifest is seen by `rows_sha`, and a row that no release can have by its contract.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from cotfactory.data_contracts.contract import load_contract
from cotfactory.publishing.check_release import contract_reports
from cotfactory.publishing.listed_files import AGAIN
from cotfactory.publishing.sorted_rows import rows_sha
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import ContractError, PublishError
from cotfactory.schemas.grade import Split
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.manifest import Manifest
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.release_rules import Product

SHARD = re.compile(r"([a-z_]+)/(train|test)-(\d{5})-of-(\d{5})\.parquet")
ROWS_AT_ONCE = 1_000


def refuse_other_rows(folder: Path, manifest: Manifest) -> None:
    """Raise PublishError unless the shards of `folder` hold the very rows of the manifest."""
    shards = _shards(folder, manifest)
    by_name = {str(product): paths for product, paths in shards.items()}
    for product, rows in manifest.rows.items():
        found = sum(_rows_of(path) for path in by_name.get(product, ()))
        if found != rows:
            raise PublishError(f"{folder} has {found:,} rows of {product}: expected {rows:,}, as released", AGAIN)
    indexes = {product: folder / "index" / f"{product}.parquet" for product in shards}
    for name, found_sha in (("rows", _sha_of_rows(shards)), ("index files", _sha_of_index(indexes))):
        if found_sha != manifest.rows_sha:
            raise PublishError(
                f"The {name} of {folder} are not those that were released: their rows_sha is {found_sha}, "
                f"expected {manifest.rows_sha}",
                AGAIN,
            )


def _shards(folder: Path, manifest: Manifest) -> dict[Product, list[Path]]:
    """Return the listed shards of each product, train before test, each of them complete and with the rows it tells."""
    known: dict[str, Product] = {product: product for product in get_args(Product)}
    shards: dict[Product, list[Path]] = {}
    listed = {file.path: file for file in manifest.files if (file.path.split("/")[0]) in known}
    for product in sorted({known[name.split("/")[0]] for name in listed if name.endswith(".parquet")}):
        for split in get_args(Split):
            names = sorted(name for name in listed if name.startswith(f"{product}/{split}-"))
            complete = [f"{product}/{split}-{number:05d}-of-{len(names):05d}.parquet" for number in range(len(names))]
            if names != complete:
                raise PublishError(f"The shards of {product}/{split} in {folder} are {names}: some are missing", AGAIN)
            shards.setdefault(product, []).extend(folder / name for name in names)
    odd = [name for name in listed if name.endswith(".parquet") and not SHARD.fullmatch(name)]
    if odd or manifest.rows.keys() < shards.keys() or not sum(manifest.rows.values()):
        raise PublishError(
            f"The manifest of {folder} lists {odd or 'no row'}: expected the shards of its products", AGAIN
        )
    for name, file in listed.items():
        if SHARD.fullmatch(name) and _rows_of(folder / name) != file.rows:
            raise PublishError(f"{folder / name} has not the {file.rows} rows that the manifest tells of it", AGAIN)
    return shards


def _rows_of(path: Path) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowInvalid, OSError) as error:
        raise PublishError(f"{path} is no Parquet file: {error}", AGAIN) from error


def _sha_of_rows(shards: Mapping[Product, Sequence[Path]]) -> str:
    """Return the `rows_sha` of the rows as they lie there; they are sorted within each split."""
    digest = hashlib.sha256()
    for product in sorted(shards):
        digest.update(f"{product}\n".encode())
        for path in shards[product]:
            for rows in _rows_in(path):
                digest.update("".join(f"{row['row_id']} {content_id(row)}\n" for row in rows).encode())
    return digest.hexdigest()


def _rows_in(path: Path) -> Iterator[list[dict[str, object]]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS_AT_ONCE):
            yield batch.to_pylist()


def _sha_of_index(indexes: Mapping[Product, Path]) -> str:
    try:
        return rows_sha(indexes)
    except (pa.ArrowInvalid, KeyError, OSError) as error:
        raise PublishError(f"An index of the release cannot be read: {error}", AGAIN) from error


def refuse_broken_rows(folder: Path, manifest: Manifest) -> None:
    """Raise PublishError unless the rows in `folder` meet the contracts of today, run on them again."""
    shards = _shards(folder, manifest)
    try:
        recipe = Recipe.model_validate_json(manifest.recipe)
    except ValidationError as error:
        raise PublishError(
            f"The recipe in the manifest of {folder} is none: {counted(error.error_count(), 'error')}", AGAIN
        ) from error
    contracts = {product: load_contract(product) for product in shards}
    for product, contract in contracts.items():
        if manifest.contract_sha.get(product) != hashlib.sha256(contract.model_dump_json().encode()).hexdigest():
            raise PublishError(
                f"The contract of {product} is another one now ({contract.version}) than the one of {folder}",
                "make the release again, with `--version` where its rows are the same",
            )
    with TemporaryDirectory() as scratch:
        # Which ids were contaminated is known to the run alone: its own contract looked for them.
        nothing = Path(scratch) / "contaminated.parquet"
        pq.write_table(pa.table({"id": pa.array([], pa.string())}), nothing)
        rows = {product: count for product in get_args(Product) if (count := manifest.rows.get(product)) is not None}
        try:
            reports = contract_reports(shards, rows, contracts, recipe, manifest.facts, None, nothing)
        except ContractError as error:
            raise PublishError(f"The contracts cannot be run on {folder}: {error}", AGAIN) from error
    for failure in (line for report in reports.values() for line in report.failures()):
        raise PublishError(f"The rows of {folder} break a contract: {failure}", AGAIN)
