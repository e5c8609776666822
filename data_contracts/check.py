"""Run a contract on the Parquet files that are about to be released, one shard after the other.

DuckDB reads a shard once, works out the facts of each row and counts for every expectation the rows that break it;
Great Expectations is then asked about the counts: a frame of one row for each expectation, and all must be 0.
What holds for the whole table (no row twice, so many rows) is counted over all files. Memory does not grow with rows.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from cotfactory.data_contracts.contract import BROKEN, KEY_LIKE, Contract, Demands, Expectation
from cotfactory.data_contracts.great_expectations_adapter import above_zero, has_columns
from cotfactory.data_contracts.report import EXAMPLES, ContractReport, ExpectationResult
from cotfactory.data_contracts.violations import checked_sql, failed_sql, quoted
from cotfactory.schemas.broken_text import broken_signs_sql
from cotfactory.schemas.errors import ContractError
from cotfactory.schemas.key_like import key_like_sql
from cotfactory.schemas.reasoning_tags import MARKS, PUBLISHED
from cotfactory.schemas.rows import MESSAGES, REASONED_MESSAGES, ROW_SCHEMAS

ROWS_AT_ONCE = 256
PLAIN_WORDS = reduce(lambda body, sign: f"replace({body}, chr({ord(sign)}), '')", ", \t\n\f\r", "lower(body)")
"""Without commas and white space, sign by sign: a fifth of the time that one pattern takes."""

MACROS = f"""
CREATE MACRO count_of(body, tag) AS (length(body) - length(replace(body, tag, ''))) // length(tag);
CREATE MACRO answer_part(body) AS string_split(body, '{PUBLISHED.closing}')[-1];
CREATE MACRO has_text(body) AS regexp_matches(body, '\\S');
CREATE MACRO thinking_marks(body) AS len(regexp_extract_all(body, '(?i){MARKS.pattern}'));
CREATE MACRO roles_of(turns)
    AS array_to_string(list_transform(turns, lambda turn: coalesce(turn.role, '?') || ' '), '');
CREATE MACRO all_say_something(turns)
    AS len(list_filter(turns, lambda turn: turn.content IS NULL OR NOT regexp_matches(turn.content, '\\S'))) = 0;
CREATE MACRO is_prompt(turns)
    AS regexp_matches(roles_of(turns), '^(system )?((user )+assistant )*(user )+$') AND all_say_something(turns);
CREATE MACRO plain_words(body) AS {PLAIN_WORDS};
CREATE MACRO says(body, answer) AS len(list_filter(regexp_extract_all(plain_words(answer), '[\\pL\\pN]+'),
    lambda word: NOT contains(plain_words(body), word))) = 0;
