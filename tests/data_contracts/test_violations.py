"""The SQL of an expectation says what Great Expectations' own pandas engine says of the same values."""

from typing import Any

import duckdb
import great_expectations
import pandas
import pyarrow as pa
import pytest

from cotfactory.data_contracts.contract import ROW_ARGUMENTS, Expectation
from cotfactory.data_contracts.violations import checked_sql, failed_sql

TEXTS = ["correct", "", " ", "o'clock", None, "correct", "{}", "[1", '{"a": 1}', "null"]
NUMBERS = [0, 1, 2, 3, None, -1, 0, 7, 1, 2]
OTHERS = [0, 2, 1, 3, 1, -1, None, 7, 1, 2]

CASES: list[tuple[str, dict[str, Any]]] = [
    ("expect_column_values_to_not_be_null", {"column": "text"}),
    ("expect_column_values_to_be_in_set", {"column": "text", "value_set": ["correct", "o'clock"]}),
    ("expect_column_values_to_be_in_set", {"column": "number", "value_set": [0, 1]}),
    ("expect_column_values_to_be_in_set", {"column": "flag", "value_set": [True]}),
    ("expect_column_values_to_not_be_in_set", {"column": "text", "value_set": ["", "correct"]}),
    ("expect_column_values_to_be_between", {"column": "number", "min_value": 0, "max_value": 2}),
    ("expect_column_values_to_be_between", {"column": "number", "min_value": 1}),
    ("expect_column_values_to_be_between", {"column": "number", "max_value": 1}),
    ("expect_column_values_to_match_regex", {"column": "text", "regex": r"\S"}),
    ("expect_column_values_to_match_regex", {"column": "text", "regex": "^c"}),
    ("expect_column_values_to_be_json_parseable", {"column": "text"}),
    # Of a pair, Great Expectations skips a row only where both are null.
    ("expect_column_pair_values_to_be_equal", {"column_A": "number", "column_B": "other"}),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "number", "column_B": "other"}),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "number", "column_B": "other", "or_equal": True}),
]


def test_every_row_expectation_is_compared() -> None:
    assert {kind for kind, _ in CASES} == set(ROW_ARGUMENTS)


@pytest.fixture(scope="module")
def frame() -> pandas.DataFrame:
    flags = [number == 1 for number in range(len(TEXTS))]
    return pandas.DataFrame({"text": TEXTS, "number": NUMBERS, "other": OTHERS, "flag": flags})


@pytest.mark.parametrize(("kind", "arguments"), CASES)
def test_sql_says_what_great_expectations_says(frame: pandas.DataFrame, kind: str, arguments: dict[str, Any]) -> None:
    promise = Expectation(type=kind, means="-", **arguments)
    table = pa.table({"text": TEXTS, "number": NUMBERS, "other": OTHERS, "flag": frame["flag"].to_list()})
    with duckdb.connect() as duck:
        duck.register("rows", table)
        checked = duck.sql(f"SELECT {checked_sql(promise)} FROM rows").fetchall()[0][0]
        failed = duck.sql(f"SELECT count(*) FROM rows WHERE {failed_sql(promise)}").fetchall()[0][0]
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = context.data_sources.pandas_default.read_dataframe(frame)
    name = "".join(word.capitalize() for word in kind.split("_"))
    found = batch.validate(getattr(great_expectations.expectations, name)(**arguments)).result
    skipped = found.get("missing_count", 0) if "null" not in kind else 0
    assert (checked, failed) == (found["element_count"] - skipped, found["unexpected_count"])
    assert failed > 0  # else nothing was compared
