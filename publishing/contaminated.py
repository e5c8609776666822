"""The ids of what decontamination dropped, written down beside the rows: the contract looks that none is published."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from cotfactory.publishing.products.rl import is_contaminated
from cotfactory.schemas.group import Group

IDS = pa.schema([("id", pa.string())])
BATCH_IDS = 100_000


class ContaminatedIds:
    """A Parquet file of the candidates that are contaminated, and of the problems that are so as a whole."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(path, IDS)
        self._pending: list[str] = []

    def __enter__(self) -> "ContaminatedIds":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._flush()
        self._writer.close()

    def add(self, ids: Sequence[str]) -> None:
        """Write ids down."""
        self._pending += ids
        if len(self._pending) >= BATCH_IDS:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(pa.table({"id": self._pending}, schema=IDS))
        self._pending.clear()


def contaminated_ids(groups: Sequence[Group]) -> list[str]:
    """Return the ids of what is contaminated among all groups of one problem, its own where all of it is."""
    decisions = [decision for group in groups for decision in group.decisions]
    ids = [
        decision.candidate_id for decision in decisions if decision.reason == "contaminated" and decision.candidate_id
    ]
    return [*ids, groups[0].problem.problem_id] if is_contaminated(groups) else ids
