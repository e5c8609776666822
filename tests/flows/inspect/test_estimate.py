"""`plan` learns from earlier runs what an answer takes and how often the stopping rule will ask again."""

from pathlib import Path

import pytest

from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, right, wrong
from tests.flows.test_cli import cotfactory, last_line


def test_a_plan_expects_what_earlier_runs_showed(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    teacher.usage = {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50}
    # Half of the problems are always solved and half never are.
    teacher.answer = lambda question, seed: (right if "2" in question.split("+")[0] else wrong)(question, seed)
    rule = {"attempts": {"max": 8, "stop_after_correct": 2, "give_up_after": 4}}
    where = ("--workspace", tmp_path / "w", "--json")
    assert cotfactory("run", write_recipe(60, **rule), "--direct", *where).returncode == 0
    calls = teacher.calls
    plan = last_line(cotfactory("plan", write_recipe(120, **rule), *where))
    (expected,) = plan["teachers"]
    assert plan["calls_at_most"] == 60 * 8
    # As many again, though the rule allows for far more: what a problem's first samples say is what its next ones say.
    assert expected["calls_expected"] == pytest.approx(calls, rel=0.25)
    assert expected["output_tokens_expected"] == pytest.approx(20 * expected["calls_expected"])
    told = cotfactory("plan", write_recipe(120, **rule), "--workspace", tmp_path / "w").stdout
    assert "as in earlier runs" in told
    assert teacher.calls == calls
