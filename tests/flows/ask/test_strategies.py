"""Strategies from the recipe to the release: each answer paid once, the last one graded, all of it kept."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cotfactory.flows.inspect.estimate import plan_recipe
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.schemas.errors import RecipeError
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, right, wrong
from tests.flows.test_build import ask, run


def one_teacher(teacher: CountingTeacher, strategy: str, **more: Any) -> dict[str, Any]:
    return {
        "name": strategy,
        "model": "m",
        "base_url": teacher.base_url,
        "strategy": strategy,
        "sampling": {"max_tokens": 50, "seed": 0},
        "limits": {"retries": 0},
    } | more


def rows_of(release: str, product: str = "sft") -> list[dict[str, Any]]:
    import polars as pl

    return pl.read_parquet(f"{release}/{product}/*.parquet").to_dicts()


def refining(turns: list[str], seed: int) -> tuple[str, str]:
    if len(turns) == 1:
        return wrong(turns[0], seed), "stop"
    return ("Step 1 is wrong." if len(turns) == 3 else right(turns[0], seed)), "stop"


def test_a_refined_sample_is_three_answers_and_one_row(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    teacher.talk = refining
    recipe = write_recipe(count=3, attempts=2, teachers=[one_teacher(teacher, "refine")])
    expected = plan_recipe(recipe, tmp_path / "w")
    assert (expected.calls_at_most, expected.calls_expected) == (18, 18)
    summary = run(recipe, tmp_path / "w")
    assert (summary.teacher_calls, summary.candidates, summary.kept) == (18, 6, 6)
    assert summary.verdicts["correct"] == 6  # the revisions; the wrong drafts are nobody's failure
    assert summary.release is not None
    rows = rows_of(summary.release.path)
    assert {row["strategy"] for row in rows} == {"refine"}
    assert {len(row["messages"]) for row in rows} == {2}  # the plain problem and the revision: no draft, no critique
    assert {row["messages"][0]["content"].splitlines()[0] for row in rows} == {
        f"What is {n} + {n + 1}?" for n in range(3)
    }
    counted = "SELECT strategy, count(*), count(parent_id) FROM candidates GROUP BY ALL ORDER BY ALL"
    assert ask(tmp_path / "w", counted) == [("refine", 12, 12), ("solve", 6, 0)]
    graded = "SELECT verdict, count(*) FROM grades GROUP BY ALL ORDER BY ALL"
    assert ask(tmp_path / "w", graded) == [("correct", 6), ("incorrect", 6), ("no_answer", 6)]
    decided = "SELECT reason, count(*) FROM decisions GROUP BY ALL ORDER BY ALL"
    assert ask(tmp_path / "w", decided) == [("earlier_step", 12), (None, 6)]
    again = run(recipe, tmp_path / "w")
    assert (again.teacher_calls, again.reused) == (0, 6)
    manifest = json.loads((Path(summary.release.path) / "manifest.json").read_text())
    (share,) = manifest["facts"]["teachers"]
    assert (share["strategy"], share["candidates"], share["earlier_steps"]) == ("refine", 6, 12)
    assert share["output_tokens"] == summary.tokens.output  # every answer was paid for


def test_an_interrupted_sample_goes_on_where_it_stopped(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    refused = {"critique": True}

    def flaky(turns: list[str], seed: int) -> tuple[str | int, str]:
        if len(turns) == 3 and seed == 1 and refused["critique"]:
            return 400, "stop"
        return refining(turns, seed)

    teacher.talk = flaky
    recipe = write_recipe(count=3, attempts=2, teachers=[one_teacher(teacher, "refine")])
    first = run(recipe, tmp_path / "w")
    assert (first.teacher_calls, first.failed_calls, first.candidates) == (3 * 3 + 3, 3, 3)
    refused["critique"] = False
    expected = plan_recipe(recipe, tmp_path / "w")
    assert (expected.calls_at_most, expected.reused) == (6, 12)
    asked = dict(teacher.asked)
    second = run(recipe, tmp_path / "w")
    assert (second.teacher_calls, second.candidates) == (6, 6)
    new = {what: count - asked.get(what, 0) for what, count in teacher.asked.items() if count > asked.get(what, 0)}
    assert set(new.values()) == {1}
    assert all("\n" in said and seed == 1 for said, seed in new)  # critiques and revisions, no draft again


def test_only_a_wrong_answer_is_asked_another_way(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    def improving(turns: list[str], seed: int) -> tuple[str, str]:
        return (wrong if seed == 0 and len(turns) == 1 else right)(turns[0], seed + len(turns)), "stop"

    teacher.talk = improving
    plain = write_recipe(count=4, attempts=2, name="plain", teachers=[one_teacher(teacher, "solve")])
    assert run(plain, tmp_path / "w").teacher_calls == 8
    products = ["sft", "preference", "self_correction", "kto", "rl"]
    recipe = write_recipe(
        count=4,
        attempts=2,
        teachers=[one_teacher(teacher, "retry_with_feedback")],
        release={"license": "mit", "products": products},
    )
    summary = run(recipe, tmp_path / "w")
    assert summary.teacher_calls == 4  # the first tries were bought by the other recipe
    assert summary.verdicts["correct"] == 8
    assert summary.release is not None
    rows = {product: rows_of(summary.release.path, product) for product in products}
    # Told that it was wrong, the teacher is right 8 of 8 times; how often it solves a problem is what it says at first.
    rates = {(row["pass_rate_c"], row["pass_rate_n"], row["pass_rate"]) for each in rows.values() for row in each}
    assert rates == {(1, 2, 0.5)}
    (draft,) = {
        row["wrong_attempt"] for row in rows["self_correction"] if "What is 0 + 1" in row["prompt"][0]["content"]
    }
    assert draft == "Way 1."
    pairs = ask(
        tmp_path / "w",
        f"SELECT count(*) FROM '{summary.release.path}/preference/*.parquet' AS pairs "
        "JOIN candidates AS retry ON retry.candidate_id = chosen_id::UUID WHERE retry.parent_id = rejected_id::UUID",
    )
    assert pairs == [(4,)]
    assert sorted(row["label"] for row in rows["kto"]) == [False] * 4 + [True] * 8
    again = [body for body in teacher.bodies if len(body["messages"]) > 1]
    for body in again:
        a, b = map(int, re.findall(r"\d+", body["messages"][0]["content"])[:2])
        assert str(a + b) not in body["messages"][2]["content"]
    assert len(again) == 4
    assert dict(teacher.asked.items()) == dict.fromkeys(teacher.asked, 1)


def test_hinted_chains_are_published_only_where_the_recipe_says_so(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    def told(turns: list[str], seed: int) -> tuple[str, str]:
        hinted = "the answer is" in turns[0]
        given_away = " As the hint says." if hinted and seed == 1 else ""
        return right(turns[0], seed + 10 * hinted) + given_away, "stop"

    teacher.talk = told
    teachers = [one_teacher(teacher, "solve"), one_teacher(teacher, "hint")]
    recipe = write_recipe(count=3, attempts=2, teachers=teachers, release={"license": "mit", "products": ["sft", "rl"]})
    without = run(recipe, tmp_path / "w")
    assert (without.kept, without.dropped) == (6, {"hinted": 6})
    assert without.release is not None
    assert {row["strategy"] for row in rows_of(without.release.path)} == {"solve"}
    # With the answer before its eyes anybody solves it: that is no pass rate.
    assert {len(row["pass_rates"]) for row in rows_of(without.release.path, "rl")} == {1}
    recipe = write_recipe(count=3, attempts=2, teachers=teachers, curation={"keep_hinted": True})
    kept = run(recipe, tmp_path / "w")
    assert (kept.teacher_calls, kept.kept, kept.dropped) == (0, 9, {"hint_words": 3})


def test_thinking_is_cut_at_its_budget_and_answered(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    def slow(turns: list[str], seed: int) -> tuple[str, str]:
        a, b = map(int, re.findall(r"\d+", turns[0])[:2])
        if len(turns) == 1:
            return f"<think>Way {seed}: {a} + {b} = {a + b}, but let me think", "length"
        # Told to answer, it thinks on: that is beyond the budget.
        return f"<think>Once more from the start.</think>The answer is \\boxed{{{a + b}}}.", "stop"

    teacher.talk = slow
    teachers = [one_teacher(teacher, "budget", think_tokens=7)]
    summary = run(write_recipe(count=2, attempts=2, teachers=teachers), tmp_path / "w")
    assert (summary.teacher_calls, summary.kept) == (8, 4)
    assert sorted(body["max_tokens"] for body in teacher.bodies) == [7] * 4 + [50] * 4
    assert summary.release is not None
    assert teacher.usage is not None
    for row in rows_of(summary.release.path):
        assert re.fullmatch(r"Way \d: \d \+ \d = \d, but let me think", row["reasoning"])
        assert row["response"].startswith("The answer is")
        assert row["output_tokens"] == 2 * teacher.usage["completion_tokens"]


def test_a_cut_sample_is_asked_again_with_more_tokens(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    def talk(turns: list[str], seed: int) -> tuple[str, str]:
        long = seed == 1 and teacher.bodies[-1]["max_tokens"] == 50
        return ("<think>So much to say", "length") if long else (right(turns[0], seed), "stop")

    teacher.talk = talk
    keeping = write_recipe(count=3, attempts=2, teachers=[one_teacher(teacher, "solve")])
    assert run(keeping, tmp_path / "w").dropped == {"truncated": 3}
    retrying = write_recipe(count=3, attempts=2, teachers=[one_teacher(teacher, "solve", retry_truncated=400)])
    summary = run(retrying, tmp_path / "w")
    assert (summary.teacher_calls, summary.kept) == (3, 6)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"strategy": "guess"}, "teachers.0.strategy"),
        ({"strategy": "budget"}, "`strategy: budget` and `think_tokens` belong together"),
        ({"think_tokens": 5}, "belong together"),
        ({"retry_truncated": 50}, "retry_truncated is 50: expected more than sampling.max_tokens"),
        ({"strategy": "refine", "retry_truncated": 500}, "goes with `strategy: solve` or `hint` only"),
        ({"strategy": "refine", "base_url": None, "recordings": "r.jsonl"}, "is not asked anew"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_refused(
    write_recipe: WriteRecipe, teacher: CountingTeacher, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(RecipeError, match=re.escape(told)):
        load_recipe(write_recipe(teachers=[one_teacher(teacher, "solve") | change]))


def test_two_teachers_of_a_recipe_may_not_share_their_first_answers(
    write_recipe: WriteRecipe, teacher: CountingTeacher
) -> None:
    """One candidate would have two decisions: the draft of a refined sample, and a chain of its own."""
    twins = [one_teacher(teacher, "solve"), one_teacher(teacher, "refine")]
    with pytest.raises(RecipeError, match="ask for the very same samples"):
        load_recipe(write_recipe(teachers=twins))
    longer = [
        one_teacher(teacher, "solve", retry_truncated=400),
        one_teacher(teacher, "solve", name="b", sampling={"max_tokens": 400, "seed": 0}),
    ]
    with pytest.raises(RecipeError, match="ask for the very same samples"):
        load_recipe(write_recipe(teachers=longer))
    load_recipe(write_recipe(teachers=[twins[0], twins[1] | {"sampling": {"max_tokens": 50, "seed": 1000}}]))
