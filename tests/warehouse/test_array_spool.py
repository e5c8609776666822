"""Records come back as they were appended, by column and by number, across the pieces they are read in."""

from pathlib import Path

import numpy as np
import pytest

from cotfactory.warehouse import array_spool
from cotfactory.warehouse.array_spool import ArraySpool

KIND = np.dtype([("id", "S4"), ("bands", np.uint64, 3)])


@pytest.mark.parametrize("read_rows", [1, 3, 100])
def test_records_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_rows: int) -> None:
    monkeypatch.setattr(array_spool, "READ_ROWS", read_rows)
    rows = np.array([(f"{number}".encode(), (number, number * 2, 2**64 - 1)) for number in range(10)], KIND)
    with ArraySpool(tmp_path, KIND) as spool:
        spool.append(rows[:4])
        spool.append(rows[4:])
        assert len(spool) == 10
        assert spool.column("id").tolist() == rows["id"].tolist()
        assert spool.column("bands", 1).tolist() == list(range(0, 20, 2))
        assert spool.take(np.array([0, 2, 3, 9])).tobytes() == rows[[0, 2, 3, 9]].tobytes()
        assert not len(spool.take(np.array([], np.int64)))
    assert not list(tmp_path.iterdir())


def test_no_records(tmp_path: Path) -> None:
    with ArraySpool(tmp_path, KIND) as spool:
        assert not len(spool.column("id"))
        assert not len(spool.take(np.array([], np.int64)))
