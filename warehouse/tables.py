"""Parquet tables with one schema per record type; sealed by rename, then never changed."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.warehouse.arrow_rows import arrow_rows, no_rows
from cotfactory.warehouse.checksums import note_checksum
from cotfactory.warehouse.synced import rename
from cotfactory.warehouse.workspace import SEED, TABLES, Workspace

BATCH_ROWS = 2_000
BATCH_CHARACTERS = 4_000_000
"""Rows are written, and read again, in row groups of so many rows or so much text, whichever comes first."""
TIME: pa.DataType = pa.timestamp("us", tz="UTC")

SAMPLING: pa.DataType = pa.struct(
    [
        ("temperature", pa.float64()),
        ("top_p", pa.float64()),
        ("top_k", pa.int32()),
        ("max_tokens", pa.int32()),
        ("max_completion_tokens", pa.int32()),
        ("reasoning_effort", pa.string()),
        ("seed", pa.int64()),
    ]
)
USAGE: pa.DataType = pa.struct(
    [
        ("input_tokens", pa.int64()),
        ("output_tokens", pa.int64()),
        ("reasoning_tokens", pa.int64()),
        ("cached_input_tokens", pa.int64()),
        ("estimated", pa.bool_()),
    ]
)
EVIDENCE: pa.DataType = pa.struct(
    [
        ("rule", pa.string()),
        ("compared_as", pa.string()),
        ("reference", pa.string()),
        ("detail", pa.string()),
        ("cases_passed", pa.int32()),
        ("cases_total", pa.int32()),
        ("image_digest", pa.string()),
        ("weak", pa.bool_()),
    ]
)
VERDICT_COUNTS: pa.DataType = pa.struct(
    [("correct", pa.int64()), ("incorrect", pa.int64()), ("no_answer", pa.int64()), ("ungraded", pa.int64())]
)

ALARM: pa.DataType = pa.struct(
    [
        ("teacher", pa.string()),
        ("kind", pa.string()),
        ("seen", pa.int64()),
        ("samples", pa.int64()),
        ("text", pa.string()),
    ]
)

STRATUM: pa.DataType = pa.struct(
    [
        ("grader", pa.string()),
        ("grader_version", pa.string()),
        ("verdict", pa.string()),
        ("wrong_step", pa.bool_()),
        ("teacher", pa.string()),
    ]
)

TOOL_CALLS: pa.DataType = pa.list_(pa.struct([("id", pa.string()), ("name", pa.string()), ("arguments", pa.string())]))

COLUMNS: Mapping[str, list[tuple[str, pa.DataType]]] = {
    "problems": [
        ("problem_id", pa.string()),
        ("source", pa.string()),
        ("source_row_id", pa.string()),
        ("source_revision", pa.string()),
        ("license", pa.string()),
        ("domain", pa.string()),
        ("question", pa.string()),
        ("choices", pa.list_(pa.string())),
        ("answer", pa.string()),
        ("answer_kind", pa.string()),
        ("answer_tolerance", pa.string()),
        ("answers", pa.list_(pa.string())),
        ("text_compare", pa.string()),
        ("tests", pa.string()),
        ("program", pa.string()),
        ("rubric", pa.string()),
        ("turn", pa.string()),
        ("solution", pa.string()),
        ("split_group", pa.string()),
        ("parent_id", pa.string()),
        ("reference_by", pa.string()),
        ("loaded_at", TIME),
    ],
    "candidates": [
        ("candidate_id", pa.string()),
        ("problem_id", pa.string()),
        ("teacher", pa.string()),
        ("prompt_id", pa.string()),
        ("strategy", pa.string()),
        ("sampling", SAMPLING),
        ("sample_index", pa.int32()),
        ("parent_id", pa.string()),
        ("reasoning", pa.string()),
        ("response", pa.string()),
        ("tool_calls", TOOL_CALLS),
        ("tool_results", pa.list_(pa.string())),
        ("finish_reason", pa.string()),
        ("finish_reason_raw", pa.string()),
        ("usage", USAGE),
        ("cost_usd", pa.float64()),
        ("latency_ms", pa.float64()),
        ("created_at", TIME),
        ("training_step", pa.int32()),
        ("checkpoint", pa.string()),
        ("recipe", pa.string()),
        ("run_id", pa.string()),
    ],
    "grades": [
        ("candidate_id", pa.string()),
        ("grader", pa.string()),
        ("grader_version", pa.string()),
        ("verdict", pa.string()),
        ("reason", pa.string()),
        ("extracted_answer", pa.string()),
        ("evidence", EVIDENCE),
        ("duration_ms", pa.float64()),
        ("grade_id", pa.string()),
        ("problem_id", pa.string()),
        ("graded_at", TIME),
    ],
    "rewards": [
        ("candidate_id", pa.string()),
        ("problem_id", pa.string()),
        ("reward", pa.float64()),
        ("wrong_step", pa.string()),
        ("rewarded_at", TIME),
    ],
    "decisions": [
        ("candidate_id", pa.string()),
        ("kept", pa.bool_()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("flags", pa.list_(pa.string())),
        ("split", pa.string()),
        ("problem_id", pa.string()),
        ("recipe", pa.string()),
        ("decided_at", TIME),
    ],
    "examined": [
        ("examined_id", pa.string()),
        ("candidate_id", pa.string()),
        ("sample_index", pa.int32()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("flags", pa.list_(pa.string())),
        ("length", pa.int64()),
        ("text_key", pa.string()),
        ("equations", pa.list_(pa.int64())),
        ("operations", pa.list_(pa.string())),
        ("calls", pa.bool_()),
        ("signature", pa.string()),
        ("problem_key", pa.string()),
        ("problem_chains", pa.int32()),
        ("problem_facts", pa.string()),
    ],
    "review_items": [
        ("item_id", pa.string()),
        ("recipe", pa.string()),
        ("draw_id", pa.string()),
        ("question", pa.string()),
        ("kind", pa.string()),
        ("problem_id", pa.string()),
        ("candidate_id", pa.string()),
        ("other_id", pa.string()),
        ("stratum", STRATUM),
        ("size", pa.int64()),
        ("drawn", pa.int64()),
        ("truth", pa.string()),
        ("response", pa.string()),
        ("drawn_at", TIME),
    ],
    "reviews": [
        ("review_id", pa.string()),
        ("item_id", pa.string()),
        ("recipe", pa.string()),
        ("guidelines_id", pa.string()),
        ("question", pa.string()),
        ("kind", pa.string()),
        ("problem_id", pa.string()),
        ("candidate_id", pa.string()),
        ("other_id", pa.string()),
        ("truth", pa.string()),
        ("person", pa.string()),
        ("answer", pa.string()),
        ("first_wrong_step", pa.int32()),
        ("steps_asked", pa.bool_()),
        ("wrong_step_text", pa.string()),
        ("own_answer", pa.string()),
        ("reason", pa.string()),
        ("reasoning", pa.string()),
        ("response", pa.string()),
        ("written_id", pa.string()),
        ("seconds", pa.float64()),
        ("seen", pa.string()),
        ("reviewed_at", TIME),
    ],
    "released": [
        ("recipe", pa.string()),
        ("version", pa.string()),
        ("teacher_position", pa.int32()),
        ("sample_index", pa.int32()),
        ("step", pa.int32()),
        ("problem_id", pa.string()),
        ("candidate_id", pa.string()),
        ("grade_id", pa.string()),
        ("kept", pa.bool_()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("flags", pa.list_(pa.string())),
        ("split", pa.string()),
    ],
    "runs": [
        ("run_id", pa.string()),
        ("recipe", pa.string()),
        ("recipe_id", pa.string()),
        ("status", pa.string()),
        ("started_at", TIME),
        ("seconds", pa.float64()),
        ("problems", pa.int64()),
        ("candidates", pa.int64()),
        ("teacher_calls", pa.int64()),
        ("failed_calls", pa.int64()),
        ("lost_in_flight", pa.int64()),
        ("reused", pa.int64()),
        ("verdicts", VERDICT_COUNTS),
        ("kept", pa.int64()),
        ("input_tokens", pa.int64()),
        ("output_tokens", pa.int64()),
        ("cost_usd", pa.float64()),
        ("release_version", pa.string()),
        ("rows_sha", pa.string()),
        ("alarms", pa.list_(ALARM)),
    ],
}
"""Each table is its record's fields in order, then the columns that say what a row belongs to."""

