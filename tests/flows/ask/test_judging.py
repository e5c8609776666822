"""Whole runs whose answers a judge decides: who is asked what, what counts, and what is paid for again."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cotfactory
from cotfactory.flows.inspect.estimate import plan_recipe
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.review.review import opened_session
from cotfactory.flows.run import regrade_recipe, release_recipe
from cotfactory.schemas.errors import ContractFailed, RecipeError
from cotfactory.schemas.review import Answer
from cotfactory.warehouse.stored_reviews import write_review
from cotfactory.warehouse.workspace import Workspace
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, counting_teacher
from tests.flows.review.test_effects import say


@pytest.fixture
def judge() -> Iterator[CountingTeacher]:
    """A judge that finds a criterion true of answers which say `because`, and of the others not."""
    with counting_teacher() as running:
        running.talk = lambda turns, _: (verdicts(turns[0], lambda answer: "because" in answer), "stop")
        yield running


def verdicts(prompt: str, holds: Any) -> str:
    mark, answer = re.findall(r"(?s)(JUDGE-\w+) ANSWER BEGINS\n(.*)\n\1 ANSWER ENDS", prompt)[0]
    numbers = re.findall(r"(?m)^(\d+)\. ", prompt.partition("Criteria:\n")[2])
    return "\n".join(f"{mark} {number}: {'yes' if holds(answer) else 'no'}" for number in numbers)


@pytest.fixture
def judged(write_recipe: WriteRecipe, teacher: CountingTeacher, judge: CountingTeacher, tmp_path: Path) -> Any:
    """Write three problems whose criteria need a judge, and their recipe; keywords replace keys of the recipe."""
    teacher.answer = lambda question, seed: f"<think>Way {seed}.</think>{question} It is {'because' if seed else 'so'}."
    rows = [
        {
            "id": n,
            "question": f"Why is {n} odd?",
            "answer_kind": "rubric",
            "rubric": ["It gives a reason.", "It is clear."],
        }
        for n in (1, 3, 5)
    ]
    (tmp_path / "why.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def write(**changes: Any) -> Path:
        asked = {"sampling": {"max_tokens": 50, "seed": 0}, "limits": {"retries": 0}}
        return write_recipe(
            **{
                "problems": [{"source": "file", "path": "why.jsonl", "license": "mit"}],
                "teachers": [
                    {"name": "t", "model": "m", "base_url": teacher.base_url, **asked},
                    {"name": "critic", "model": "j", "base_url": judge.base_url, **asked},
                ],
                "judge": {"teacher": "critic"},
                "release": {"license": "mit", "products": ["sft", "all_graded"]},
                **changes,
            }
        )

    return write


CHAINS, KEYS, ORDERS = 9, 40, 2


def test_a_judge_decides_and_is_paid_once(judged: Any, judge: CountingTeacher, tmp_path: Path) -> None:
    recipe = judged()
    planned = plan_recipe(recipe, tmp_path / "w").calls_at_most
    first = cotfactory.run(recipe, tmp_path / "w")
    assert first.verdicts == {"correct": 6, "incorrect": 3, "no_answer": 0, "ungraded": 0}
    assert judge.calls == (CHAINS + KEYS) * ORDERS
    assert planned == first.teacher_calls == CHAINS + judge.calls
    # Blind: the judge sees the answer and the criteria in both orders, and neither thoughts nor a teacher's name.
    prompts = [body["messages"][0]["content"] for body in judge.bodies if "Why is 3 odd? It is because" in str(body)]
    assert len(prompts) == 2 * ORDERS
    assert all("Way " not in prompt for prompt in prompts)
    orders = {tuple(re.findall(r"(?m)^(\d)\. ", prompt)) for prompt in prompts}
    assert orders == {("1", "2"), ("2", "1")}
    again = cotfactory.run(recipe, tmp_path / "w")
    assert again.teacher_calls == 0
    assert again.release is not None
    assert first.release is not None
    assert again.release.rows_sha == first.release.rows_sha
    assert plan_recipe(recipe, tmp_path / "w").calls_at_most == 0
    assert regrade_recipe(recipe, tmp_path / "w", "info").flipped == ()
    assert cotfactory.run(recipe, tmp_path / "w").verdicts == first.verdicts
    facts = json.loads((Path(first.release.path) / "manifest.json").read_text())["facts"]["judge"]
    assert (facts["keys"], facts["keys_accepted"], facts["chains"], facts["distrust"]) == (KEYS, 0, CHAINS, None)
    assert "Of the 40 answers of its exam" in (Path(first.release.path) / "README.md").read_text()


def test_a_judge_that_passes_empty_words_counts_for_nothing(
    judged: Any, judge: CountingTeacher, tmp_path: Path
) -> None:
    judge.talk = lambda turns, _: (verdicts(turns[0], lambda answer: "because" in answer or answer == ":"), "stop")
    recipe = judged()
    with pytest.raises(ContractFailed) as failed:
        cotfactory.run(recipe, tmp_path / "w")
    summary: Any = failed.value.summary
    assert summary.verdicts["ungraded"] == CHAINS
    found = cotfactory.sql(tmp_path / "w", "SELECT DISTINCT reason FROM grades WHERE grader = 'rubric'")
    assert {row["reason"] for row in found.to_pylist()} >= {"not_trusted_correct", "not_trusted_incorrect"}
    # Another prompt is another judge: it takes the exam again.
    judge.talk = lambda turns, _: (verdicts(turns[0], lambda answer: "because" in answer), "stop")
    repaired = cotfactory.run(judged(judge={"teacher": "critic", "prompt": "Be strict."}), tmp_path / "w")
    assert repaired.verdicts["correct"] == 6


def test_a_demanded_precision_is_what_people_find(judged: Any, tmp_path: Path) -> None:
    """Until they were asked nothing counts; they are asked about what it accepted and what it rejected."""
    recipe = judged(
        judge={"teacher": "critic", "require": {"precision_low": 0.4}},
        review={"guidelines": "Judge.", "per_item": 1, "sample": {"random": 9, "disputed": 0, "planted": 0}},
    )
    with pytest.raises(ContractFailed):
        cotfactory.run(recipe, tmp_path / "w")
    query = "SELECT DISTINCT evidence.detail AS why FROM grades WHERE reason LIKE 'not_trusted%'"
    whys = [row["why"] for row in cotfactory.sql(tmp_path / "w", query).to_pylist()]
    assert whys
    assert all("people have not measured its precision yet" in why for why in whys)
    workspace = Workspace(tmp_path / "w")
    session = opened_session(load_recipe(recipe), workspace)
    said = {item.item_id: item.stratum.verdict for item in session.items.values() if item.stratum is not None}
    assert sorted(said.values()) == ["correct"] * 6 + ["incorrect"] * 3
    for item in session.items.values():
        answer: Answer = "yes" if said[item.item_id] == "correct" else "no"
        write_review(workspace, say("ana", item, answer, guidelines_id=session.rules.guidelines_id))
    summary = release_recipe(recipe, tmp_path / "w", None, "info")
    assert summary.verdicts["correct"] == 6
    assert summary.release is not None
    manifest = json.loads((Path(summary.release.path) / "manifest.json").read_text())
    assert manifest["facts"]["judge"]["distrust"] is None
    (measured,) = manifest["facts"]["people"]["graders"]
    assert (measured["grader"], measured["precision"]["value"]) == ("rubric", 1.0)


def test_a_judge_that_fails_half_way_is_asked_for_the_rest(judged: Any, judge: CountingTeacher, tmp_path: Path) -> None:
    asked = judge.talk
    assert asked is not None
    judge.talk = lambda turns, seed: asked(turns, seed) if judge.calls < 50 else (500, "stop")
    recipe = judged()
    with pytest.raises(ContractFailed):
        cotfactory.run(recipe, tmp_path / "w")
    answered = 49
    judge.talk, before = asked, judge.calls
    summary = cotfactory.run(recipe, tmp_path / "w")
    assert summary.verdicts["correct"] == 6
    assert judge.calls - before == (CHAINS + KEYS) * ORDERS - answered
    query = "SELECT count(*) AS n, count(DISTINCT candidate_id) AS ids FROM candidates WHERE strategy = 'judgement'"
    every = (CHAINS + KEYS) * ORDERS
    assert cotfactory.sql(tmp_path / "w", query).to_pylist() == [{"n": every, "ids": every}]


def simulated(name: str, model: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "model": model, "simulated": True, "sampling": {"max_tokens": 400}} | more


REPLAYS = {"name": "critic", "model": "j", "recordings": "r.jsonl"}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"judge": None}, "has criteria that a judge decides, and the recipe names no judge"),
    ({"judge": {"teacher": "nobody"}}, "expected the name of a teacher, t or critic"),
    ({"teachers": [simulated("critic", "j")]}, "judges, and nobody answers"),
    (
        {"teachers": [simulated("t", "m", system="Be brief."), simulated("critic", "m")]},
        "would judge its own model, 'm', which 't' asks",
    ),
    ({"teachers": [simulated("t", "m"), REPLAYS]}, "'critic' cannot judge"),
    ({"teachers": [simulated("t", "m", strategy="refine"), simulated("critic", "j")]}, "which asks in several turns"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_what_cannot_be_judged_is_refused_before_anything_is_asked(
    change: dict[str, Any], message: str, judged: Any, teacher: CountingTeacher, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=re.escape(message)):
        cotfactory.run(judged(**change), tmp_path / "w")
    assert teacher.calls == 0
