"""Rows come back from a table as they went in, whatever their texts hold."""

import subprocess
import sys
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.warehouse.arrow_rows import arrow_rows

PAIR: list[tuple[str, pa.DataType]] = [("n", pa.int64()), ("x", pa.float64())]
SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("flags", pa.list_(pa.string())),
        ("pair", pa.struct(PAIR)),
        ("at", pa.timestamp("us", tz="UTC")),
        ("kept", pa.bool_()),
    ]
)
TEXTS = st.text(st.characters(codec="utf-8"))
ROWS = st.fixed_dictionaries(
    {
        "text": st.none() | TEXTS,
        "flags": st.none() | st.lists(TEXTS, max_size=3),
        "pair": st.none()
        | st.fixed_dictionaries(
            {"n": st.integers(-(2**63), 2**63 - 1), "x": st.floats(allow_nan=False, allow_infinity=False)}
        ),
        "at": st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
        "kept": st.booleans(),
    }
)


@given(st.lists(ROWS, max_size=5))
def test_rows_come_back(rows: list[dict[str, object]]) -> None:
    table = arrow_rows(rows, SCHEMA)
    assert table.schema == SCHEMA
    assert table.to_pylist() == rows


@pytest.mark.parametrize(
    "row",
    [
        {"text": 3},  # another type
        {"text": "a", "from": "the future"},  # a column that the schema lacks
        {"pair": {"n": 1, "x": 2.0, "y": 3.0}},  # and one inside
    ],
)
def test_what_does_not_fit_is_an_error(row: dict[str, object]) -> None:
    with pytest.raises(pa.ArrowInvalid):
        arrow_rows([row], SCHEMA)


def test_a_column_that_is_not_given_is_null() -> None:
    (row,) = arrow_rows([{"text": "a"}], SCHEMA).to_pylist()
    assert row == {"text": "a", "flags": None, "pair": None, "at": None, "kept": None}


def test_what_a_run_seals_does_not_import_pandas() -> None:
    """It takes 50 MB and a second of CPU, on a thread beside the event loop."""
    code = """
import asyncio, sys, tempfile
from pathlib import Path
from tests.builders import a_candidate, a_grade, AT
from cotfactory.warehouse.ledger import Journal, JournalHeader
from cotfactory.warehouse.seal import GradeRow, seal_own_journal, write_grades
from cotfactory.warehouse.workspace import open_workspace
async def written():
    journal = Journal(workspace.ledger, JournalHeader(recipe="r", run_id="1", shard="s"))
    await journal.record(a_candidate())
    journal.close()
    return journal.path
workspace = open_workspace(Path(tempfile.mkdtemp()))
assert seal_own_journal(workspace, asyncio.run(written())).candidates == 1
write_grades(workspace, "g", [GradeRow(a_grade(), "id", "p", AT)])
assert "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
