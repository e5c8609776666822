"""From the problems of a run to staged rows: spooled as they come, indexed, hashed; written as shards when wanted."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pyarrow as pa

from cotfactory.publishing.build_rows import BUILDERS
from cotfactory.publishing.contaminated import ContaminatedIds
from cotfactory.publishing.personal_data import PersonalDataCount, without_personal_data
from cotfactory.publishing.products.rl import left_out
from cotfactory.publishing.release_statistics import ProblemFigures, ReleaseStatistics
from cotfactory.publishing.rows_taken_over import LABELLED, RowsTakenOver
from cotfactory.publishing.sorted_rows import RowSpool, rows_sha, write_index, write_shards
from cotfactory.schemas.errors import ContractFailed
from cotfactory.schemas.grade import Split
from cotfactory.schemas.group import Group
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.release_rules import Product

Spools = dict[Product, dict[Split, RowSpool]]
ToRelease = Sequence[Group] | ProblemFigures
"""A problem as a release takes it: all of its groups or, where its rows are taken over, its figures."""


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


def stage_rows(
    name: str,
    problems: Iterable[ToRelease],
    recipe: Recipe,
    work: Path,
    taken_over: RowsTakenOver | None = None,
    note: Callable[[ProblemFigures], None] = lambda figures: None,
) -> StagedRows:
    """Go through the problems once, in bounded memory, and stage their rows in `work`.

    The rows of problems that come as figures are `taken_over`; `note` is told the figures of the others. Raises
    ContractFailed when there is no row at all.
    """
    contaminated, statistics = work / "contaminated.parquet", ReleaseStatistics()
    spools = _Spooling(recipe, statistics, note).spooled(problems, taken_over, work / "spool", contaminated)
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


def read_what_is_shown(rows: StagedRows, recipe: Recipe, taken_over: RowsTakenOver) -> None:
    """Read the problems again of which chains are shown that were taken over."""
    for found in taken_over.groups(rows.statistics.sample.not_shown()):
        rows.statistics.sample.read_again(_as_they_may_leave(found, recipe, PersonalDataCount()))


def _as_they_may_leave(groups: Sequence[Group], recipe: Recipe, count: PersonalDataCount) -> list[Group]:
    return [without_personal_data(group, recipe.curation, count) for group in groups]


@dataclass(frozen=True)
class _Spooling:
    """Writes the rows of every product down as they come."""

    recipe: Recipe
    statistics: ReleaseStatistics
    note: Callable[[ProblemFigures], None]

    def spooled(
        self, problems: Iterable[ToRelease], taken_over: RowsTakenOver | None, folder: Path, contaminated: Path
    ) -> Spools:
        """Return the spools that have any rows, kto with both labels."""
        labels, kept = set[bool](), list[str]()
        with ExitStack() as stack:
            withheld = stack.enter_context(ContaminatedIds(contaminated))
            spools: Spools = {
                product: {split: stack.enter_context(RowSpool(product, folder / split)) for split in get_args(Split)}
                for product in self.recipe.release.products
            }
            for found in problems:
                if isinstance(found, ProblemFigures):
                    self.statistics.add_figures(found)
                    withheld.add(found.contaminated)
                    kept.append(found.problem_id)
                else:
                    withheld.add(self._add(found, spools, labels))
            if taken_over is not None and kept:
                _take_over(taken_over, pa.array(kept, pa.string()), spools, labels)
        if len(labels) < len((True, False)):
            for product in LABELLED:
                spools.pop(product, None)
        filled = {
            product: {split: spool for split, spool in by_split.items() if spool.rows}
            for product, by_split in spools.items()
        }
        return {product: by_split for product, by_split in filled.items() if by_split}

    def _add(self, found: Sequence[Group], spools: Spools, labels: set[bool]) -> Sequence[str]:
        """Spool the rows of one problem; return the ids that must not be among any."""
        personal, products = PersonalDataCount(), self.recipe.release.products
        groups = _as_they_may_leave(found, self.recipe, personal)
        figures = self.statistics.add(groups, left_out(groups, self.recipe) if "rl" in products else None, personal)
        self.note(figures)
        for product, by_split in spools.items():
            rows = BUILDERS[product](groups, self.recipe)
            by_split[groups[0].split].add(rows)
            if product in LABELLED:
                labels.update(row["label"] for row in rows)
        return figures.contaminated


def _take_over(
    taken_over: RowsTakenOver, problem_ids: "pa.Array[pa.StringScalar]", spools: Spools, labels: set[bool]
) -> None:
    for product, by_split in spools.items():
        for split, rows in taken_over.rows(product, problem_ids):
            by_split[split].take_over(rows)
            if product in LABELLED:
                labels.update(map(bool, rows["label"].unique().to_pylist()))
