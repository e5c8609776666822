"""Answer questions about a workspace: SQL over its catalog, and what is going on in it."""

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cotfactory.flows.inspect.canned_questions import CANNED_QUESTIONS, as_sql
from cotfactory.flows.inspect.terminal_table import terminal_table
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import InputError, WorkspaceError
from cotfactory.schemas.printable import printable
from cotfactory.schemas.record import Record
from cotfactory.schemas.spending import Books
from cotfactory.warehouse.books import USD_DECIMALS, all_books
from cotfactory.warehouse.catalog import query_catalog
from cotfactory.warehouse.journal_reader import read_journal
from cotfactory.warehouse.ledger import open_journals
from cotfactory.warehouse.workspace import Workspace
from cotfactory.warehouse.workspace_lock import holder

FORMATS = ("table", "csv", "json")
ROWS_SHOWN = 200
MONEY = re.compile("usd|cost", re.IGNORECASE)
"""What a column of money has in its name, or in the sum that it is."""


class Answer(Record):
    """The rows of an answer, printed in one of FORMATS."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    form: str

    def text(self) -> str:
        """Return the rows as a table, as CSV, or as one JSON array of objects."""
        if self.form == "json":
            objects = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
            return json.dumps(objects, ensure_ascii=False, default=str)
        if self.form == "csv":
            out = io.StringIO()
            csv.writer(out, lineterminator="\n").writerows([_inert(cell) for cell in row] for row in self._lines())
            return out.getvalue().rstrip("\n")
        shown = self.rows[:ROWS_SHOWN]
        rows = [[_printable(cell) for cell in row] for row in shown]
        numeric = [
            all(isinstance(row[place], int | float | None) for row in shown) for place in range(len(self.columns))
        ]
        width = shutil.get_terminal_size((160, 24)).columns
        table = terminal_table([_printable(name) for name in self.columns], rows, numeric, width)
        more = len(self.rows) - ROWS_SHOWN
        return table + (f"\n{counted(more, 'more row')}: use LIMIT, or --format csv" if more > 0 else "")

    def _lines(self) -> Iterator[Sequence[Any]]:
        yield self.columns
        yield from self.rows


def _printable(cell: Any) -> str:
    """Return a cell for a terminal: what models write may hold control sequences."""
    return printable("" if cell is None else str(cell))


def _inert(cell: Any) -> Any:
    """Return a cell for a CSV: a text that a spreadsheet would run as a formula gets an apostrophe in front."""
    if not isinstance(cell, str):
        return cell
    return "'" + printable(cell) if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else printable(cell)


def list_questions(form: str) -> Answer:
    """Return the canned questions: their names and what they answer. Raises InputError for an unknown format."""
    rows = tuple((name, question.answers) for name, question in CANNED_QUESTIONS.items())
    return Answer(columns=("name", "answers"), rows=rows, form=_known(form))


def answer(question: str | None, workspace: Path, form: str) -> Answer:
    """Answer a SQL question, or the canned one of that name, over the catalog's views.

    Read-only, and possible while a run goes on. Raises InputError for no question, wrong SQL or an unknown
    format, WorkspaceError when there is no catalog.
    """
    if question is None:
        raise InputError("There is no question: expected SQL or a name", "`cotfactory sql --list` lists the names")
    form, place = _known(form), Workspace(workspace.resolve())
    columns, rows = query_catalog(place, as_sql(question, place))
    return Answer(columns=tuple(columns), rows=tuple(_with_money(columns, row) for row in rows), form=form)


def _with_money(columns: Sequence[str], row: Sequence[Any]) -> tuple[Any, ...]:
    """Return a row with money as money: 0.044292 USD, where adding up leaves 0.044291999999999984."""
    return tuple(
        round(cell, USD_DECIMALS) if isinstance(cell, float) and MONEY.search(column) else cell
        for column, cell in zip(columns, row, strict=True)
    )


def _known(form: str) -> str:
    if form not in FORMATS:
        raise InputError(f"Unknown format {form!r}: expected one of {', '.join(FORMATS)}", "fix --format")
    return form


class OpenShard(Record):
    """A shard that a run is working on now, or that a killed one left: what its journal holds."""

    recipe: str
    run_id: str
    bought: int
    in_flight: int
    torn_lines: int


class RunLine(Record):
    """One finished run; `log` is the file that tells what happened, of a run that did not end well."""

    run_id: str
    recipe: str
    status: str
    teacher_calls: int
    reused: int
    kept: int
    cost_usd: float
    release_version: str | None
    log: str | None = None


class WorkspaceStatus(Record):
    """What a workspace holds: rows by table, the newest runs, what was spent, and shards that are still open."""

    workspace: str
    held_by: int | None
    tables: dict[str, int]
    verdicts: dict[str, int]
    runs: tuple[RunLine, ...]
    budgets: tuple[Books, ...]
    open_shards: tuple[OpenShard, ...]

    def text(self) -> str:
        """Return the status for people."""
        held = "" if self.held_by is None else f", in use by process {self.held_by}"
        lines = [f"workspace {self.workspace}{held}"]
        lines += [f"  {count:>9,} {table}" for table, count in self.tables.items()]
        lines.append("verdicts: " + (", ".join(f"{n:,} {name}" for name, n in self.verdicts.items()) or "none"))
        for run in self.runs:
            release = run.release_version or "no release"
            lines.append(
                f"run {run.run_id} of {run.recipe}: {run.status}, {counted(run.teacher_calls, 'call')}, "
                f"{run.reused:,} reused, {run.kept:,} kept, ${run.cost_usd:.4f}, {release}"
            )
            if run.log is not None:
                lines.append(f"  what happened: {run.log}")
        lines += [books.text() for books in self.budgets]
        for shard in self.open_shards:
            lines.append(
                f"open shard of {shard.recipe} (run {shard.run_id}): {shard.bought:,} bought, "
                f"{shard.in_flight:,} in flight; the next run recovers it if its run is gone"
            )
        return "\n".join(lines)


def describe_workspace(workspace: Path) -> WorkspaceStatus:
    """Return what a workspace holds, open journals included. Raises WorkspaceError when there is none."""
    place = Workspace(workspace.resolve())
    if not place.catalog.exists():
        raise WorkspaceError(f"There is no workspace in {place.root}", "run a recipe with this --workspace first")
    tables = {name: _count(place, name) for name in ("problems", "candidates", "grades", "decisions", "releases")}
    verdicts = query_catalog(place, "SELECT verdict, count(*) FROM grades GROUP BY ALL ORDER BY ALL")[1]
    columns = ", ".join(name for name in RunLine.model_fields if name != "log")
    runs = query_catalog(place, f"SELECT {columns} FROM runs ORDER BY started_at DESC LIMIT 10")
    return WorkspaceStatus(
        workspace=str(place.root),
        held_by=holder(place),
        tables=tables,
        verdicts=dict(verdicts),
        runs=tuple(_run_line(dict(zip(runs[0], row, strict=True)), place) for row in runs[1]),
        budgets=tuple(all_books(place)),
        open_shards=tuple(_open_shards(place)),
    )


def _run_line(row: dict[str, Any], place: Workspace) -> RunLine:
    path = place.logs / f"{row['run_id']}.jsonl"
    return RunLine.model_validate(row | {"log": str(path) if row["status"] != "done" and path.exists() else None})


def _count(place: Workspace, view: str) -> int:
    return int(query_catalog(place, f"SELECT count(*) FROM {view}")[1][0][0])


def _open_shards(place: Workspace) -> list[OpenShard]:
    shards = []
    for journal in open_journals(place.ledger):
        entries = read_journal(journal) if journal.exists() else None
        if entries is not None:
            shards.append(
                OpenShard(
                    recipe=entries.header.recipe,
                    run_id=entries.header.run_id,
                    bought=len(entries.bought),
                    in_flight=len(entries.in_flight),
                    torn_lines=entries.torn_lines,
                )
            )
    return shards
