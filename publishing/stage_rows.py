"""From the problems of a run to staged rows: spooled as they come, indexed, hashed; written as shards when wanted."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from cotfactory.publishing.build_rows import BUILDERS
from cotfactory.publishing.contaminated import ContaminatedIds
from cotfactory.publishing.personal_data import without_personal_data
from cotfactory.publishing.products.rl import left_out
from cotfactory.publishing.release_statistics import ReleaseStatistics
from cotfactory.publishing.sorted_rows import RowSpool, rows_sha, write_index, write_shards
from cotfactory.schemas.errors import ContractFailed
from cotfactory.schemas.grade import Split
from cotfactory.schemas.group import Group
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.release_rules import Product

LABELLED: tuple[Product, ...] = ("kto", "kto_text")
Spools = dict[Product, dict[Split, RowSpool]]


@dataclass(frozen=True)
class StagedRows:
    """The rows of a release that is being made, in the folder `staged`, which becomes the release.

    `counts` are the rows of every product of the recipe, `spools` those of the products and splits that have any: a
    product or split without rows is left out of the release, as `datasets` refuses to load a split of none.
    `contaminated` is a file of the ids that must not be among the rows.
    """

    staged: Path
    spools: Spools
    counts: dict[Product, int]
    sha: str
    statistics: ReleaseStatistics
    contaminated: Path

    def write_shards(self) -> None:
        """Write the rows as the files that are to leave."""
        for product, by_split in self.spools.items():
            for split, spool in by_split.items():
                write_shards(spool, self.staged / product, split)

    def shards(self, product: Product) -> list[Path]:
        """Return the files of a product."""
        return sorted((self.staged / product).glob("*.parquet"))


def stage_rows(name: str, problems: Iterable[Sequence[Group]], recipe: Recipe, work: Path) -> StagedRows:
    """Go through the problems once, in bounded memory, and stage their rows in `work`.

    Raises ContractFailed when there is no row at all.
    """
    contaminated, statistics = work / "contaminated.parquet", ReleaseStatistics()
    spools = _spooled(_watched(problems, statistics, recipe), recipe, work / "spool", contaminated)
    products = recipe.release.products
    counts = {product: sum(spool.rows for spool in spools.get(product, {}).values()) for product in products}
    if not spools:
        raise ContractFailed(
            f"Nothing to release: no candidate of {name} became a row of {', '.join(counts)}",
            "see the funnel for where they went; nothing was written",
        )
    staged = work / "out" / "next"
    (staged / "index").mkdir(parents=True)
    indexes = {product: staged / "index" / f"{product}.parquet" for product in spools}
    for product, by_split in spools.items():
        write_index(by_split.values(), indexes[product])
    return StagedRows(staged, spools, counts, rows_sha(indexes), statistics, contaminated)


def _watched(
    problems: Iterable[Sequence[Group]], statistics: ReleaseStatistics, recipe: Recipe
) -> Iterator[Sequence[Group]]:
    for found in problems:
        groups = [without_personal_data(group, recipe.curation, statistics.personal_data) for group in found]
        statistics.add(groups, left_out(groups, recipe) if "rl" in recipe.release.products else None)
        yield groups


def _spooled(problems: Iterable[Sequence[Group]], recipe: Recipe, folder: Path, contaminated: Path) -> Spools:
    """Write the rows of every product down as they come; return the spools that have any, kto with both labels."""
    labels: set[bool] = set()
    with ExitStack() as stack:
        withheld = stack.enter_context(ContaminatedIds(contaminated))
        spools = {
            product: {split: stack.enter_context(RowSpool(product, folder / split)) for split in get_args(Split)}
            for product in recipe.release.products
        }
        for groups in problems:
            withheld.add(groups)
            for product, by_split in spools.items():
                rows = BUILDERS[product](groups, recipe)
                by_split[groups[0].split].add(rows)
                if product in LABELLED:
                    labels.update(row["label"] for row in rows)
    if len(labels) < len((True, False)):
        for product in LABELLED:
            spools.pop(product, None)  # nothing can be learnt from rows that are all wanted, or all unwanted
    filled = {
        product: {split: spool for split, spool in by_split.items() if spool.rows}
        for product, by_split in spools.items()
    }
    return {product: by_split for product, by_split in filled.items() if by_split}
