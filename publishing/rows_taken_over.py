"""RowsTakenOver: the rows of problems that stay as they are come from the files of the latest release, as columns."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cotfactory.publishing.listed_files import listed_file
from cotfactory.publishing.sorted_rows import INDEX
from cotfactory.schemas.errors import CotfactoryError
from cotfactory.schemas.grade import Split
from cotfactory.schemas.group import Group
from cotfactory.schemas.manifest import Manifest
from cotfactory.schemas.release_rules import Product

LABELLED: tuple[Product, ...] = ("kto", "kto_text")
"""Products that need rows of both labels: nothing can be learnt from rows that are all wanted, or all unwanted."""
BATCH_ROWS = 20_000
"""As many as a row group has at most: a set of all ids is made for each."""


@dataclass(frozen=True)
class RowsTakenOver:
    """The rows that a release in the folder `release` has; `groups` reads its problems with some ids again."""

    release: Path
    groups: Callable[[Collection[str]], Iterable[Sequence[Group]]]

    def rows(self, product: Product, problem_ids: "pa.Array[pa.StringScalar]") -> Iterator[tuple[Split, pa.Table]]:
        """Yield the rows of problems with these ids, with the columns that the index has of them."""
        index = self.release / "index" / f"{product}.parquet"
        if not index.exists():  # of a product without any row
            return
        with pq.ParquetFile(index) as file:
            lines = _Lines(file.iter_batches(BATCH_ROWS))
            for split in get_args(Split):  # the order in which the index was written
                for shard in sorted((self.release / product).glob(f"{split}-*.parquet")):
                    with pq.ParquetFile(shard) as rows:
                        for batch in rows.iter_batches(BATCH_ROWS):
                            yield split, _some(batch, lines.take(len(batch)), problem_ids)


def can_be_taken_over(release: Path, manifest: Manifest, products: Collection[Product]) -> bool:
    """Whether the rows of a release are those that were released, and all that its problems have of the products.

    What has one label only is in no release, and stands for itself.
    """
    if any(product in LABELLED and product not in manifest.rows for product in products):
        return False
    try:
        for file in manifest.files:
            if file.path.endswith(".parquet"):
                listed_file(release, file)
    except CotfactoryError:
        return False
    return True


class _Lines:
    """The lines of an index, so many at a time."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches, self._rest = batches, pa.Table.from_batches([], INDEX)

    def take(self, count: int) -> pa.Table:
        """Return the next `count` lines."""
        while len(self._rest) < count:
            self._rest = pa.concat_tables([self._rest, pa.Table.from_batches([next(self._batches)])])
        lines, self._rest = self._rest.slice(0, count), self._rest.slice(count)
        return lines


def _some(batch: pa.RecordBatch, lines: pa.Table, problem_ids: "pa.Array[pa.StringScalar]") -> pa.Table:
    table = pa.Table.from_batches([batch])
    for name in INDEX.names:
        if name != "row_id":
            table = table.append_column(name, lines[name])
    return table.filter(pc.is_in(table["problem_id"], problem_ids))
