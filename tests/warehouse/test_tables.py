"""A table file is whole or not there; a journal becomes one without loss; views answer while others write."""

import asyncio
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cotfactory.schemas.errors import InputError, WorkspaceError
from cotfactory.schemas.ids import content_id, grade_id
from cotfactory.warehouse.books import books_of
from cotfactory.warehouse.catalog import build_catalog, query_catalog
from cotfactory.warehouse.ledger import Journal, JournalHeader, open_journals
from cotfactory.warehouse.seal import GradeRow, seal_journal, write_grades, write_problems
from cotfactory.warehouse.tables import write_table
from cotfactory.warehouse.wanted import WantedSamples
from cotfactory.warehouse.wanted_file import WantedSample
from cotfactory.warehouse.workspace import Workspace, open_workspace
from cotfactory.warehouse.workspace_lock import exclusive
from tests.builders import AT, a_candidate, a_grade, a_problem


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    place = open_workspace(tmp_path / "it's here")  # a quote in the path must not break the views
    build_catalog(place)
    return place


def journal_of(workspace: Workspace, *candidates: str) -> Path:
    journal = Journal(workspace.ledger, JournalHeader(recipe="r", run_id="run1", shard="-".join(candidates)))
    for candidate in candidates:
        journal.intend(candidate, 0.5, 100)
        asyncio.run(journal.record(a_candidate(candidate_id=candidate, cost_usd=0.001)))
    journal.intend("lost", 0.5, 100)
    journal.close()
    return journal.path


def test_a_sealed_journal_is_a_table_and_gone(workspace: Workspace) -> None:
    sealed = seal_journal(workspace, journal_of(workspace, "c1", "c2"))
    assert (sealed.candidates, sealed.lost_in_flight, sealed.torn_lines) == (2, 1, 0)
    assert not open_journals(workspace.ledger)
    rows = query_catalog(workspace, "SELECT candidate_id, response, recipe, usage.output_tokens FROM candidates")[1]
    assert rows == [("c1", "So it is \\boxed{42}.", "r", 20), ("c2", "So it is \\boxed{42}.", "r", 20)]
    books = books_of(workspace, "r")
    assert (books.spent_usd, books.unconfirmed_usd) == (0.002, 0.5)  # the lost one may have been billed
    assert books.spent_tokens + books.unconfirmed_tokens == 160
    assert books_of(workspace, "another").is_empty


def test_sealing_again_after_a_crash_before_the_journal_was_removed(workspace: Workspace) -> None:
    path = journal_of(workspace, "c1")
    kept = path.read_bytes()
    seal_journal(workspace, path)
    path.write_bytes(kept)
    seal_journal(workspace, path)
    assert query_catalog(workspace, "SELECT count(*) FROM candidates")[1] == [(1,)]


def test_a_journal_of_another_version_is_kept(workspace: Workspace) -> None:
    path = journal_of(workspace, "c1")
    kept = path.read_bytes()
    line = b'bought {"candidate_id": "c9", "from": "the future"}'
    path.write_bytes(kept + b"%08x %s\n" % (zlib.crc32(line), line))
    sealed = seal_journal(workspace, path)
    assert (sealed.candidates, sealed.foreign_lines) == (1, 1)
    assert sealed.set_aside is not None
    assert sealed.set_aside.read_bytes().startswith(kept)
    assert not open_journals(workspace.ledger)


def test_a_table_that_fails_half_way_leaves_no_file(workspace: Workspace) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        for number in range(5000):
            yield {"problem_id": str(number)}
        raise OSError(28, "No space left on device")

    with pytest.raises(WorkspaceError, match="No space left"):
        write_table(workspace, "problems", "p", rows())
    assert [path.name for path in workspace.table("problems").iterdir()] == ["empty.parquet"]


