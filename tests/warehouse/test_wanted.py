"""Groups come whole and in order, however the chains lie in the files and however few are read at a time."""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cotfactory.schemas.grade import Decision, Verdict
from cotfactory.schemas.ids import content_id
from cotfactory.warehouse import tables, wanted
from cotfactory.warehouse.catalog import build_catalog
from cotfactory.warehouse.kept import Kept
from cotfactory.warehouse.seal import GradeRow, write_grades
from cotfactory.warehouse.tables import write_table
from cotfactory.warehouse.wanted import KnownAs, StoredGroup, WantedSamples
from cotfactory.warehouse.wanted_file import WantedSample
from cotfactory.warehouse.workspace import Workspace, open_workspace
from tests.builders import AT, a_candidate, a_grade

PROBLEMS, TEACHERS, SAMPLES = 7, 2, 5


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    place = open_workspace(tmp_path / "w")
    build_catalog(place)
    return place


def samples() -> Iterator[WantedSample]:
    for position in range(PROBLEMS):
        for teacher in range(TEACHERS):
            for index in range(SAMPLES):
                name = f"{position} {teacher} {index}"
                ids = (content_id([what, name]) for what in ("candidate", "grade"))
                yield WantedSample(position, teacher, index, 0, content_id(position), *ids)


def verdict_of(sample: WantedSample) -> Verdict:
    return "correct" if int(sample.candidate_id, 16) % 2 else "incorrect"


def a_row(sample: WantedSample, said: str) -> dict[str, Any]:
    problem = content_id("another problem with the same prompt")
    candidate = a_candidate(said, candidate_id=sample.candidate_id, problem=problem, sample_index=sample.sample_index)
    return {**candidate.model_dump(), "recipe": "r", "run_id": "run"}


def a_grade_row(sample: WantedSample, verdict: Verdict, minutes: int) -> GradeRow:
    grade = a_grade(verdict, sample.candidate_id)
    return GradeRow(grade, sample.grade_id, sample.problem_id, AT + timedelta(minutes=minutes))


def fill(workspace: Workspace) -> None:
    """Store all samples but those with index 1, in three files without order; those with index 3 have no grade.

    One chain is stored twice, each was graded `ungraded` before, and those of the first teacher are decided.
    """
    stored = [sample for sample in samples() if sample.sample_index != 1]
    random.Random(7).shuffle(stored)
    for number in range(3):
        rows = [a_row(sample, f"chain {sample.candidate_id}") for sample in stored[number::3]]
        write_table(workspace, "candidates", f"file{number}", rows)
    write_table(workspace, "candidates", "file9", [a_row(stored[0], "the same request once more")])
    graded = [sample for sample in stored if sample.sample_index != 3]
    write_grades(workspace, "new", [a_grade_row(sample, verdict_of(sample), 1) for sample in graded])
    write_grades(workspace, "old", [a_grade_row(sample, "ungraded", 0) for sample in reversed(graded)])
    decided = [sample for sample in stored if sample.teacher_position == 0]
    for recipe in ("r", "another"):
        rows = [
            {
                **Decision(candidate_id=sample.candidate_id, kept=recipe == "r", reason=None).model_dump(),
                "problem_id": sample.problem_id,
                "recipe": recipe,
                "decided_at": AT,
            }
            for sample in decided
        ]
        write_table(workspace, "decisions", recipe, rows)


def groups(workspace: Workspace) -> list[StoredGroup]:
    with WantedSamples(workspace, samples()) as stored:
        return list(stored.groups("r"))


def test_groups_are_whole_and_in_order(workspace: Workspace) -> None:
    fill(workspace)
    found = groups(workspace)
    assert [(group.position, group.teacher_position) for group in found] == [
        (position, teacher) for position in range(PROBLEMS) for teacher in range(TEACHERS)
    ]
    expected = [sample for sample in samples() if sample.sample_index in (0, 2, 4)]
    chains = [chain for group in found for chain in group.steps]
    for sample, (_, candidate, grade, decision) in zip(expected, chains, strict=True):
        assert candidate.candidate_id == grade.candidate_id == sample.candidate_id
        assert candidate.response == f"chain {sample.candidate_id}"  # of two that answer one request the first
        assert candidate.problem_id == sample.problem_id
        assert grade.verdict == verdict_of(sample)
        kept = Decision(candidate_id=sample.candidate_id, kept=True, reason=None)
        assert decision == (kept if sample.teacher_position == 0 else None)