CREATE MACRO is_rated_apart(strategy) AS strategy IN ('refine', 'retry_with_feedback', 'hint');
CREATE MACRO off_c_of_n(rate, c, n) AS if(n > 0 AND rate IS NOT NULL, abs(rate * n - c), 0);
"""


@dataclass
class _ViolationCounts:
    """What was found about one expectation."""

    promise: Expectation
    checked: int = 0
    failed: int = 0
    examples: tuple[str, ...] = ()

    def result(self) -> ExpectationResult:
        return ExpectationResult(
            name=self.promise.type,
            column=", ".join(self.promise.columns()) or None,
            means=self.promise.means,
            checked=self.checked,
            failed=self.failed,
            examples=self.examples,
        )


def check_contract(contract: Contract, files: Sequence[Path], expected_rows: int, demands: Demands) -> ContractReport:
    """Run every expectation of `contract` over `files`, the Parquet shards of its product in order.

    `expected_rows` is what the manifest says. Returns the report, passed or not; when the columns are wrong
    it is about them alone, as nothing else can be looked at. Raises ContractError when the contract cannot be
    run at all: no files, files that are not Parquet, a fact that is not SQL.
    """
    if not files:
        raise ContractError(f"No files of product {contract.product!r} to check: expected at least one")
    tallies = [_ViolationCounts(each) for each in contract.promises(demands)]
    try:
        rows = sum(pq.read_metadata(path).num_rows for path in files)
        _look_at_columns(contract, files, tallies)
        if any(tally.failed for tally in tallies):
            tallies = [tally for tally in tallies if tally.failed]
        else:
            with open_duckdb() as duck:
                duck.read_parquet([str(path) for path in files]).create_view("released")
                _look_at_table(duck, contract, {"rows": rows, "expected": expected_rows}, tallies)
                about_rows = [tally for tally in tallies if tally.promise.is_about_rows()]
                _look_at_rows(duck, contract, files, about_rows)
    except (duckdb.Error, pa.ArrowInvalid) as error:
        raise ContractError(f"The contract of {contract.product!r} cannot be run: {error}") from error
    results = tuple(tally.result() for tally in tallies)
    return ContractReport(product=contract.product, version=contract.version, rows=rows, results=results)


@contextmanager
def open_duckdb() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a DuckDB in bounded memory: what does not fit goes to a temporary folder."""
    with TemporaryDirectory() as scratch, duckdb.connect() as duck:
        duck.execute("SET memory_limit = '512MB'")  # no row twice: the ids of a million rows are held together
        duck.execute("SET threads = 1")  # each holds the texts of some thousand rows, several times over
        duck.execute("SET temp_directory = ?", [scratch])
        duck.execute("SET preserve_insertion_order = false")
        duck.execute(MACROS)
        yield duck


def _look_at_columns(contract: Contract, files: Sequence[Path], tallies: Sequence[_ViolationCounts]) -> None:
    """Compare the columns of each file, written as `name: type`."""
    promised = ROW_SCHEMAS[contract.product]
    wanted = [f"{field.name}: {field.type}" for field in promised]
    found = [tuple(_label(field, promised) for field in pq.read_schema(path)) for path in files]
    odd = [labels for labels in set(found) if not has_columns(labels, wanted)]
    for tally in tallies:
        if tally.promise.type == "expect_table_columns_to_match_ordered_list":
            tally.checked, tally.failed = len(files), sum(labels in odd for labels in found)
            for labels in odd[:1]:
                tally.examples = tuple(sorted(set(labels) ^ set(wanted))[:EXAMPLES] or ["their order"])


def _label(field: "pa.Field[Any]", promised: pa.Schema) -> str:
    """Return `name: type`; Parquet may name a list's element otherwise, and means the same type."""
    index = promised.get_field_index(field.name)
    same = index >= 0 and promised.field(index).type.equals(field.type)
    return f"{field.name}: {promised.field(index).type if same else field.type}"


def _look_at_table(
    duck: duckdb.DuckDBPyConnection,
    contract: Contract,
    counts: dict[str, int],
    tallies: Sequence[_ViolationCounts],
) -> None:
    """Count what is about the whole table."""
    frame: dict[str, int] = {}
    unique = [tally for tally in tallies if "unique" in tally.promise.type]
    for tally in unique:
        names = ", ".join(quoted(name) for name in tally.promise.columns())
        frame[tally.promise.means] = _number(
            duck,
            f"SELECT count(({names})) - count(DISTINCT ({names})) FROM ({_facts_query(contract, 'released', [tally])})",
        )
    frame["rows"] = abs(counts["rows"] - counts["expected"])
    broken = above_zero(frame)
    for tally in tallies:
        if tally.promise.type == "expect_table_row_count_to_equal":
            tally.checked, tally.failed = 1, int("rows" in broken)
            said = f"{counts['rows']} rows found, {counts['expected']} in the manifest"
            tally.examples = (said,) if tally.failed else ()
    for tally in unique:
        tally.checked = counts["rows"]
        if tally.promise.means in broken:
            tally.failed = frame[tally.promise.means]
            names = ", ".join(quoted(name) for name in tally.promise.columns())
            query = _facts_query(contract, "released", [tally])
            twice = (
                f"SELECT min(row_id) FROM ({query}) GROUP BY {names} HAVING count(*) > 1 ORDER BY 1 LIMIT {EXAMPLES}"
            )
            tally.examples = tuple(str(row[0]) for row in duck.sql(twice).fetchall())