def test_views_show_the_newest_grade(workspace: Workspace) -> None:
    for number, verdict in enumerate(("ungraded", "correct")):
        grade = a_grade().model_copy(update={"verdict": verdict})
        write_grades(workspace, f"g{number}", [GradeRow(grade, "id", "p1", AT.replace(minute=number))])
    assert query_catalog(workspace, "SELECT verdict FROM grades")[1] == [("correct",)]


def test_people_may_ask_while_the_catalog_is_swapped(workspace: Workspace) -> None:
    with duckdb.connect(str(workspace.catalog), read_only=True) as reader:
        build_catalog(workspace)
        write_problems(workspace, "p", [a_problem()])
        assert reader.execute("SELECT question FROM problems").fetchall() == [("What is 6 * 7?",)]


def test_wrong_sql_and_a_missing_catalog_are_told(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nosuchview"):
        query_catalog(workspace, "SELECT * FROM nosuchview")
    with pytest.raises(InputError, match="not one SELECT: CREATE"):
        query_catalog(workspace, "CREATE TABLE t (a INT)")
    with pytest.raises(WorkspaceError, match="no catalog"):
        query_catalog(Workspace(tmp_path / "elsewhere"), "SELECT 1")


def test_what_is_wanted_meets_what_is_stored(workspace: Workspace) -> None:
    """The first is stored and graded, the second stored and not graded, the third is missing."""
    problem = a_problem()
    first, second, third = (content_id(number) for number in range(3))
    seal_journal(workspace, journal_of(workspace, first, second))
    ids = {candidate_id: grade_id(candidate_id, problem, "math", "1") for candidate_id in (first, second, third)}
    grade = a_grade().model_copy(update={"candidate_id": first})
    write_grades(workspace, "g", [GradeRow(grade, ids[first], problem.problem_id, AT)])
    samples = [
        WantedSample(0, 0, index, 0, problem.problem_id, candidate_id, ids[candidate_id])
        for index, candidate_id in enumerate(ids)
    ]
    with WantedSamples(workspace, samples) as wanted:
        wanted.snapshot()
        assert sorted(wanted.stored(0, 0, 0)) == [
            (0, 0, 0, "correct", False, False),
            (0, 1, 0, None, False, False),
        ]
        assert not list(wanted.stored(1, 0, 0))
        assert (wanted.count(), wanted.missing()) == (3, 1)
        assert [(position, candidate.candidate_id) for position, candidate, _ in wanted.ungraded()] == [(0, second)]
        assert [before for _, _, before in wanted.ungraded(everything=True)] == ["correct", None]
        (group,) = wanted.groups("r")
        assert [(step.candidate.candidate_id, step.grade.verdict) for step in group.steps] == [(first, "correct")]
        # The chain was bought for another problem with the same prompt: here it stands for the one wanted.
        assert group.steps[0].candidate.problem_id == problem.problem_id


def test_a_stored_candidate_comes_back_as_it_was(workspace: Workspace) -> None:
    candidate_id, problem, grade = (content_id(what) for what in ("candidate", "problem", "grade"))
    seal_journal(workspace, journal_of(workspace, candidate_id))
    with WantedSamples(workspace, [WantedSample(0, 0, 0, 0, problem, candidate_id, grade)]) as wanted:
        wanted.snapshot()
        ((_, candidate, before),) = wanted.ungraded()
    assert candidate == a_candidate(candidate_id=candidate_id, problem=problem, cost_usd=0.001)
    assert before is None


def test_a_second_run_is_refused_and_told_who_holds_the_workspace(workspace: Workspace) -> None:
    import os

    with exclusive(workspace), pytest.raises(WorkspaceError, match=f"process {os.getpid()}"), exclusive(workspace):
        pass
    with exclusive(workspace):  # and free again afterwards
        pass


def test_a_workspace_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot be written"):
        open_workspace(tmp_path / "file" / "workspace")


def test_a_new_workspace_is_its_owner_s_alone(tmp_path: Path) -> None:
    assert open_workspace(tmp_path / "w").root.stat().st_mode & 0o777 == 0o700
