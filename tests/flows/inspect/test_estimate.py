"""`plan` learns from earlier runs what an answer takes and how often the stopping rule will ask again."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cotfactory.flows.inspect.estimate import plan_recipe
from cotfactory.schemas.errors import ContractFailed
from tests.command_line import cotfactory, last_line
from tests.flows.ask.test_rollouts import talk as in_steps
from tests.flows.ask.test_rollouts import with_steps
from tests.flows.ask.test_strategies import one_teacher
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, Talk, right, wrong
from tests.flows.test_build import ask, run


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


def cut(turns: list[str], seed: int) -> tuple[str, str]:
    """Never come to an end: what is due after a cut answer is due."""
    return "Step 1: I think.", "length"


def mistaken(turns: list[str], seed: int) -> tuple[str, str]:
    """Never be right: what is due after a wrong answer is due."""
    return wrong(turns[0], seed), "stop"


STRATEGIES: list[Any] = [
    ("solve", {}, mistaken),
    ("solve", {"retry_truncated": 100}, cut),
    ("plan_then_solve", {}, mistaken),
    ("refine", {}, mistaken),
    ("retry_with_feedback", {}, mistaken),
    ("hint", {}, mistaken),
    ("hint", {"retry_truncated": 100}, cut),
    ("budget", {"think_tokens": 20}, cut),
    pytest.param("python", {"max_calls": 2}, mistaken, marks=pytest.mark.docker),
]


@pytest.mark.parametrize(("strategy", "more", "talk"), STRATEGIES)
def test_at_most_is_a_bound_whatever_the_strategy(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, strategy: str, more: dict[str, Any], talk: Talk
) -> None:
    """Every step of every sample is due, each answer as long and each prompt as dear as may be."""
    teacher.talk = talk
    spec = one_teacher(teacher, strategy, price={"input": 1.0, "output": 10.0}, **more)
    recipe = write_recipe(count=2, attempts=2, teachers=[spec], budget={"usd": 100})
    planned = plan_recipe(recipe, tmp_path / "w")
    with suppress(ContractFailed):  # nothing is right
        run(recipe, tmp_path / "w")
    assert planned.calls_at_most >= teacher.calls > 0
    if strategy != "python":  # which ends with the first answer that calls nothing
        assert planned.calls_at_most == teacher.calls
    (spent,) = ask(tmp_path / "w", "SELECT sum(cost_usd) FROM candidates")
    assert planned.usd_at_most is not None
    assert planned.usd_at_most >= spent[0]
    assert plan_recipe(recipe, tmp_path / "w").calls_at_most == 0


def test_at_most_counts_the_rollouts_of_chains_that_are_not_bought_yet(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """Before anything is bought, after an interruption, and where problems came: never more is asked than was told."""
    teacher.talk = in_steps
    rule = {"per_step": 2, "chains_per_problem": 2, "max_steps": 3}
    recipe = with_steps(write_recipe, rollouts=rule)
    planned = plan_recipe(recipe, tmp_path / "w")
    assert (planned.calls_at_most, planned.teachers[0].rollouts_at_most) == (12 + 3 * 2 * 2 * 2, 24)
    # Another recipe has bought the chains; nobody has chosen among them for this one.
    run(write_recipe(count=3, attempts=4, name="other", release={"license": "mit"}), tmp_path / "w")
    recipe = with_steps(write_recipe, rollouts=rule)
    assert plan_recipe(recipe, tmp_path / "w").calls_at_most == 24
    bought = teacher.calls
    run(recipe, tmp_path / "w")
    assert teacher.calls - bought == 24  # three steps each: as many as may be
    assert plan_recipe(recipe, tmp_path / "w").calls_at_most == 0
    more = with_steps(write_recipe, rollouts=rule, count=4)
    assert plan_recipe(more, tmp_path / "w").calls_at_most == 4 + 8