AS_JSON = ("tests", "rubric", "turn")
"""Fields of a problem that its table holds as JSON."""
NOT_IN_TABLE = ("grader", "judged_by")
"""Fields of a problem that its table lacks: who grades it is not its to say, grades say it."""

SCHEMAS: Mapping[str, pa.Schema] = {table: pa.schema(columns) for table, columns in COLUMNS.items()}


def write_table(workspace: Workspace, table: str, name: str, rows: Iterable[dict[str, Any]]) -> int:
    """Seal `rows` as `tables/TABLE/NAME.parquet` and return how many there were; see `write_batches`."""
    return write_batches(workspace, table, name, (arrow_rows(batch, SCHEMAS[table]) for batch in _batches(rows)))


def write_batches(workspace: Workspace, table: str, name: str, batches: Iterable[pa.Table]) -> int:
    """Seal batches of rows as `tables/TABLE/NAME.parquet` (`write_file`), and return the rows.

    The file appears whole or not at all: written aside, synced, renamed, folder synced. Writing the same
    name again replaces it, so a seal that was cut short can simply be done again.
    Raises WorkspaceError when the disk is full or cannot be written.
    """
    target = workspace.table(table) / f"{name}.parquet"
    aside = target.with_suffix(".writing")
    try:
        if count := write_file(aside, table, batches):
            note_checksum(workspace, table, aside, target)
            rename(aside, target)
    except OSError as error:
        raise WorkspaceError(
            f"Table {target} cannot be written: {error.strerror or error}",
            "free space and run again: the ledger still holds what was bought",
        ) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
    return count


def write_file(path: Path, table: str, batches: Iterable[pa.Table]) -> int:
    """Write batches of rows as a file, each a row group, and return the rows; without any, no file. Raises OSError."""
    filled = (batch for batch in batches if len(batch))
    batch = next(filled, None)
    if batch is None:
        return 0
    count = 0
    with pq.ParquetWriter(path, SCHEMAS[table], compression="zstd") as writer:
        while batch is not None:
            writer.write_table(batch)
            count += len(batch)
            batch = next(filled, None)
    return count


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    characters = 0
    for row in rows:
        batch.append(row)
        characters += sum(len(value) for value in row.values() if isinstance(value, str))
        if len(batch) == BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def seed_tables(workspace: Workspace) -> None:
    """Give every table one empty file, so that a view over `*.parquet` always has a schema."""
    for table in TABLES:
        path = workspace.table(table) / SEED
        if not path.exists():
            aside = path.with_suffix(f".{os.getpid()}")
            pq.write_table(no_rows(SCHEMAS[table]), aside)
            rename(aside, path)
