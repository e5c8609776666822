"""Turn journals and grades into sealed tables."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from schemas.candidate import Candidate
from schemas.grade import Grade
from schemas.problem import Problem
from schemas.purchase import Purchase
from warehouse.ledger import discard, read_journal
from warehouse.tables import write_table
from warehouse.workspace import Workspace


@dataclass(frozen=True)
class GradeRow:
    """A grade with its id and the problem it is held against, which the candidate alone does not say."""

    grade: Grade
    grade_id: str
    problem_id: str
    graded_at: datetime


@dataclass(frozen=True)
class SealedJournal:
    """What a journal held: completions, requests that were in flight when its run died, torn lines."""

    candidates: int
    lost_in_flight: int
    torn_lines: int


def seal_journal(workspace: Workspace, journal: Path, candidate_from: Callable[[Purchase], Candidate]) -> SealedJournal:
    """Write a journal's purchases to the candidates table, then remove the journal.

    The order makes a crash at any instant harmless: until the table file is in place the journal stays,
    and sealing it again writes the same file again.
    """
    entries = read_journal(journal)
    if entries is None:
        discard(journal)
        return SealedJournal(0, 0, 0)
    header = entries.header
    rows = (
        {**candidate_from(purchase).model_dump(), "recipe": header.recipe, "run_id": header.run_id}
        for purchase in entries.purchases
    )
    count = write_table(workspace, "candidates", journal.stem, rows)
    discard(journal)
    return SealedJournal(count, len(entries.in_flight), entries.torn_lines)


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


def write_problems(workspace: Workspace, name: str, problems: Sequence[Problem]) -> None:
    """Seal problems as one file of the problems table, unless that file is there already."""
    if (workspace.table("problems") / f"{name}.parquet").exists():
        return
    write_table(
        workspace,
        "problems",
        name,
        (
            {**problem.model_dump(), "tests": problem.tests.model_dump_json() if problem.tests else None}
            for problem in problems
        ),
    )
