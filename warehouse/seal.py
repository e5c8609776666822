"""Turn journals and grades into sealed tables."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.ids import content_id_of_all
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.record import Record
from cotfactory.warehouse.arrow_rows import repeated
from cotfactory.warehouse.journal_reader import JournalReader
from cotfactory.warehouse.ledger import JournalHeader, discard, set_aside
from cotfactory.warehouse.synced import append_line
from cotfactory.warehouse.tables import AS_JSON, NOT_IN_TABLE, write_batches, write_table
from cotfactory.warehouse.workspace import Workspace

UNCONFIRMED = "unconfirmed.jsonl"


@dataclass(frozen=True)
class GradeRow:
    """A grade with its id and the problem it is held against, which the candidate alone does not say."""

    grade: Grade
    grade_id: str
    problem_id: str
    graded_at: datetime


@dataclass(frozen=True)
class SealedJournal:
    """What a journal held. `set_aside` is where it was kept because of lines that are in no table.

    Those are foreign (this code cannot read them), or contradict an earlier line of the same id.

    `unconfirmed_usd` is the most that was billed for sendings without an answer.
    """

    candidates: int
    lost_in_flight: int
    torn_lines: int
    foreign_lines: int
    contradicting_lines: int
    set_aside: Path | None
    unconfirmed_usd: float = 0.0


class Unconfirmed(Record):
    """What the sendings of one journal may have been billed without a completion reaching us, at worst.

    `in_flight` counts the requests that were on their way when the run died.
    """

    journal: str
    recipe: str
    usd: float
    tokens: int
    in_flight: int = 0


def seal_journal(workspace: Workspace, journal: Path) -> SealedJournal:
    """Write what a journal says was bought to the candidates table, then remove the journal.

    The order makes a crash at any instant harmless: until the table file is in place the journal stays,
    and sealing it again writes the same file again. A journal with lines that are in no table is renamed to
    `.unread`, never removed.
    """
    reader = JournalReader(journal)
    count = write_batches(workspace, "candidates", journal.stem, _with_run(reader))
    entries = reader.entries()
    note_unconfirmed(
        workspace,
        journal.stem,
        entries.header.recipe,
        usd=entries.unconfirmed_usd,
        tokens=entries.unconfirmed_tokens,
        in_flight=len(entries.in_flight),
    )
    kept = set_aside(journal) if entries.foreign_lines or entries.contradicting_lines else None
    if kept is None:
        discard(journal)
    return SealedJournal(
        *(count, len(entries.in_flight), entries.torn_lines, entries.foreign_lines, entries.contradicting_lines, kept),
        entries.unconfirmed_usd,
    )


def seal_own_journal(workspace: Workspace, journal: Path) -> SealedJournal:
    """Seal a journal that this process wrote, all of it. Raises WorkspaceError when it cannot be read back."""
    sealed = seal_journal(workspace, journal)
    if sealed.foreign_lines:
        raise WorkspaceError(
            f"{counted(sealed.foreign_lines, 'line')} just written to the ledger cannot be read back",
            f"what was bought is in {sealed.set_aside}: keep it and report this; to run again would pay for it twice",
        )
    return sealed


def _with_run(reader: JournalReader) -> Iterator[pa.Table]:
    for table in reader.candidates():
        yield with_run(table, reader.header)


def with_run(table: pa.Table, header: JournalHeader) -> pa.Table:
    """Return candidates with the recipe and the run of their journal."""
    for name in ("recipe", "run_id"):
        table = table.append_column(name, repeated(getattr(header, name), len(table)))
    return table


def unconfirmed_of(workspace: Workspace) -> list[Unconfirmed]:
    """Return what may have been paid for completions that never reached us, at worst, by journal."""
    path = workspace.ledger / UNCONFIRMED
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return list({line.journal: line for line in map(Unconfirmed.model_validate_json, lines)}.values())


def note_unconfirmed(
    workspace: Workspace, journal: str, recipe: str, *, usd: float, tokens: int, in_flight: int
) -> None:
    """Write down what a journal's sendings may have been billed without an answer, in place of what was said before."""
    before = next((line for line in unconfirmed_of(workspace) if line.journal == journal), None)
    if before is None and not usd and not tokens:
        return
    line = Unconfirmed(journal=journal, recipe=recipe, usd=usd, tokens=tokens, in_flight=in_flight)
    if line != before:
        append_line(workspace.ledger / UNCONFIRMED, line.model_dump_json())


def write_grades(workspace: Workspace, name: str, grades: Iterable[GradeRow]) -> int:
    """Seal grades as one file of the grades table and return how many there were."""
    return write_table(
        workspace,
        "grades",
        name,
        (
            {
                **row.grade.model_dump(),
                "grade_id": row.grade_id,
                "problem_id": row.problem_id,
                "graded_at": row.graded_at,
            }
            for row in grades
        ),
    )


def write_problems(
    workspace: Workspace, recipe: str, problems: Sequence[Problem], contents_id: str | None = None
) -> str:
    """Seal a recipe's problems as one file, unless the very same problems are there already; return its name.

    `contents_id` is the hash of what the table says of them, where it is known.
    """
    if contents_id is None:
        contents_id = content_id_of_all(
            problem.model_dump(mode="json", exclude=set(NOT_IN_TABLE)) for problem in problems
        )
    name = f"{recipe}-{contents_id[:12]}"
    if not (workspace.table("problems") / f"{name}.parquet").exists():
        now = datetime.now(UTC)
        rows = (
            {
                **problem.model_dump(exclude={*AS_JSON, *NOT_IN_TABLE}),
                **{name: held.model_dump_json() if (held := getattr(problem, name)) else None for name in AS_JSON},
                "loaded_at": now,
            }
            for problem in problems
        )
        write_table(workspace, "problems", name, rows)
    return name
