"""DuckDB views over the tables, swapped in by os.replace; opened read-only by people."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from cotfactory.schemas.errors import InputError, WorkspaceError
from cotfactory.schemas.finish_reason import finish_reason_sql
from cotfactory.warehouse.file_changes import reading
from cotfactory.warehouse.tables import seed_tables
from cotfactory.warehouse.workspace import Workspace

NEWEST_GRADE = "QUALIFY row_number() OVER (PARTITION BY candidate_id, problem_id ORDER BY graded_at DESC) = 1"
NEWEST_REWARD = "QUALIFY row_number() OVER (PARTITION BY candidate_id ORDER BY rewarded_at DESC) = 1"
ONE_OF_EACH = "QUALIFY row_number() OVER (PARTITION BY review_id) = 1"
NEWEST_PROBLEM = "QUALIFY row_number() OVER (PARTITION BY problem_id ORDER BY loaded_at DESC) = 1"

RELEASE_COLUMNS = {
    "name": "VARCHAR",
    "version": "VARCHAR",
    "parent": "VARCHAR",
    "created_at": "TIMESTAMPTZ",
    "rows_sha": "VARCHAR",
    "recipe_id": "VARCHAR",
    "rows": "MAP(VARCHAR, BIGINT)",
}
RELEASE_FACTS = frozenset({"created_at", "recipe_id"})
"""Those of them that the run tells."""


def build_catalog(workspace: Workspace) -> None:
    """Write `catalog.duckdb`: the views problems, candidates, grades, rewards, decisions, reviews, runs and
    releases.

    `grades` shows the newest grade of each chain and problem; the table keeps all of them. Views name absolute
    paths, so the file answers from any folder; the first question after a move has it written anew. It is stored in a
    format that DuckDB 1.4 and later can read.
    The pipeline never holds it open: DuckDB lets one process write or many read, and people read during runs.
    """
    seed_tables(workspace)
    aside = workspace.catalog.with_suffix(f".{os.getpid()}")  # `plan` may build one while a run does
    aside.unlink(missing_ok=True)
    views = {
        "problems": f"SELECT * FROM {table_files(workspace, 'problems')} {NEWEST_PROBLEM}",
        "candidates": f"SELECT * REPLACE ({finish_reason_sql('finish_reason')} AS finish_reason) "
        f"FROM {table_files(workspace, 'candidates')}",
        "grades": f"SELECT * FROM {table_files(workspace, 'grades')} {NEWEST_GRADE}",
        "rewards": f"SELECT * FROM {table_files(workspace, 'rewards')} {NEWEST_REWARD}",
        "decisions": f"SELECT * FROM {table_files(workspace, 'decisions')}",
        "reviews": f"SELECT * FROM {table_files(workspace, 'reviews')} {ONE_OF_EACH}",
        "runs": f"SELECT * FROM {table_files(workspace, 'runs')}",
        "releases": _releases_view(workspace),
    }
    try:
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH {quoted(str(aside))} AS catalog (STORAGE_VERSION 'v1.4.0')")
            for name, query in views.items():
                connection.execute(f"CREATE VIEW catalog.{name} AS {query}")
        if _views(aside) == _views(workspace.catalog):
            aside.unlink()  # who has it open keeps it open, and by DuckDB's lock it shows
        else:
            aside.replace(workspace.catalog)
    except (duckdb.Error, OSError) as error:
        raise WorkspaceError(
            f"The catalog {workspace.catalog} cannot be written: {error}", "free space or fix the permissions"
        ) from error


def query_catalog(workspace: Workspace, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Answer one SQL question and return (column names, rows).

    Nothing is written, and no file outside the workspace is read. Raises InputError when the SQL is wrong or more than
    one SELECT, WorkspaceError when there is no catalog yet.
    """
    with _asked(workspace, sql) as connection:
        result = connection.execute(sql)
        columns = [column[0] for column in result.description or []]
        return columns, result.fetchall()


