"""What goes with a recipe, and what of it others share and stays.

A chain of the recipe stays where another recipe has a decision, a release or a review of it, or was stopped before it
decided anything and has its problem; and so does every turn that it goes on from. All else of the recipe goes: chains,
grades, rewards, decisions, reviews, runs with their logs, problems that no chain is left of, and its releases.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from cotfactory.schemas.errors import WorkspaceBusy, WorkspaceError
from cotfactory.warehouse.batch_ledger import open_batches
from cotfactory.warehouse.catalog import files_sql, quoted, sealed_files, table_files
from cotfactory.warehouse.file_changes import ChangePlan, Step, changing_folder, clear_undecided, make_changes
from cotfactory.warehouse.forgotten import Forgotten
from cotfactory.warehouse.journal_reader import read_journal
from cotfactory.warehouse.scratch import bounded_duckdb, scratch_folder
from cotfactory.warehouse.synced import sync
from cotfactory.warehouse.tables import SCHEMAS, write_file
from cotfactory.warehouse.workspace import SEED, Workspace

STAYS: Mapping[str, str] = {
    "grades": "candidate_id NOT IN (FROM gone)",
    "rewards": "candidate_id NOT IN (FROM gone)",
    "examined": "candidate_id NOT IN (FROM gone)",
    "decisions": "recipe NOT IN (FROM outputs)",
    "released": "recipe NOT IN (FROM outputs)",
    "review_items": "recipe <> getvariable('recipe')",
    "reviews": "recipe <> getvariable('recipe')",
    "runs": "recipe <> getvariable('recipe')",
    "candidates": "recipe <> getvariable('recipe') OR candidate_id NOT IN (FROM gone)",
    "problems": "problem_id IN (FROM problems_of_what_stays)",
}
"""Which rows of each table stay, as SQL (of problems, in the recipe's own files); what refers to chains goes first."""
ROWS_AT_ONCE = 2_000


@dataclass(frozen=True)
class Going:
    """What goes with a recipe: rows by table, files and folders beside the tables, and what the chains had cost.

    `shared` chains stay, for others use them.
    """

    rows: Mapping[str, int]
    shared: int
    paths: tuple[Path, ...]
    cost: Forgotten
    parts: tuple["Part", ...]

    @property
    def is_nothing(self) -> bool:
        """Whether the workspace has nothing of the recipe but what others share."""
        return not self.paths and not any(self.rows.values())


@dataclass(frozen=True)
class Part:
    """One sealed file of which rows go, and how many rows stay in it."""

    table: str
    path: Path
    rows: int
    stay: int


def what_goes(workspace: Workspace, recipe: str) -> Going:
    """Return what would go with a recipe. Raises WorkspaceError while a batch of it is under way."""
    with _marked(workspace, recipe) as connection:
        return _going(connection, workspace, recipe)


def forget(workspace: Workspace, recipe: str) -> Going:
    """Take a recipe out of the workspace, which must be held, and return what went.

    Raises WorkspaceError while a batch of it is under way, while others read the tables, or where the disk refuses:
    then nothing has changed, or the next command goes on with it.
    """
    try:
        with _marked(workspace, recipe) as connection:
            going = _going(connection, workspace, recipe)
            if going.is_nothing:
                return going
            steps = []
            for part in going.parts:
                inside = part.path.relative_to(workspace.root)
                if part.stay:
                    _write_what_stays(connection, part, changing_folder(workspace) / inside)
                steps.append(Step(path=str(inside), is_put=part.stay > 0))
            steps += [Step(path=str(path.relative_to(workspace.root))) for path in going.paths]
        make_changes(workspace, ChangePlan(line=going.cost, steps=tuple(steps)))
    except WorkspaceBusy:
        clear_undecided(workspace)
        raise
    except OSError as error:
        clear_undecided(workspace)
        raise WorkspaceError(
            f"{recipe!r} cannot be taken out of {workspace.root}: {error.strerror or error}",
            "free space and try again; nothing was changed",
        ) from error
    return going


@contextmanager
def _marked(workspace: Workspace, recipe: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a database with the tables that STAYS asks: outputs, gone, problems_of_what_stays; and own, stays."""
    if under_way := [batch.path.name for batch in open_batches(workspace.ledger) if batch.header.recipe == recipe]:
        raise WorkspaceError(
            f"{len(under_way)} batches of {recipe!r} are under way at their endpoint: {under_way[0]}",
            "run the recipe once more to fetch what was paid, then forget it",
        )
    tables = {table: table_files(workspace, table) for table in SCHEMAS}
    with scratch_folder(workspace) as folder, bounded_duckdb(folder) as connection:
        connection.execute(f"SET VARIABLE recipe = {quoted(recipe)}")
        others_recipes = {
            str(row[0])
            for row in connection.execute(
                f"SELECT recipe FROM {tables['runs']} UNION SELECT recipe FROM {tables['candidates']}"
            ).fetchall()
        } - {recipe}
        own_outputs = {recipe, *(_outputs(workspace, recipe) - others_recipes)}
        _fill(connection, "outputs", "recipe", own_outputs)
        files = {path: path.stem[:-PROBLEMS_ID] for path in _sealed(workspace, "problems")}
        decided = {path.stem for path in _sealed(workspace, "decisions")}
        others = [path for path, output in files.items() if output not in own_outputs]
        connection.execute(f"CREATE TEMP TABLE others_problems AS {_problem_ids(others)}")
        undecided = [path for path in others if files[path] not in decided]
        connection.execute(f"CREATE TEMP TABLE undecided_problems AS {_problem_ids(undecided)}")
        connection.execute(MARKING.format(**tables))
        yield connection


MARKING = """
    CREATE TEMP TABLE own AS
        SELECT DISTINCT candidate_id, parent_id, problem_id FROM {candidates} WHERE recipe = getvariable('recipe');
    CREATE TEMP TABLE used AS
        SELECT unnest([candidate_id, parent_id]) AS candidate_id FROM {candidates}
            WHERE recipe <> getvariable('recipe')
        UNION SELECT candidate_id FROM {decisions} WHERE recipe NOT IN (FROM outputs)
        UNION SELECT candidate_id FROM {released} WHERE recipe NOT IN (FROM outputs)
        UNION SELECT unnest([candidate_id, other_id]) FROM {reviews} WHERE recipe <> getvariable('recipe')
        UNION SELECT unnest([candidate_id, other_id]) FROM {review_items} WHERE recipe <> getvariable('recipe')
        UNION SELECT candidate_id FROM own SEMI JOIN undecided_problems USING (problem_id);
    CREATE TEMP TABLE stays AS
        WITH RECURSIVE needed AS (
            SELECT candidate_id FROM own SEMI JOIN used USING (candidate_id)
            UNION SELECT parent_id FROM own JOIN needed USING (candidate_id) WHERE parent_id IS NOT NULL
        ) FROM needed;
    CREATE TEMP TABLE gone AS SELECT candidate_id FROM own ANTI JOIN stays USING (candidate_id);
    CREATE TEMP TABLE problems_of_what_stays AS
        SELECT DISTINCT problem_id FROM {candidates} ANTI JOIN gone USING (candidate_id)
        EXCEPT FROM others_problems
"""
PROBLEMS_ID = len("-0123456789ab")
"""A file of problems is called OUTPUT-HASH."""


def _outputs(workspace: Workspace, recipe: str) -> set[str]:
    """Return the names under which trials of a recipe (`--limit N`) are filed."""
    names = {path.stem for path in _sealed(workspace, "decisions")}
    names |= {path.stem[:-PROBLEMS_ID] for path in _sealed(workspace, "problems")}
    names |= {path.name for path in workspace.releases.iterdir()}
    return {name for name in names if re.fullmatch(rf"{re.escape(recipe)}-first-\d+", name)}


def _sealed(workspace: Workspace, table: str) -> list[Path]:
    return [path for path in sealed_files(workspace, table) if path.name != SEED]


def _fill(connection: duckdb.DuckDBPyConnection, name: str, column: str, values: set[str]) -> None:
    connection.execute(f"CREATE TEMP TABLE {name} ({column} VARCHAR)")
    connection.executemany(f"INSERT INTO {name} VALUES (?)", [[value] for value in sorted(values)])


def _problem_ids(files: Sequence[Path]) -> str:
    return (
        f"SELECT DISTINCT problem_id FROM {files_sql(files)}" if files else "SELECT NULL::VARCHAR AS problem_id LIMIT 0"
    )


def _going(connection: duckdb.DuckDBPyConnection, workspace: Workspace, recipe: str) -> Going:
    parts = [part for table in STAYS for part in _parts(connection, workspace, table)]
    rows = {table: sum(part.rows - part.stay for part in parts if part.table == table) for table in STAYS}
    usd, told_usd, tokens, shared = connection.execute(
        f"""SELECT coalesce(sum(cost_usd) FILTER (is_gone), 0),
                   coalesce(sum(cost_usd) FILTER (is_gone AND NOT coalesce(usage.estimated, false)), 0),
                   coalesce(sum(usage.input_tokens + usage.output_tokens) FILTER (is_gone), 0),
                   count(*) FILTER (NOT is_gone)
            FROM (SELECT *, candidate_id IN (FROM gone) AS is_gone FROM {table_files(workspace, "candidates")}
                  WHERE recipe = getvariable('recipe'))"""
    ).fetchall()[0]
    cost = Forgotten(
        forgetting_id=secrets.token_hex(8),
        recipe=recipe,
        usd=usd,
        told_usd=told_usd,
        tokens=tokens,
        files=tuple(part.path.name for part in parts if part.table == "candidates" and not part.stay),
    )
    return Going(
        {table: count for table, count in rows.items() if count},
        shared,
        _paths(connection, workspace),
        cost,
        tuple(parts),
    )


def _parts(connection: duckdb.DuckDBPyConnection, workspace: Workspace, table: str) -> Iterator[Part]:
    """Yield the files of a table of which rows go."""
    files = _sealed(workspace, table)
    if table == "problems":
        own = {str(row[0]) for row in connection.execute("FROM outputs").fetchall()}
        files = [path for path in files if path.stem[:-PROBLEMS_ID] in own]
    if files:
        counted = connection.execute(
            f"""SELECT file_index, count(*), count(*) FILTER ({STAYS[table]})
                FROM {files_sql(files)} GROUP BY ALL ORDER BY 1"""
        ).fetchall()
        yield from (Part(table, files[index], rows, stay) for index, rows, stay in counted if stay < rows)


def _paths(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> tuple[Path, ...]:
    """Return the files and folders of the recipe that are not in tables."""
    outputs = sorted(str(row[0]) for row in connection.execute("FROM outputs").fetchall())
    runs = connection.execute(
        f"""SELECT run_id FROM {table_files(workspace, "runs")} WHERE recipe = getvariable('recipe')
            UNION SELECT run_id FROM {table_files(workspace, "candidates")} WHERE recipe = getvariable('recipe')
            ORDER BY run_id"""
    ).fetchall()
    recipe = connection.execute("SELECT getvariable('recipe')").fetchall()[0][0]
    paths = [
        *(workspace.releases / output for output in outputs),
        *(workspace.rounds / output for output in outputs),
        *(workspace.kept / output for output in outputs),
        *(workspace.made_of / f"{output}.json" for output in outputs),
        *(workspace.metrics / f"{output}.prom" for output in outputs),
        *(workspace.logs / f"{run_id}.jsonl" for (run_id,) in runs),
        *(path for path in sorted(workspace.ledger.glob("*.unread")) if read_journal(path).header.recipe == recipe),
    ]
    return tuple(path for path in paths if path.exists() or path.is_symlink())


def _write_what_stays(connection: duckdb.DuckDBPyConnection, part: Part, target: Path) -> None:
    """Write the rows of a file that stay, in their order; columns that came later hold nothing. Raises OSError."""
    schema = SCHEMAS[part.table]
    known = set(pq.read_schema(part.path).names)
    columns = ", ".join(name if name in known else f"NULL AS {name}" for name in schema.names)
    target.parent.mkdir(parents=True, exist_ok=True)
    rows = connection.sql(
        f"SELECT {columns} FROM {files_sql([part.path])} WHERE {STAYS[part.table]} ORDER BY file_row_number"
    ).to_arrow_reader(ROWS_AT_ONCE)
    write_file(target, part.table, (pa.Table.from_batches([batch]).cast(schema) for batch in rows))
    sync(target)
