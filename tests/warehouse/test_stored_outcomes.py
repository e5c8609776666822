"""What is stored is found by position and teacher, over the ends of batches."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from cotfactory.warehouse.stored_outcomes import OUTCOME, StoredOutcome, StoredOutcomes


def batch(*rows: tuple[int, int, int, int, int, bool, bool]) -> pa.RecordBatch:
    names = OUTCOME.names or ()
    return pa.RecordBatch.from_pylist([dict(zip(names, row, strict=True)) for row in rows])


@pytest.fixture
def outcomes(tmp_path: Path) -> Iterator[StoredOutcomes]:
    stored = StoredOutcomes(tmp_path)
    stored.append(batch((2, 0, 0, 0, 0, False, False), (2, 1, 0, 0, 1, False, False), (5, 0, 0, 0, 2, True, False)))
    # a problem may lie in two batches
    stored.append(batch((5, 0, 1, 0, -1, False, False), (5, 0, 1, 1, 3, False, False)))
    yield stored
    stored.close()


@pytest.mark.parametrize(
    ("teacher", "first", "last", "found"),
    [
        (0, 2, 2, [StoredOutcome(2, 0, 0, "correct", False, False)]),
        (1, 0, 9, [StoredOutcome(2, 0, 0, "incorrect", False, False)]),
        # Both ends belong to the range, a missing grade is no verdict, and the batches are one.
        (
            0,
            3,
            5,
            [
                StoredOutcome(5, 0, 0, "no_answer", True, False),
                StoredOutcome(5, 1, 0, None, False, False),
                StoredOutcome(5, 1, 1, "ungraded", False, False),
            ],
        ),
        (0, 3, 4, []),
        (2, 0, 9, []),
    ],
)
def test_a_range_of_one_teacher(
    outcomes: StoredOutcomes, teacher: int, first: int, last: int, found: list[StoredOutcome]
) -> None:
    assert list(outcomes.of(teacher, first, last)) == found
    assert len(outcomes) == 5


def test_nothing_is_stored(tmp_path: Path) -> None:
    stored = StoredOutcomes(tmp_path)
    assert not list(stored.of(0, 0, 100))
    assert len(stored) == 0
    stored.close()