def test_what_is_stored_of_a_problem_has_a_hash(workspace: Workspace) -> None:
    def contents() -> dict[int, str]:
        with WantedSamples(workspace, samples()) as stored:
            return dict(stored.contents())

    fill(workspace)
    before, wanted_samples = contents(), list(samples())
    assert len(set(before.values())) == PROBLEMS == len(before)
    changed = [wanted_samples[number * TEACHERS * SAMPLES] for number in range(4)]
    write_table(workspace, "candidates", "a", [a_row(wanted_samples[1], "one that nobody graded")])
    assert contents() == before
    write_grades(workspace, "again", [a_grade_row(changed[0], verdict_of(changed[0]), 2)])  # graded anew
    write_grades(workspace, "late", [a_grade_row(wanted_samples[3 * TEACHERS * SAMPLES + 3], "correct", 1)])
    twice = {**a_row(changed[2], "bought twice"), "created_at": AT + timedelta(seconds=1)}
    write_table(workspace, "candidates", "twice", [twice])
    after = contents()
    assert {position for position in before if before[position] != after[position]} == {0, 2, 3}


@pytest.mark.parametrize(
    ("rows", "size"),
    [
        (1, 10**9),  # every chain a window of its own
        (3, 10**9),  # windows that end inside of groups
        (10**9, 1),  # one chain is larger than a window may be
        (10**9, 1_000),  # windows by size
    ],
)
def test_windows_leave_no_trace(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, rows: int, size: int) -> None:
    monkeypatch.setattr(tables, "BATCH_ROWS", 4)  # several row groups a file
    fill(workspace)
    at_once = groups(workspace)
    monkeypatch.setattr(wanted, "WINDOW_ROWS", rows)
    monkeypatch.setattr(wanted, "WINDOW_BYTES", size)
    monkeypatch.setattr(wanted, "BLOCK_SAMPLES", rows)
    assert groups(workspace) == at_once


@pytest.mark.parametrize("block", [1, 25, 10**9])
def test_ungraded_chains_and_the_smallest_accepted_ones(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(wanted, "BLOCK_SAMPLES", block)
    fill(workspace)
    with WantedSamples(workspace, samples()) as stored:
        stored.snapshot()
        assert stored.missing() == PROBLEMS * TEACHERS
        found = [(position, candidate.candidate_id) for position, candidate, _ in stored.ungraded()]
        assert found == [(each.position, each.candidate_id) for each in samples() if each.sample_index == 3]
        accepted = [candidate.candidate_id for _, candidate in stored.accepted("r", 4)]
    right = [
        each.candidate_id
        for each in samples()
        if each.teacher_position == 0 and each.sample_index in (0, 2, 4) and verdict_of(each) == "correct"
    ]
    assert accepted == sorted(right)[:4]


def test_long_rows_make_small_row_groups(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    monkeypatch.setattr(tables, "BATCH_CHARACTERS", 1_000)
    write_table(workspace, "candidates", "long", [a_row(sample, "x" * 400) for sample in samples()])
    footer = pq.read_metadata(workspace.table("candidates") / "long.parquet")
    assert max(footer.row_group(number).num_rows for number in range(footer.num_row_groups)) == 3


def no_samples() -> Iterator[WantedSample]:
    raise AssertionError("the samples are kept")
    yield


def told(wanted: WantedSamples) -> tuple[Any, ...]:
    """Return all that a snapshot is asked for."""
    wanted.snapshot()
    stored = [list(wanted.stored(teacher, 0, PROBLEMS)) for teacher in range(TEACHERS)]
    counted = [wanted.stored_count(teacher, 1, 2) for teacher in range(TEACHERS)]
    to_grade = [(position, chain.candidate_id, before) for position, chain, before in wanted.ungraded()]
    return wanted.count(), wanted.missing(), stored, counted, to_grade


def test_what_is_kept_is_what_is_found_anew(workspace: Workspace) -> None:
    """Whatever comes into the tables, goes from them, or is replaced there, also by another file with the same name."""
    known = KnownAs(Kept(workspace, "r", "code"), "key")
    with WantedSamples(workspace, samples(), known=known) as first:
        before = told(first)
    fill(workspace)
    wanted_samples = list(samples())
    late = wanted_samples[1 : SAMPLES * 2 : SAMPLES]
    candidates, grades = workspace.table("candidates"), workspace.table("grades")
    changes: list[Callable[[], object]] = [
        lambda: None,
        lambda: write_table(workspace, "candidates", "late", [a_row(sample, "late") for sample in late]),
        lambda: write_grades(workspace, "late", [a_grade_row(sample, "correct", 1) for sample in late]),
        lambda: write_grades(workspace, "late", [a_grade_row(sample, "ungraded", 1) for sample in late]),
        lambda: (grades / "late.parquet").unlink(),
        lambda: (candidates / "file1.parquet").unlink(),
    ]
    for change in changes:
        change()
        with WantedSamples(workspace, samples()) as fresh:
            expected = told(fresh)
        for _ in range(2):
            with WantedSamples(workspace, no_samples(), known=known) as kept:
                assert told(kept) == expected
        assert expected != before
        before = expected
