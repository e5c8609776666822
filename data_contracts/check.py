"""Run a contract with Great Expectations on the Parquet files that are about to be released.

DuckDB reads the files and works out the facts of each row; Great Expectations' pandas engine then looks at
narrow frames of 50,000 rows, one after the other. What holds for the whole table (no row twice, so many rows)
is counted by DuckDB over all files and looked at as a frame of one row: memory does not grow with the rows.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.contract import KEY_LIKE, Contract, Expectation
from data_contracts.great import EXAMPLES, Asked, Finding, GreatExpectations
from data_contracts.report import ContractReport, ExpectationResult
from schemas.errors import ContractError
from schemas.key_like import key_like_sql
from schemas.rows import MESSAGES, ROW_SCHEMAS

BATCH_ROWS = 50_000

MACROS = """
CREATE MACRO count_of(body, tag) AS (length(body) - length(replace(body, tag, ''))) // length(tag);
CREATE MACRO answer_part(body) AS string_split(body, '</think>')[-1];
"""


@dataclass
class _Tally:
    """The findings about one expectation so far."""

    promise: Expectation
    checked: int = 0
    failed: int = 0
    examples: tuple[str, ...] = ()

    def add(self, finding: Finding) -> None:
        self.checked += finding.checked
        self.failed += finding.failed
        self.examples = (*self.examples, *finding.examples)[:EXAMPLES]

    def result(self) -> ExpectationResult:
        return ExpectationResult(
            name=self.promise.type,
            column=", ".join(self.promise.columns()) or None,
            means=self.promise.means,
            checked=self.checked,
            failed=self.failed,
            examples=self.examples,
        )


def check_contract(
    contract: Contract, files: Sequence[Path], expected_rows: int, require_reasoning: bool
) -> ContractReport:
    """Run every expectation of `contract` over `files`, the Parquet shards of its product in order.

    `expected_rows` is what the manifest says. Returns the report, passed or not; when the columns are wrong
    it is about them alone, as nothing else can be looked at. Raises ContractError when the contract cannot be
    run at all: no files, files that are not Parquet, a fact that is not SQL.
    """
    if not files:
        raise ContractError(f"No files of product {contract.product!r} to check: expected at least one")
    tallies = [_Tally(each) for each in contract.promises(require_reasoning=require_reasoning)]
    great = GreatExpectations()
    try:
        rows = sum(pq.read_metadata(path).num_rows for path in files)
        _look_at_columns(great, contract, files, tallies)
        if any(tally.failed for tally in tallies):
            tallies = [tally for tally in tallies if tally.failed]
        else:
            with _open(files) as released:
                _look_at_table(great, released, {"rows": rows, "expected": expected_rows}, tallies)
                _look_at_rows(great, released, contract, tallies)
    except (duckdb.Error, pa.ArrowInvalid) as error:
        raise ContractError(f"The contract of {contract.product!r} cannot be run: {error}") from error
    results = tuple(tally.result() for tally in tallies)
    return ContractReport(product=contract.product, version=contract.version, rows=rows, results=results)


@contextmanager
def _open(files: Sequence[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give the rows as the view `released`, in bounded memory: what does not fit goes to a temporary folder."""
    with TemporaryDirectory() as scratch, duckdb.connect() as released:
        released.execute("SET memory_limit = '1GB'")
        released.execute("SET temp_directory = ?", [scratch])
        released.execute(MACROS)
        released.read_parquet([str(path) for path in files]).create_view("released")
        yield released


def _look_at_columns(
    great: GreatExpectations, contract: Contract, files: Sequence[Path], tallies: Sequence[_Tally]
) -> None:
    """Compare the columns of each file, as frames of no rows whose labels are `name: type`."""
    import pandas

    promised = ROW_SCHEMAS[contract.product]
    wanted = [f"{field.name}: {field.type}" for field in promised]
    for tally in tallies:
        if tally.promise.type != "expect_table_columns_to_match_ordered_list":
            continue
        asked = [Asked(tally.promise.type, {"column_list": wanted})]
        for path in files:
            found = [_label(field, promised) for field in pq.read_schema(path)]
            (finding,) = great.look(pandas.DataFrame(columns=found), asked)
            odd = sorted(set(found) ^ set(wanted))[:EXAMPLES] or ["their order"]
            tally.add(Finding(1, finding.failed, tuple(odd) if finding.failed else ()))


