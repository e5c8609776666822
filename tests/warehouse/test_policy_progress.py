"""Rollouts of policies are counted by step, domain and rule; a workspace without policies is not looked into."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.grade import Evidence, Verdict
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.policy_progress import PolicyProgress
from cotfactory.warehouse import policy_progress as module
from cotfactory.warehouse.policy_progress import MOST_STRETCHES, policy_progress
from cotfactory.warehouse.seal import GradeRow, write_grades, write_problems
from cotfactory.warehouse.tables import seed_tables, write_table
from cotfactory.warehouse.workspace import Workspace, open_workspace
from tests.builders import AT, a_candidate, a_grade, a_problem

ALGEBRA, NO_DOMAIN = a_problem(row="1", domain="algebra"), a_problem("What is 7 * 6?", row="2")
ELSEWHERE = a_problem("What is 42?", row="3")


@dataclass(frozen=True)
class Rolled:
    name: str
    teacher: str = "policy:a"
    problem: str = ALGEBRA.problem_id
    verdict: Verdict = "correct"
    step: int | None = None
    checkpoint: str | None = None
    nth: int = 0
    reward: float | None = 1.0
    wrong_step: str | None = None
    rule: str = "boxed"
    minute: int = 0


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    place = open_workspace(tmp_path / "w")
    seed_tables(place)
    return place


def progress_of(workspace: Workspace, rolled: Sequence[Rolled]) -> tuple[PolicyProgress, ...]:
    problems = write_problems(workspace, "r", [ALGEBRA, NO_DOMAIN])

    def candidates() -> Iterator[dict[str, Any]]:
        for of in rolled:
            about: dict[str, Any] = {"training_step": of.step, "checkpoint": of.checkpoint, "teacher": of.teacher}
            at = AT + timedelta(minutes=of.minute)
            chain = a_candidate(candidate_id=content_id(of.name), problem=of.problem, sample_index=of.nth, **about)
            yield {**chain.model_copy(update={"created_at": at}).model_dump(), "recipe": "r", "run_id": "1"}

    grades = [
        GradeRow(
            a_grade(of.verdict, content_id(of.name), evidence=Evidence(rule=of.rule)),
            content_id([of.name, "grade"]),
            of.problem,
            AT,
        )
        for of in rolled
    ]
    rewards = [
        {"candidate_id": content_id(of.name), "problem_id": of.problem, "rewarded_at": AT}
        | {"reward": of.reward, "wrong_step": of.wrong_step}
        for of in rolled
    ]
    write_table(workspace, "candidates", "policy-a-0", candidates())
    write_grades(workspace, "policy-a-0", grades)
    write_table(workspace, "rewards", "policy-a-0", rewards)
    return policy_progress(workspace, problems)


def test_by_step_and_domain(workspace: Workspace) -> None:
    alarm = Alarm(teacher="policy:a", kind="reward_drift", seen=60, samples=100, text="60% are '1'")
    other = alarm.model_copy(update={"teacher": "policy:b"})
    run = {"run_id": "1", "recipe": "policy:a", "started_at": AT, "alarms": [alarm.model_dump(), other.model_dump()]}
    write_table(workspace, "runs", "1", [run])
    (found,) = progress_of(
        workspace,
        [
            Rolled("1", step=10, verdict="incorrect", reward=0.0),  # 10 comes after 9: not by the letter
            Rolled("2", step=9, wrong_step="2+2=5"),
            Rolled("3", step=9, rule="last_line", reward=0.5),
            Rolled("4", step=9, verdict="ungraded", reward=None),  # in no mean
            Rolled("5", step=9, verdict="incorrect", reward=0.0, wrong_step="of no right answer"),
            Rolled("6", step=9, problem=NO_DOMAIN.problem_id),
            Rolled("7", step=9, problem=ELSEWHERE.problem_id),  # of no problem of this file
            Rolled("8", step=9, teacher="t"),  # of no policy
            Rolled("9"),  # says no step where others do
        ],
    )
    assert (found.policy, found.axis, found.alarms) == ("a", "training step", (alarm,))
    assert [stretch.name for stretch in found.stretches] == ["9", "10"]
    algebra, none = found.stretches[0].shares
    assert (algebra.domain, algebra.rollouts, algebra.rewarded, algebra.reward) == ("algebra", 4, 3, 0.5)
    assert (algebra.right, algebra.wrong_steps, algebra.rules) == (2, 1, {"boxed": 1, "last_line": 1})
    assert algebra.characters == len(a_candidate().response)
    assert (none.domain, none.rollouts) == ("none", 1)


def test_without_steps_checkpoints_count_in_the_order_of_their_first_rollout(workspace: Workspace) -> None:
    rolled = [Rolled(name, checkpoint=name, minute=minute) for minute, name in enumerate(("warm", "late", "best"))]
    (found,) = progress_of(workspace, rolled[::-1])
    assert (found.axis, [stretch.name for stretch in found.stretches]) == ("checkpoint", ["warm", "late", "best"])


def test_many_places_are_drawn_together(workspace: Workspace) -> None:
    (found,) = progress_of(workspace, [Rolled(str(nth), nth=nth) for nth in range(2 * MOST_STRETCHES - 1)])
    assert found.axis == "rollout of its problem"
    assert [stretch.name for stretch in found.stretches] == [str(2 * n) for n in range(MOST_STRETCHES)]
    assert [stretch.shares[0].rollouts for stretch in found.stretches] == [*[2] * (MOST_STRETCHES - 1), 1]


def test_nothing_is_opened_without_policies(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "bounded_duckdb", None)  # would fail if it were called
    assert policy_progress(workspace, "no such file") == ()
