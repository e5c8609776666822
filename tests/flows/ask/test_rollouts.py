"""Rollouts from the recipe to the labels: each paid once, stored and graded, and felt by no other product."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cotfactory.flows.ask.rollouts import chosen_chains, step_count
from cotfactory.flows.build import regrade_stored, release_stored
from cotfactory.flows.inspect.estimate import plan_recipe
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.release.rebuild import rebuild
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.flows.summary import RunSummary
from cotfactory.schemas.errors import BudgetReached, RecipeError
from cotfactory.schemas.grade import Decision, Verdict
from cotfactory.schemas.group import Group, StepCount
from cotfactory.schemas.recipe import Rollouts
from tests.builders import a_candidate, a_grade
from tests.flows.ask.test_strategies import rows_of
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher
from tests.flows.test_build import ask, run
from tests.publishing.made_groups import KEY, group_of, made_candidate, made_graded, made_group, made_problem

PRODUCTS = ["sft", "rl", "all_graded", "preference"]
ROLLOUTS = {"per_step": 4, "chains_per_problem": 2}


def talk(turns: list[str], seed: int) -> tuple[str, str]:
    """Odd samples go wrong in their second step of three; three of four rollouts from a sound beginning are right."""
    a, b = map(int, re.findall(r"\d+", turns[0])[:2])
    if "<beginning>" in turns[0]:
        is_right = "wrongly" not in turns[0] and seed != 1
        return f"So it is \\boxed{{{a + b if is_right else -1}}}. ({seed})", "stop"
    way = f"Way {seed}: there are {a} and {b}.\n\n"
    answer = -seed if seed % 2 else a + b
    sum_up = f"Put together wrongly that is {answer}." if seed % 2 else f"Put together that is {a} + {b} = {answer}."
    return f"<think>{way}{sum_up}\n\nI write it down.</think>\\boxed{{{answer}}}", "stop"


def release(recipe: Path, workspace: Path) -> RunSummary:
    with TerminalProgress() as progress:
        return asyncio.run(release_stored(BuildRequest(load_recipe(recipe), workspace), DirectStages(), progress))


def with_steps(write_recipe: WriteRecipe, **changes: Any) -> Path:
    told = {"license": "mit", "products": [*PRODUCTS, "steps"]}
    return write_recipe(**{"count": 3, "attempts": 4, "rollouts": ROLLOUTS, "release": told} | changes)


def test_steps_are_labelled_by_what_comes_of_them(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    teacher.talk = talk
    told = {"license": "mit", "products": PRODUCTS}
    plain = run(write_recipe(count=3, attempts=4, release=told, name="plain"), tmp_path / "w")
    recipe = with_steps(write_recipe)
    summary = run(recipe, tmp_path / "w")
    assert summary.teacher_calls == summary.rollouts == 3 * 2 * 2 * 4  # problems, chains, steps but the last, rollouts
    assert (summary.candidates, summary.reused) == (12, 12)
    assert (summary.verdicts, summary.funnel[:-1]) == (plain.verdicts, plain.funnel[:-1])
    assert summary.dropped == plain.dropped
    assert summary.release is not None
    assert plain.release is not None
    for product in PRODUCTS:  # pass rates among the rest
        assert rows_of(summary.release.path, product) == rows_of(plain.release.path, product)
    rows = rows_of(summary.release.path, "steps")
    assert len(rows) == 6
    for row in rows:
        assert "".join(row["completions"]) == row["reasoning"]
        assert row["rollouts_n"] == [4, 4, 1]
        sound = row["verdict"] == "correct"
        assert row["rollouts_c"] == ([3, 3, 1] if sound else [3, 0, 0])
        assert row["labels"] == ([True, True, True] if sound else [True, False, False])
        assert (row["pass_rate_n"], row["pass_rate_c"]) == (4, 2)
    assert {row["completions"][0][:5] for row in rows} == {"Way 0", "Way 1"}
    counted = "SELECT strategy, count(*), count(DISTINCT parent_id) FROM candidates GROUP BY ALL ORDER BY ALL"
    assert ask(tmp_path / "w", counted) == [("rollout", 48, 6), ("solve", 12, 0)]
    decided = "SELECT reason, count(*) FROM decisions WHERE recipe = 'sums' GROUP BY ALL ORDER BY ALL"
    assert ask(tmp_path / "w", decided) == [("incorrect", 6), ("rollout", 48), (None, 6)]
    (share,) = json.loads((Path(summary.release.path) / "manifest.json").read_text())["facts"]["teachers"]
    assert (share["rollouts"], share["candidates"]) == (48, 12)
    assert share["output_tokens"] == plain.tokens.output + summary.tokens.output  # all of it was paid for


def test_a_rollout_is_paid_once(write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path) -> None:
    teacher.talk = talk
    recipe = with_steps(write_recipe)
    first = run(recipe, tmp_path / "w")
    assert (first.teacher_calls, first.rollouts, first.reused) == (12 + 48, 48, 0)
    asked = teacher.calls
    again = run(recipe, tmp_path / "w")
    assert (again.teacher_calls, again.rollouts, again.reused) == (0, 48, 12)
    assert again.release is not None
    assert again.release.unchanged
    other = run(with_steps(write_recipe, name="other", shard_problems=1), tmp_path / "w")
    assert (other.teacher_calls, other.rollouts, teacher.calls) == (0, 48, asked)
    more = run(with_steps(write_recipe, rollouts=ROLLOUTS | {"per_step": 5}), tmp_path / "w")
    assert more.teacher_calls == 12


def test_stored_rollouts_are_planned_released_regraded_and_rebuilt(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    teacher.talk = talk
    run(write_recipe(count=3, attempts=4, release={"license": "mit"}), tmp_path / "w")
    recipe = with_steps(write_recipe)
    expected = plan_recipe(recipe, tmp_path / "w")
    assert (expected.calls_at_most, expected.teachers[0].rollouts_at_most, expected.calls_expected) == (48, 48, 48)
    assert "48 of the calls for rollouts" in expected.text()
    without = release(recipe, tmp_path / "w")
    assert (without.rollouts, teacher.calls) == (0, 12)
    assert without.release is not None
    assert without.release.rows["steps"] == 0
    built = run(recipe, tmp_path / "w")
    assert plan_recipe(recipe, tmp_path / "w").calls_at_most == 0
    stored = release(recipe, tmp_path / "w")
    assert (stored.rollouts, teacher.calls) == (48, 60)
    assert stored.release is not None
    assert built.release is not None
    assert stored.release.rows_sha == built.release.rows_sha
    rebuilt = rebuild(built.release.path, tmp_path / "w", tmp_path / "again")
    assert rebuilt.rows_sha == built.release.rows_sha
    grades = "SELECT count(*) FROM read_parquet('{}/tables/grades/*.parquet')".format(tmp_path / "w")
    assert ask(tmp_path / "w", grades) == [(60,)]
    with TerminalProgress() as progress:
        request = BuildRequest(load_recipe(recipe), tmp_path / "w")
        assert asyncio.run(regrade_stored(request, DirectStages(), progress)) == []
    assert ask(tmp_path / "w", grades) == [(120,)]  # the rollouts too


def test_rollouts_that_are_missing_are_asked_for_by_the_next_run(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    refuses = {"now": True}

    def flaky(turns: list[str], seed: int) -> tuple[str | int, str]:
        if "<beginning>" in turns[0] and seed == 3 and "is -1" in turns[0] and refuses["now"]:
            return 400, "stop"
        return talk(turns, seed)

    teacher.talk = flaky
    recipe = with_steps(write_recipe)
    first = run(recipe, tmp_path / "w")
    assert (first.teacher_calls, first.failed_calls) == (12 + 45, 3)
    assert first.release is not None
    assert first.release.rows["steps"] == 3  # a label that rests on three of four rollouts is none
    refuses["now"] = False
    second = run(recipe, tmp_path / "w")
    assert (second.teacher_calls, second.rollouts) == (3, 48)
    assert second.release is not None
    assert second.release.rows["steps"] == 6


def test_rollouts_count_against_the_budget(write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path) -> None:
    teacher.talk = talk
    recipe = yaml.safe_load(with_steps(write_recipe).read_text())
    paid = {"price": {"input": 0, "output": 1_000_000}, "limits": {"concurrency": 1}}  # an answer costs 5 USD, or 50
    teachers = [recipe["teachers"][0] | paid]
    with pytest.raises(BudgetReached) as caught:
        run(with_steps(write_recipe, teachers=teachers, budget={"usd": 12 * 5 + 20 * 5 + 49}), tmp_path / "w")
    summary = caught.value.summary
    assert isinstance(summary, RunSummary)
    assert (summary.candidates, summary.rollouts, summary.cost_usd) == (12, 20, 160)
    decided = "SELECT reason, count(*) FROM decisions GROUP BY ALL ORDER BY ALL"
    assert ask(tmp_path / "w", decided) == [("incorrect", 6), ("rollout", 20), (None, 6)]


def test_a_recipe_without_rollouts_forgets_those_it_had(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    teacher.talk = talk
    run(with_steps(write_recipe, count=1), tmp_path / "w")
    without = run(write_recipe(count=1, attempts=4), tmp_path / "w")
    assert (without.rollouts, without.kept) == (0, 2)
    assert ask(tmp_path / "w", "SELECT count(*) FROM decisions WHERE reason = 'rollout'") == [(0,)]


REASONED = "One thing.\n\nAnother thing.\n\nA third."


def chains(*verdicts: Verdict, **more: Any) -> Group:
    problem = made_problem()
    return made_group(
        problem,
        [
            made_graded(made_candidate(problem, index, reasoning=f"{REASONED} ({index})", **more), verdict)
            for index, verdict in enumerate(verdicts)
        ],
    )


def indexes(group: Group, most: int = 2) -> list[int]:
    found = chosen_chains(group, Rollouts(chains_per_problem=most))
    return [graded.candidate.sample_index for graded, _ in found]


@pytest.mark.parametrize(
    ("verdicts", "most", "expected"),
    [
        (("correct", "correct", "incorrect"), 2, [0, 2]),
        (("incorrect", "incorrect", "correct"), 2, [0, 2]),
        (("correct", "correct", "correct"), 2, [0, 1]),  # no incorrect one: the next correct one
        (("correct", "incorrect", "correct", "incorrect"), 3, [0, 1, 2]),
        (("incorrect", "correct"), 1, [0]),
        (("ungraded", "no_answer"), 2, []),
        ((), 2, []),
    ],
)
def test_correct_and_incorrect_chains_take_turns(verdicts: tuple[Verdict, ...], most: int, expected: list[int]) -> None:
    assert indexes(chains(*verdicts), most) == expected


def test_chains_are_chosen_whatever_their_order() -> None:
    group = chains("correct", "correct", "incorrect", "incorrect")
    turned = group.model_copy(update={"candidates": group.candidates[::-1], "decisions": group.decisions[::-1]})
    assert indexes(turned) == indexes(group) == [0, 2]


def test_what_could_not_be_published_is_not_rolled_out() -> None:
    assert indexes(chains("incorrect", finish_reason="length")) == []
    assert indexes(chains("correct", response=f"My key is {KEY}.")) == []
    assert indexes(group_of("correct")) == []  # a single step: nothing to go on from
    group = chains("correct", "incorrect")
    first = Decision(candidate_id=group.candidates[0].candidate.candidate_id, kept=False, reason="contaminated")
    assert indexes(group.model_copy(update={"decisions": (first, group.decisions[1])})) == [1]
    assert indexes(group.model_copy(update={"strategy": "hint"})) == []
    alike = [candidate.candidate.model_copy(update={"reasoning": REASONED}) for candidate in group.candidates]
    twins = [made_graded(candidate, "incorrect") for candidate in alike]
    assert indexes(group.model_copy(update={"candidates": tuple(twins)})) == [0]


@pytest.mark.parametrize(
    ("verdicts", "cut", "expected"),
    [
        (("correct", "incorrect", "no_answer"), 0, StepCount(n=3, c=1)),
        (("incorrect", "incorrect", "incorrect"), 0, StepCount(n=3, c=0)),
        (("correct", "incorrect"), 0, None),  # one is missing
        (("correct", "ungraded", "incorrect"), 0, StepCount(n=2, c=1)),  # it takes one to be good
        (("incorrect", "ungraded", "incorrect"), 0, None),  # that one might have been right
        (("incorrect", "incorrect", "no_answer"), 1, None),  # and so might one that was cut
        (("correct", "incorrect", "no_answer"), 1, StepCount(n=2, c=1)),
    ],
)
def test_a_step_is_bad_only_when_all_its_rollouts_say_so(
    verdicts: tuple[Verdict, ...], cut: int, expected: StepCount | None
) -> None:
    finish = ["stop"] * (len(verdicts) - cut) + ["length"] * cut
    rollouts = [
        (a_candidate(finish_reason=reason), a_grade(verdict)) for verdict, reason in zip(verdicts, finish, strict=True)
    ]
    assert step_count(rollouts, 3) == expected


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"rollouts": None}, "belong together"),
        ({"release": {"license": "mit", "products": ["sft"]}}, "belong together"),
        ({"rollouts": {"max_steps": 1}}, "rollouts.max_steps"),
        ({"rollouts": {"per_step": 0}}, "rollouts.per_step"),
        ({"teachers": [{"name": "t", "model": "m", "recordings": "r.jsonl"}]}, "that does not replay recordings"),
        ({"teachers": [{"name": "t", "model": "m", "strategy": "refine"}]}, "one with `strategy: solve`"),
        ({"teachers": [{"name": "t", "model": "m", "strategy": "rollout"}]}, "teachers.0.strategy"),
    ],
)
def test_rollouts_that_cannot_be_had_are_refused(write_recipe: WriteRecipe, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(told)):
        load_recipe(with_steps(write_recipe, **changes))
