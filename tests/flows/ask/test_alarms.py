"""What looks wrong about a teacher is told at once, and stops the run where the recipe says so."""

import json
from pathlib import Path

import pytest

from cotfactory.flows.summary import RunSummary
from cotfactory.schemas.errors import AlarmRaised, ContractFailed
from tests.command_line import cotfactory, last_line
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher
from tests.flows.test_build import ask, run

LONG = "Count the one number on from the other, step by step, until nothing of it is left over. " * 3


def test_an_endpoint_that_does_not_sample_is_told_and_may_be_stopped(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    teacher.answer = lambda question, seed: f"{LONG}The answer is \\boxed{{1}}."
    changes = {"attempts": 4, "shard_problems": 40}
    where = ("--workspace", tmp_path / "w", "--direct", "--json")
    told = cotfactory("run", write_recipe(40, alarms={"min_samples": 30}, **changes), *where)
    (alarm,) = last_line(told)["alarms"]
    assert (alarm["teacher"], alarm["kind"]) == ("t", "not_sampling")
    assert "ALARM, teacher 't', not_sampling" in told.stderr

    before = teacher.calls
    stopping = {"min_samples": 30, "stop_on": ["not_sampling"]}
    recipe = write_recipe(400, name="stopped", alarms=stopping, **changes)
    stopped = cotfactory("run", recipe, "--workspace", tmp_path / "other", "--direct", "--json")
    assert stopped.returncode == 1
    assert "stopped by the alarm not_sampling" in stopped.stderr
    summary = last_line(stopped)
    bought = teacher.calls - before
    assert bought < 400 * 4
    # Nothing that was bought is lost: it is there when the recipe goes on.
    assert summary["candidates"] == summary["teacher_calls"] == bought


def test_an_alarm_raised_by_the_last_answers_stops_the_release_too(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """All is asked at once here: nothing is left that the alarm could keep from being bought."""
    teacher.model = "m-mini"
    recipe = write_recipe(20, alarms={"stop_on": ["wrong_model"]}, shard_problems=40)
    with pytest.raises(AlarmRaised, match="came from another model than m") as stopped:
        run(recipe, tmp_path / "w")
    summary = stopped.value.summary
    assert isinstance(summary, RunSummary)
    assert (summary.release, summary.candidates, teacher.calls) == (None, 60, 60)
    assert ask(tmp_path / "w", "SELECT status, alarms[1].kind FROM runs") == [("alarm", "wrong_model")]


def test_what_was_wrong_when_the_chains_were_bought_is_in_the_manifest_of_every_later_release(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    unhurried = {"times_usual": 1e9}  # a machine that is busy with other things is no fault of the teacher's
    teacher.finish_reason = "length"
    with pytest.raises(ContractFailed) as first:  # nothing to publish
        run(write_recipe(20, alarms=unhurried), tmp_path / "w")
    assert isinstance(first.value.summary, RunSummary)
    assert [alarm.kind for alarm in first.value.summary.alarms] == ["truncated"]
    teacher.finish_reason = "stop"
    second = run(write_recipe(40, alarms=unhurried), tmp_path / "w")
    assert (second.alarms, second.release is not None) == ((), True)
    ((path,),) = ask(tmp_path / "w", "SELECT max(path) FROM releases")
    manifest = json.loads((Path(path) / "manifest.json").read_text("utf-8"))
    (alarm,) = manifest["facts"]["alarms"]
    assert (alarm["kind"], alarm["seen"], alarm["samples"]) == ("truncated", 50, 50)


def test_an_unknown_alarm_is_a_recipe_error(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    refused = cotfactory("run", write_recipe(alarms={"stop_on": ["bored"]}), "--workspace", tmp_path / "w", "--direct")
    assert refused.returncode == 2
    assert "alarms.stop_on" in refused.stderr
