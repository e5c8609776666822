"""A journal becomes a table file, and what may have been billed without an answer goes on counting."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.problem import CallCase, CallTests
from cotfactory.warehouse.catalog import build_catalog, query_catalog
from cotfactory.warehouse.ledger import Journal, JournalHeader, open_journals
from cotfactory.warehouse.seal import (
    GradeRow,
    seal_journal,
    seal_own_journal,
    unconfirmed_of,
    write_grades,
    write_problems,
)
from cotfactory.warehouse.workspace import Workspace, open_workspace
from tests.builders import a_candidate, a_grade, a_problem


def held(workspace: Workspace, recipe: str) -> tuple[float, int]:
    of_recipe = [holding for holding in unconfirmed_of(workspace) if holding.recipe == recipe]
    return sum(holding.usd for holding in of_recipe), sum(holding.tokens for holding in of_recipe)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "w")


def chain(number: int) -> Candidate:
    return a_candidate(candidate_id=f"{number:032x}", problem=f"{9:032x}", sample_index=number)


def journal_of(workspace: Workspace, *chains: Candidate, recipe: str = "r", shard: str = "s") -> Journal:
    journal = Journal(workspace.ledger, JournalHeader(recipe=recipe, run_id=f"run-{shard}", shard=shard))

    async def record() -> None:
        for bought in chains:
            journal.intend(bought.candidate_id, 0.5, 100)
            await journal.record(bought)

    asyncio.run(record())
    return journal


def test_what_was_bought_is_in_the_table_with_its_run(workspace: Workspace) -> None:
    journal = journal_of(workspace, chain(1), chain(2))
    journal.close()
    sealed = seal_own_journal(workspace, journal.path)
    assert (sealed.candidates, sealed.lost_in_flight, sealed.torn_lines, sealed.set_aside) == (2, 0, 0, None)
    assert not open_journals(workspace.ledger)
    build_catalog(workspace)
    _, rows = query_catalog(workspace, "SELECT candidate_id, recipe, run_id FROM candidates ORDER BY 1")
    assert rows == [(f"{number:032x}", "r", "run-s") for number in (1, 2)]
    assert held(workspace, "r") == (0.0, 0)


@pytest.mark.parametrize(
    ("usd", "tokens"),
    [
        (0.25, 100),
        (0.0, 100),  # a teacher without a price: its tokens count against a token budget
        (0.25, 0),
    ],
)
def test_what_was_in_flight_counts_at_its_worst(workspace: Workspace, usd: float, tokens: int) -> None:
    journal = journal_of(workspace, chain(1))
    journal.intend("2" * 32, usd, tokens)
    journal.close()
    sealed = seal_journal(workspace, journal.path)
    assert sealed.lost_in_flight == 1
    assert held(workspace, "r") == (usd, tokens)
    assert held(workspace, "another") == (0.0, 0)


def test_journals_add_up_and_one_that_is_sealed_twice_counts_once(workspace: Workspace) -> None:
    """A crash after the line was written and before the journal was removed has it sealed again."""
    for shard, usd in (("a", 0.25), ("b", 0.5)):
        journal = journal_of(workspace, shard=shard)
        journal.intend("2" * 32, usd, 10)
        journal.close()
        written = journal.path.read_bytes()
        seal_journal(workspace, journal.path)
        journal.path.write_bytes(written)
        seal_journal(workspace, journal.path)
    assert held(workspace, "r") == (0.75, 20)


def test_a_failure_that_may_have_been_billed_counts_and_one_that_was_not_does_not(workspace: Workspace) -> None:
    journal = journal_of(workspace)
    for name, billed in (("a" * 32, True), ("b" * 32, False)):
        journal.intend(name, 0.5, 10)
        journal.failed(name, maybe_billed=billed)
    journal.failed("c" * 32, maybe_billed=True)  # nothing was ever intended: there is nothing to charge
    journal.close()
    sealed = seal_journal(workspace, journal.path)
    assert sealed.lost_in_flight == 0
    assert held(workspace, "r") == (0.5, 10)


def test_a_journal_of_another_version_is_set_aside_never_removed(workspace: Workspace) -> None:
    journal = journal_of(workspace, chain(1))
    journal.close()
    import zlib

    entry = b"later 7"
    with journal.path.open("ab") as file:
        file.write(b"%08x %s\n" % (zlib.crc32(entry), entry))
    with pytest.raises(WorkspaceError, match="1 line just written to the ledger cannot be read back"):
        seal_own_journal(workspace, journal.path)
    assert not open_journals(workspace.ledger)
    assert [path.suffix for path in workspace.ledger.iterdir() if path.suffix == ".unread"] == [".unread"]


def test_the_same_problems_are_one_file_and_other_problems_another(workspace: Workspace) -> None:
    tests = CallTests(entry_point="twice", cases=(CallCase(args=(9,), expected=18),))
    problems = [a_problem(), a_problem("Write twice.", "", kind="code", row="2", tests=tests)]
    name = write_problems(workspace, "r", problems)
    assert name.startswith("r-")
    table = workspace.table("problems") / f"{name}.parquet"
    written = table.stat().st_ino
    assert write_problems(workspace, "r", problems) == name
    assert table.stat().st_ino == written  # not written again
    assert write_problems(workspace, "r", problems[:1]) != name
    assert write_problems(workspace, "another", problems) != name
    build_catalog(workspace)
    _, rows = query_catalog(workspace, "SELECT DISTINCT question, answer, tests FROM problems ORDER BY question")
    assert rows == [("What is 6 * 7?", "42", None), ("Write twice.", "", tests.model_dump_json())]


def test_a_grade_is_kept_with_its_id_its_problem_and_its_time(workspace: Workspace) -> None:
    then = datetime(2026, 5, 1, 12, tzinfo=UTC)
    grade = a_grade(candidate_id="c" * 32)
    assert write_grades(workspace, "g", [GradeRow(grade, "a" * 32, "b" * 32, then)]) == 1
    build_catalog(workspace)
    _, rows = query_catalog(
        workspace, "SELECT candidate_id, verdict, grade_id, problem_id, epoch(graded_at) FROM grades"
    )
    assert rows == [("c" * 32, "correct", "a" * 32, "b" * 32, then.timestamp())]