def _look_at_rows(
    duck: duckdb.DuckDBPyConnection,
    contract: Contract,
    files: Sequence[Path],
    tallies: Sequence[_ViolationCounts],
) -> None:
    """Count, in one pass over each shard, the rows that each expectation looks at and those that break it."""
    counted = ", ".join(
        f"{checked_sql(each.promise)}, count(*) FILTER ({failed_sql(each.promise)})" for each in tallies
    )
    query = _facts_query(contract, "shard", tallies)
    for path in files:
        duck.register("shard", _few_at_a_time(path))
        found = [int(number) for number in duck.execute(f"SELECT {counted} FROM ({query})").fetchall()[0]]
        for tally, checked, failed in zip(tallies, found[::2], found[1::2], strict=True):
            tally.checked += checked
            tally.failed += failed
    broken = above_zero({str(position): tally.failed for position, tally in enumerate(tallies)})
    for position, tally in enumerate(tallies):
        if str(position) not in broken:
            tally.failed = 0
        else:
            facts = _facts_query(contract, "shard", [tally])
            rows = f"FROM ({facts}) WHERE {failed_sql(tally.promise)} ORDER BY 1 LIMIT {EXAMPLES}"
            for path in files:
                duck.register("shard", _few_at_a_time(path))
                ids = tuple(str(row[0]) for row in duck.sql(f"SELECT row_id {rows}").fetchall())
                tally.examples = (*tally.examples, *ids)[:EXAMPLES]


def _few_at_a_time(path: Path) -> pa.RecordBatchReader:
    """Return the rows of a shard for one query: left to itself, DuckDB works out the facts of 2,048 rows at once."""
    file = pq.ParquetFile(path)
    return pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(ROWS_AT_ONCE))


def _facts_query(contract: Contract, rows: str, tallies: Sequence[_ViolationCounts]) -> str:
    """Return the query of the id and every column and fact that is looked at."""
    facts = {**contract.facts, KEY_LIKE: _key_like_strings(contract), BROKEN: _broken_signs(contract)}
    wanted = dict.fromkeys(["row_id", *(name for tally in tallies for name in tally.promise.columns())])
    parts = [f"({facts[name]}) AS {quoted(name)}" if name in facts else quoted(name) for name in wanted]
    return f"SELECT {', '.join(parts)} FROM {rows}"


def _number(duck: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(duck.sql(query).fetchall()[0][0])


def _key_like_strings(contract: Contract) -> str:
    """Return the SQL that counts key-like strings over every text of a row, however nested."""
    return _over_every_text(contract, key_like_sql("piece"))


def _broken_signs(contract: Contract) -> str:
    """Return the SQL that counts signs that no text is made of, over every text of a row."""
    return _over_every_text(contract, broken_signs_sql("piece"))


def _over_every_text(contract: Contract, counted: str) -> str:
    """Return the SQL of the sum of what is `counted` in each `piece`: said once, DuckDB reads and compiles it once."""
    pieces = ", ".join(text for field in ROW_SCHEMAS[contract.product] for text in _texts(field))
    return f"list_sum(list_transform([{pieces}], lambda piece: {counted}))"


def _texts(field: "pa.Field[Any]") -> list[str]:
    name = quoted(field.name)
    if field.type == pa.string():
        return [f"coalesce({name}, '')"]
    if field.type in (MESSAGES, REASONED_MESSAGES):
        said = ["content", "reasoning_content"] if field.type == REASONED_MESSAGES else ["content"]
        lists = [f"list_transform({name}, lambda m: m.{part})" for part in said]
        return [f"coalesce(array_to_string({each}, chr(10)), '')" for each in lists]
    if pa.types.is_list(field.type):
        return [f"coalesce(CAST({name} AS VARCHAR), '')"]
    if pa.types.is_struct(field.type):
        texts = [child.name for child in field.type if child.type == pa.string()]
        return [f"coalesce({name}.{quoted(text)}, '')" for text in texts]
    return []
