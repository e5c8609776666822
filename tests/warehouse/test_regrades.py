"""Chains that one version of a grader judged after another are counted by both verdicts, in bounded memory."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from cotfactory.schemas.grade import Decision, Verdict
from cotfactory.schemas.ids import content_id
from cotfactory.warehouse import regrades as module
from cotfactory.warehouse.regrades import regrades
from cotfactory.warehouse.seal import GradeRow, write_grades
from cotfactory.warehouse.tables import seed_tables, write_table
from cotfactory.warehouse.workspace import Workspace, open_workspace
from tests.builders import AT, a_grade

Judged = tuple[str, Verdict]
PROBLEM = content_id("problem")
FLIPPED: list[Judged] = [("math 1", "incorrect"), ("math 2", "correct")]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    place = open_workspace(tmp_path / "w")
    seed_tables(place)
    return place


def store(workspace: Workspace, chains: dict[str, Sequence[Judged]], decided: Sequence[Decision]) -> None:
    """Store the grades of chains, `grader version` and verdict one after the other, and what is decided."""
    rows = []
    for name, judged in chains.items():
        for minute, (by, verdict) in enumerate(judged):
            grader, version = by.split()
            grade = a_grade(verdict, content_id(name)).model_copy(update={"grader": grader, "grader_version": version})
            rows.append(GradeRow(grade, content_id([name, by]), PROBLEM, AT + timedelta(minutes=minute)))
    write_grades(workspace, "some", rows)
    belongs = {"problem_id": PROBLEM, "recipe": "r", "decided_at": AT}
    write_table(workspace, "decisions", "r", ({**decision.model_dump(), **belongs} for decision in decided))


def kept(*names: str) -> list[Decision]:
    return [Decision(candidate_id=content_id(name), kept=True, reason=None) for name in names]


@pytest.mark.parametrize("part_grades", [100_000, 7])  # at once, and in a dozen parts
def test_one_version_after_another(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, part_grades: int) -> None:
    monkeypatch.setattr(module, "PART_GRADES", part_grades)
    chains: dict[str, Sequence[Judged]] = {f"flipped {n}": FLIPPED for n in range(40)}
    chains |= {
        "same": [("math 1", "correct"), ("math 2", "correct")],
        # A time-out that was tried again at the same version is no change of mind.
        "retried": [("math 1", "ungraded"), ("math 1", "correct"), ("math 2", "correct")],
        "thrice": [("math 1", "correct"), ("math 2", "correct"), ("math 10", "no_answer")],
        "back": [("math 2", "correct"), ("math 1", "incorrect")],  # by time, not by name
        "once": [("math 2", "correct")],
        # Another grader than before is another question: the problem is another one.
        "other": [("math 2", "incorrect"), ("choice 1", "correct")],
        "elsewhere": FLIPPED,  # of another recipe
        "draft": FLIPPED,
    }
    draft = Decision(candidate_id=content_id("draft"), kept=False, reason="earlier_step")
    asked_nothing = Decision(candidate_id=None, kept=False, reason="bad_reference")
    decided = kept(*(name for name in chains if name not in ("elsewhere", "draft")))
    store(workspace, chains, [*decided, draft, asked_nothing])
    found = {
        (
            regrade.grader,
            regrade.version_before,
            regrade.version_after,
            regrade.verdict_before,
            regrade.verdict_after,
        ): regrade.chains
        for regrade in regrades(workspace, "r")
    }
    assert found == {
        ("math", "1", "2", "incorrect", "correct"): 40,
        ("math", "1", "2", "correct", "correct"): 3,
        ("math", "2", "10", "correct", "no_answer"): 1,
        ("math", "2", "1", "correct", "incorrect"): 1,
    }
    assert not list(workspace.staging.iterdir())


def test_one_version_is_nothing_to_tell(workspace: Workspace) -> None:
    assert not regrades(workspace, "r")  # nothing was ever decided
    store(
        workspace,
        {"a": [("math 1", "ungraded"), ("math 1", "correct")], "b": [("choice 2", "correct")]},
        kept("a", "b"),
    )
    assert not regrades(workspace, "r")