def _label(field: "pa.Field[Any]", promised: pa.Schema) -> str:
    """Return `name: type`; Parquet may name a list's element otherwise, and means the same type."""
    index = promised.get_field_index(field.name)
    same = index >= 0 and promised.field(index).type.equals(field.type)
    return f"{field.name}: {promised.field(index).type if same else field.type}"


def _look_at_table(
    great: GreatExpectations,
    released: duckdb.DuckDBPyConnection,
    counts: dict[str, int],
    tallies: Sequence[_Tally],
) -> None:
    """Count what is about the whole table, and look at the counts as a frame of one row."""
    import pandas

    for tally in tallies:
        if tally.promise.type == "expect_table_row_count_to_equal":
            between = {"min_value": counts["expected"], "max_value": counts["expected"]}
            asked = [Asked("expect_column_values_to_be_between", {"column": "rows", **between})]
            (finding,) = great.look(pandas.DataFrame([counts]), asked)
            said = f"{counts['rows']} rows found, {counts['expected']} in the manifest"
            tally.add(Finding(1, finding.failed, (said,) if finding.failed else ()))
        elif tally.promise.type == "expect_column_values_to_be_unique":
            column = _quoted(str(tally.promise.column))
            repeats = _number(released, f"SELECT count({column}) - count(DISTINCT {column}) FROM released")
            asked = [Asked("expect_column_values_to_be_between", {"column": "repeats", "max_value": 0})]
            (finding,) = great.look(pandas.DataFrame([{"repeats": repeats}]), asked)
            examples = _repeated(released, column) if finding.failed else ()
            tally.add(Finding(counts["rows"], repeats if finding.failed else 0, examples))


def _repeated(released: duckdb.DuckDBPyConnection, column: str) -> tuple[str, ...]:
    rows = released.sql(
        f"SELECT min(row_id) FROM released GROUP BY {column} HAVING count(*) > 1 ORDER BY 1 LIMIT {EXAMPLES}"
    ).fetchall()
    return tuple(str(row[0]) for row in rows)


def _number(released: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(released.sql(query).fetchall()[0][0])


def _look_at_rows(
    great: GreatExpectations,
    released: duckdb.DuckDBPyConnection,
    contract: Contract,
    tallies: Sequence[_Tally],
) -> None:
    """Look at all rows, in frames of `BATCH_ROWS`."""
    about_rows = [tally for tally in tallies if tally.promise.is_about_rows()]
    asked = [Asked(tally.promise.type, tally.promise.arguments()) for tally in about_rows]
    query = _frame_query(contract, [tally.promise for tally in about_rows])
    for batch in released.sql(query).to_arrow_reader(BATCH_ROWS):
        for tally, finding in zip(about_rows, great.look(batch.to_pandas(), asked, "row_id"), strict=True):
            tally.add(finding)


def _frame_query(contract: Contract, promises: Sequence[Expectation]) -> str:
    """Return the query of the narrow frame: the id, then every column and fact that is looked at.

    A column of which only the presence is promised comes as true or null, so that no long text is copied.
    """
    facts = {**contract.facts, KEY_LIKE: _key_like_strings(contract)}
    null_only = {each.column for each in promises if each.type == "expect_column_values_to_not_be_null"}
    by_value = {
        name for each in promises if each.type != "expect_column_values_to_not_be_null" for name in each.columns()
    } | {"row_id"}
    wanted = dict.fromkeys(["row_id", *(name for each in promises for name in each.columns())])
    parts = []
    for name in wanted:
        value = f"({facts[name]})" if name in facts else _quoted(name)
        if name in null_only - by_value:
            value = f"if({value} IS NULL, NULL, true)"
        parts.append(f"{value} AS {_quoted(name)}")
    return f"SELECT {', '.join(parts)} FROM released"


def _key_like_strings(contract: Contract) -> str:
    """Return the SQL that counts key-like strings over every text of a row, however nested."""
    counts = [key_like_sql(text) for field in ROW_SCHEMAS[contract.product] for text in _texts(field)]
    return " + ".join(counts)


def _texts(field: "pa.Field[Any]") -> list[str]:
    name = _quoted(field.name)
    if field.type == pa.string():
        return [f"coalesce({name}, '')"]
    if field.type == MESSAGES:
        return [f"coalesce(array_to_string(list_transform({name}, lambda m: m.content), chr(10)), '')"]
    if pa.types.is_struct(field.type):
        texts = [child.name for child in field.type if child.type == pa.string()]
        return [f"coalesce({name}.{_quoted(text)}, '')" for text in texts]
    return []


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
