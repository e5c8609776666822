"""Write what goes with the rows of a release: card, report, contract, changelog, pictures, the reward of `rl`."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow.parquet as pq

from cotfactory.data_contracts.contract import Contract
from cotfactory.data_contracts.report import ContractReport, Subject
from cotfactory.publishing.changed_making import changed_making
from cotfactory.publishing.changelog import CHANGELOG, changelog
from cotfactory.publishing.charts import Chart
from cotfactory.publishing.croissant import CITATION, CROISSANT, citation, croissant
from cotfactory.publishing.dataset_card import dataset_card
from cotfactory.publishing.diff import ProductDiff
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.publishing.report_page import REPORT, report_page
from cotfactory.publishing.reward_client.release_environment import write_environment
from cotfactory.publishing.reward_client.released_client import REWARD, reward_client
from cotfactory.publishing.stage_rows import StagedRows
from cotfactory.publishing.token_figures import TokenFigures
from cotfactory.publishing.trainer_files import DATASET_INFO, dataset_info, write_gym_rows
from cotfactory.schemas.errors import ContractFailed
from cotfactory.schemas.grade import Split
from cotfactory.schemas.key_like import count_key_like
from cotfactory.schemas.manifest import Manifest
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.release_rules import Product


def write_pages(
    rows: StagedRows,
    manifest: Manifest,
    recipe: Recipe,
    contracts: Mapping[Product, Contract],
    reports: Mapping[Subject, ContractReport],
    differences: Mapping[Product, ProductDiff],
    parent: Path | None,
    charts: Mapping[str, Chart],
    tokens: TokenFigures | None,
) -> list[Path]:
    """Write the pages of a release into its staged folder and return them; `manifest` need not list them yet.

    Raises ContractFailed when one of them holds what looks like a key.
    """
    staged, statistics, sizes = rows.staged, rows.statistics, _table_bytes(rows)
    told = {product: report.model_dump(mode="json") for product, report in reports.items()}
    making = changed_making(read_manifest(parent), manifest) if parent is not None else ()
    texts = {
        "README.md": dataset_card(manifest, recipe, contracts, reports, sizes, statistics, charts, tokens),
        CHANGELOG: changelog(manifest, differences, parent, making),
        "contract.json": json.dumps(told, ensure_ascii=False, indent=1),
        REPORT: report_page(manifest, statistics, reports, charts, differences, making, tokens),
        CROISSANT: croissant(manifest, recipe.release, contracts),
        CITATION: citation(manifest, recipe.release),
        DATASET_INFO: dataset_info(manifest, recipe.release.repo),
    }
    for_trainers: list[Path] = []
    if manifest.rows.get("rl"):
        shards = rows.shards("rl")
        texts[REWARD] = reward_client(shards, statistics.counts.graders)
        for_trainers = write_environment(staged, manifest.name, manifest.version, shards, texts[REWARD])
        for_trainers += write_gym_rows(staged, shards)
    for name, text in texts.items():
        write_text(staged / name, text)
    for path, chart in charts.items():
        (staged / path).parent.mkdir(exist_ok=True)
        (staged / path).write_bytes(chart.png)
    return [*(staged / name for name in (*texts, *charts)), *for_trainers]


def write_text(path: Path, text: str) -> None:
    """Write a file that leaves. Raises ContractFailed when it holds what looks like a key."""
    if keys := count_key_like(text):
        raise ContractFailed(f"{path.name}: {keys} key-like strings: expected none", "take the key out of the recipe")
    path.write_text(text, "utf-8")


def _table_bytes(rows: StagedRows) -> dict[Product, dict[Split, int]]:
    """Return the size of the rows of each product and split before compression."""
    return {
        product: {split: _bytes(sorted((rows.staged / product).glob(f"{split}-*.parquet"))) for split in splits}
        for product, splits in rows.spools.items()
    }


def _bytes(shards: Iterable[Path]) -> int:
    metadata = map(pq.read_metadata, shards)
    return sum(shard.row_group(index).total_byte_size for shard in metadata for index in range(shard.num_row_groups))
