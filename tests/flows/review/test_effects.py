"""What people say decides: verdicts, problems, pairs, chains of their own, and whether there is a release at all."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from cotfactory.flows.inspect.ask_catalog import answer as ask
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.release.rebuild import rebuild
from cotfactory.flows.review.answers import written_candidate
from cotfactory.flows.review.review import opened_session
from cotfactory.flows.run import regrade_recipe, release_recipe, run_recipe
from cotfactory.schemas.errors import ContractFailed
from cotfactory.schemas.review import Answer, Review, ReviewItem
from cotfactory.warehouse.found_chains import candidates_by_id, problems_by_id
from cotfactory.warehouse.stored_reviews import reviews_of, write_review
from cotfactory.warehouse.tables import write_table
from cotfactory.warehouse.workspace import Workspace
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher

REVIEW = {
    "guidelines": "Judge the final answer.",
    "questions": ["answer_right", "first_wrong_step", "reference_right", "better_of_two", "write"],
    "sample": {"random": 20, "disputed": 5, "planted": 2, "problems": 6, "pairs": 3},
    "require": {"alpha": 0.67},
}


def teach(question: str, seed: int) -> str:
    """Solve all sums but `0 + 1`, in words that differ; sample 2 of `4 + 5` does, and no grader sees it."""
    first = int(question.split()[2])
    if first == 0:
        return f"In attempt {seed} I say \\boxed{{{5 + seed}}}."
    if (first, seed) == (4, 2):
        return "It is nine, I think."
    return f"Attempt {seed}: {first} + {first + 1} = {2 * first + 1}, so \\boxed{{{2 * first + 1}}}."


def say(person: str, item: ReviewItem, answer: Answer, **more: Any) -> Review:
    return Review(
        review_id=f"{person}-{item.item_id}",
        person=person,
        answer=answer,
        guidelines_id=more.pop("guidelines_id"),
        seconds=9.0,
        seen="blind",
        reviewed_at=datetime.now(UTC),
        **item.model_dump(
            include={"item_id", "recipe", "question", "kind", "problem_id", "candidate_id", "other_id", "truth"}
        ),
        **more,
    )


def rows_of(release: str, product: str) -> list[dict[str, Any]]:
    return [row for path in Path(release).glob(f"{product}/*.parquet") for row in pq.read_table(path).to_pylist()]


def test_what_people_say_decides(write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path) -> None:
    teacher.answer = teach
    path = write_recipe(
        6,
        review=REVIEW,
        release={
            "license": "mit",
            "products": ["sft", "preference", "reviews"],
            "preference": {"max_length_ratio": None},
        },
        curation={"near_duplicates": {"within": "off"}, "label_only": ["wrong_step"]},
    )
    recipe = yaml.safe_load(path.read_text())
    recipe["teachers"].append({"name": "people", "stored": "written"})
    path.write_text(yaml.safe_dump(recipe))
    root = tmp_path / "workspace"
    with pytest.raises(ContractFailed, match="people agree as far as the recipe demands"):
        run_recipe(path, root, None, direct=True, publish=False)
    assert not list(root.glob("releases/sums/*"))

    workspace = Workspace(root)
    session = opened_session(load_recipe(path), workspace)
    chains = candidates_by_id(workspace, {i.candidate_id for i in session.items.values() if i.candidate_id})
    problems = problems_by_id(workspace, {item.problem_id for item in session.items.values()})
    overturned = _answer_all(
        session.items.values(), chains, problems, lambda review: _keep(workspace, review), session.rules.guidelines_id
    )

    flips = regrade_recipe(path, root, "info").flipped
    assert {(flip.before, flip.after) for flip in flips} == {("correct", "incorrect"), ("incorrect", "correct")}
    assert {flip.candidate_id for flip in flips if flip.after == "incorrect"} == {overturned}

    summary = release_recipe(path, root, None, "info")
    assert summary.release is not None
    assert summary.dropped_problems == {"refuted_reference": 1}
    sft = rows_of(summary.release.path, "sft")
    assert overturned not in {row["candidate_id"] for row in sft}
    assert "It is nine, I think." in {row["response"] for row in sft}
    assert [row["response"] for row in sft if row["teacher"] == "people"] == ["Together \\boxed{11}."]
    preferred = [row for row in rows_of(summary.release.path, "preference") if row["rejection_type"] == "people_prefer"]
    assert preferred
    assert {row["rejected_verdict"] for row in preferred} == {"correct"}
    votes = rows_of(summary.release.path, "reviews")
    counted = [review for review in reviews_of(workspace) if review.kind != "planted"]
    assert 0 < len(votes) <= len(counted)
    card = (Path(summary.release.path) / "README.md").read_text("utf-8")
    assert "## What people found" in card
    assert "| reviewer-1 |" in card
    assert ask("who-disagrees", root, "json").rows
    assert ask("review-pace", root, "json").rows
    assert ask("disputed-by-people", root, "json").rows == ()  # these two agree on everything
    made = rebuild(summary.release.path, root, tmp_path / "again")
    assert made.rows_sha == summary.release.rows_sha
    again = release_recipe(path, root, None, "info")
    assert again.release is not None
    assert again.release.unchanged


def _keep(workspace: Workspace, review: Review) -> None:
    write_review(workspace, review)
    candidate = written_candidate(review)
    if candidate is not None:
        row = {**candidate.model_dump(), "recipe": "sums", "run_id": "review"}
        write_table(workspace, "candidates", f"written-{candidate.candidate_id}", [row])


def _answer_all(items: Any, chains: Any, problems: Any, keep: Callable[[Review], None], guidelines_id: str) -> str:
    """Let two people agree on everything: one right chain is called wrong, the reference of `0 + 1` too."""
    overturned = ""
    for item in sorted(items, key=lambda item: item.item_id):
        question = problems[item.problem_id].question
        answer: Answer = "yes"
        more: dict[str, Any] = {"guidelines_id": guidelines_id}
        if item.kind == "planted":
            answer = item.truth or "no"
        elif item.question == "reference_right":
            answer = "no" if question.startswith("What is 0 ") else "yes"
        elif item.question == "better_of_two":
            answer = "second"
        elif item.question == "write":
            continue
        elif question.startswith("What is 0 "):
            answer = "no"
        elif not overturned and "2 + 3 = 5" in chains[item.candidate_id].response:
            answer, overturned = "no", item.candidate_id
        for person in ("reviewer-1", "reviewer-2"):
            if person == "reviewer-1" and question.startswith("What is 5 ") and item.kind == "random":
                more |= {"response": "Together \\boxed{11}.", "written_id": "ab" * 16}
            keep(say(person, item, answer, **more))
            more = {"guidelines_id": guidelines_id}
    return overturned