def catalog_table(workspace: Workspace, sql: str) -> pa.Table:
    """Answer one SQL question as an Arrow table. Raises as `query_catalog`."""
    with _asked(workspace, sql) as connection:
        table: pa.Table = connection.sql(sql).to_arrow_table()
        return table


@contextmanager
def _asked(workspace: Workspace, sql: str) -> Iterator[duckdb.DuckDBPyConnection]:
    if not workspace.catalog.exists():
        raise WorkspaceError(f"There is no catalog in {workspace.root}", "run a recipe in this workspace first")
    try:
        statements = duckdb.extract_statements(sql)
        # `read_only` guards the catalog's file alone: COPY would still write over a sealed one.
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            kinds = ", ".join(statement.type.name for statement in statements) or "nothing"
            raise InputError(
                f"The question is not one SELECT: {kinds}",
                "ask one thing; a PIVOT names its values (ON column IN (...)), and files are written by --format csv",
            )
        if not _is_of(workspace):  # it was copied, or moved, and its views look at the old place
            build_catalog(workspace)
        with reading(workspace), duckdb.connect(str(workspace.catalog), read_only=True) as connection:
            connection.execute(f"SET allowed_directories = [{quoted(str(workspace.root))}]")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            yield connection
    except duckdb.Error as error:
        raise InputError(
            f"The question cannot be answered: {error}",
            "views: problems, candidates, grades, rewards, decisions, reviews, runs, releases",
        ) from error


def _is_of(workspace: Workspace) -> bool:
    """Return whether the views of a catalog look at this very workspace."""
    return quoted(str(workspace.table("runs") / "*.parquet")) in _views(workspace.catalog).get("runs", "")


def _views(catalog: Path) -> dict[str, str]:
    """Return the SQL of each view of a catalog; none of a file that is not there, or that DuckDB cannot read."""
    try:
        with duckdb.connect(str(catalog), read_only=True) as connection:
            return dict(connection.execute("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal").fetchall())
    except duckdb.Error:
        return {}


def table_files(workspace: Workspace, table: str) -> str:
    """Return the SQL expression that reads all files of a table."""
    return _read_parquet(quoted(str(workspace.table(table) / "*.parquet")))


def sealed_files(workspace: Workspace, table: str) -> list[Path]:
    """Return the files that a table has now, by name."""
    return sorted(workspace.table(table).glob("*.parquet"))


def files_sql(files: Sequence[Path]) -> str:
    """Return the SQL expression that reads some files; `file_index` in it counts in their order."""
    return _read_parquet(f"[{', '.join(quoted(str(path)) for path in files)}]")


def _read_parquet(files: str) -> str:
    # By name: a file that was sealed before its table got a column has nulls in it.
    return f"read_parquet({files}, union_by_name = true)"


def _releases_view(workspace: Workspace) -> str:
    if not any(workspace.releases.glob("*/*/manifest.json")):
        empty = ", ".join(f"NULL::{kind} AS {name}" for name, kind in RELEASE_COLUMNS.items())
        return f"SELECT {empty}, NULL::VARCHAR AS path WHERE false"
    # In older manifests the facts stood among the other fields (`schemas/manifest.py`): both places are read.
    facts = ", ".join(f"{name} {RELEASE_COLUMNS[name]}" for name in RELEASE_FACTS)
    kinds = {**RELEASE_COLUMNS, "facts": f"STRUCT({facts})"}
    read = ", ".join(f"{name}: {quoted(kind)}" for name, kind in kinds.items())
    shown = ", ".join(
        f"coalesce(facts.{name}, {name}) AS {name}" if name in RELEASE_FACTS else name for name in RELEASE_COLUMNS
    )
    pattern = quoted(str(workspace.releases / "*" / "*" / "manifest.json"))
    return (
        f"SELECT {shown}, regexp_replace(filename, '/manifest.json$', '') AS path "
        f"FROM read_json({pattern}, columns = {{{read}}}, filename = true)"
    )


def quoted(value: str) -> str:
    """Return a text as SQL."""
    return "'" + value.replace("'", "''") + "'"
