"""When a teacher is stopped: by what is about its endpoint, never by what is about a few problems; and it alone."""

from pathlib import Path
from typing import Any

import pytest

from cotfactory.flows.ask.stop import FAILURES_IN_A_ROW, FIRST_FAILURES, Stop
from cotfactory.flows.summary import RunSummary
from cotfactory.schemas.errors import TeacherRefused, TeacherRejected, TeacherUnavailable
from tests.flows.ask.test_faults import run
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, right

REJECTED = TeacherRejected("answered 403: too long")


@pytest.mark.parametrize(
    ("answers_first", "problems", "in_flight", "stopped"),
    [
        (False, FIRST_FAILURES - 1, 0, False),
        (False, FIRST_FAILURES, 0, True),  # the first answers all fail
        (False, 12, 12, False),  # rejections come at once: who is still in flight may be answered
        (False, 13, 12, True),
        (True, FIRST_FAILURES, 0, False),
        (True, FAILURES_IN_A_ROW - 1, 0, False),
        (True, FAILURES_IN_A_ROW, 64, True),
    ],
)
def test_many_different_problems_in_a_row(answers_first: bool, problems: int, in_flight: int, stopped: bool) -> None:
    stop = Stop()
    if answers_first:
        stop.answered()
    for number in range(problems):
        stop.failed(f"problem {number}", REJECTED, in_flight)
    assert (stop.reason is not None) is stopped


def test_one_problem_that_fails_time_after_time_stops_nobody() -> None:
    stop = Stop(rejected_before=frozenset(f"old {number}" for number in range(100)))
    for number in range(100):
        stop.failed("problem", TeacherUnavailable("answered 500"), 0)
        stop.failed(f"old {number}", REJECTED, 0)
    assert stop.reason is None
    stop.failed("problem", TeacherRefused("answered 401"), 9)
    assert stop.reason is not None


def test_what_is_noted_is_what_was_rejected_while_others_were_answered() -> None:
    stop = Stop(rejected_before=frozenset({"old"}))
    for problem in ("old", "new"):
        stop.failed(problem, REJECTED, 0)
    stop.failed("broken", TeacherUnavailable("answered 500"), 0)
    assert stop.take_rejected() == {}  # perhaps everything is rejected
    stop.answered()
    assert stop.take_rejected() == {"new": "answered 403: too long"}
    assert stop.take_rejected() == {}


def spec_of(teacher: CountingTeacher, name: str = "t", **more: Any) -> dict[str, Any]:
    return {"name": name, "model": name, "base_url": teacher.base_url, "sampling": {"seed": 0},
            "limits": {"concurrency": 2, "retries": 0}, **more}  # fmt: skip


@pytest.mark.parametrize("status", [403, 404, 413, 424, 498, 499])
def test_a_few_problems_that_are_refused_do_not_stop_the_others(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, status: int
) -> None:
    teacher.answer = lambda question, seed: status if "3 + 4" in question else right(question, seed)
    summary = run(write_recipe(teachers=[spec_of(teacher)]), tmp_path / "w")
    assert (summary.candidates, summary.failed_calls, summary.missing) == (15, 3, 3)
    assert f"answered {status}" in (summary.first_error or "")
    assert summary.release is not None


def test_refused_problems_do_not_block_a_later_run(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """Six are refused in each run, and by the second they are all that is left of the first."""
    too_long = {"0", "2", "4", "6", "8", "10"}
    teacher.answer = lambda question, seed: 403 if question.split()[2] in too_long else right(question, seed)
    teachers = [spec_of(teacher)]
    first = run(write_recipe(count=12, teachers=teachers, attempts=1), tmp_path / "w")
    assert (first.candidates, first.missing) == (6, 6)
    again = run(write_recipe(count=12, teachers=teachers, attempts=1), tmp_path / "w")
    assert (again.candidates, again.missing) == (6, 6)
    more = run(write_recipe(count=30, teachers=teachers, attempts=1), tmp_path / "w")
    assert (more.candidates, more.missing) == (24, 6)


def test_a_teacher_that_is_stopped_stops_nobody_else(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    refuses = "http://127.0.0.1:{port}/nowhere/v1"
    port = teacher.base_url.split(":")[2].split("/")[0]
    wrong = spec_of(teacher, "wrong", base_url=refuses.format(port=port))
    with pytest.raises(TeacherRejected, match="404") as caught:
        run(write_recipe(count=20, teachers=[wrong, spec_of(teacher)], attempts=1), tmp_path / "w")
    summary = caught.value.summary
    assert isinstance(summary, RunSummary)
    assert (summary.candidates, summary.missing) == (20, 20)


def test_a_run_without_a_single_answer_says_why(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """Fewer problems than it takes to stop a teacher: what the endpoint said counts, not that there is no release."""
    teacher.answer = lambda question, seed: 422
    with pytest.raises(TeacherRejected, match="answered 422"):
        run(write_recipe(count=2, teachers=[spec_of(teacher)]), tmp_path / "w")
