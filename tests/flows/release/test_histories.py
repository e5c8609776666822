"""Whatever happened to a recipe before, its release holds what a build from nothing would hold."""

import asyncio
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cotfactory.flows.build import build, regrade_stored
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.flows.summary import RunSummary
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, right, wrong

STEPS = 3
OF_BEFORE = r"<h2>What changed since.*?(?=<h2>)| after v\d\.\d\.\d|v\d\.\d\.\d"
"""What pages say of the release before, and of their own version."""
Recipe = dict[str, Any]
Change = Callable[[Recipe, list[dict[str, Any]], random.Random], None]


def add_problem(_: Recipe, problems: list[dict[str, Any]], chance: random.Random) -> None:
    number = chance.randrange(100, 1000)
    question, answer = f"What is {number} + {number + 1}?", str(2 * number + 1)
    problems.append({"id": f"sum-{number}", "question": question, "answer": answer, "answer_kind": "math"})


def remove_problem(_: Recipe, problems: list[dict[str, Any]], chance: random.Random) -> None:
    problems.pop(chance.randrange(len(problems)))


def reorder_problems(_: Recipe, problems: list[dict[str, Any]], chance: random.Random) -> None:
    chance.shuffle(problems)


def more_attempts(recipe: Recipe, _: list[dict[str, Any]], chance: random.Random) -> None:
    recipe["attempts"] = chance.choice([2, 3, 4])


def a_threshold(recipe: Recipe, _: list[dict[str, Any]], chance: random.Random) -> None:
    recipe["curation"] = {
        "near_duplicates": {
            "within": chance.choice(["release", "problem", "off"]),
            "min_words": chance.choice([5, 40]),
        },
        "max_foreign_letters": chance.choice([0.05, 1.0]),
        "label_only": chance.choice([[], ["answer_first", "answer_from_prompt"]]),
        "prefer": chance.choice(["first", "most_different"]),
        "max_per_problem": chance.choice([None, 1]),
        "difficulty": chance.choice([None, {"model": "m", "min": 0.5}]),
        "held_out": chance.choice([None, {"share": 0.5}]),
        "max_per_domain": chance.choice([None, 4]),
    }


def another_strategy(recipe: Recipe, _: list[dict[str, Any]], chance: random.Random) -> None:
    (teacher,) = recipe["teachers"]
    teacher["strategy"] = chance.choice(["solve", "retry_with_feedback"])


def another_teacher(recipe: Recipe, _: list[dict[str, Any]], chance: random.Random) -> None:
    (teacher,) = recipe["teachers"]
    teacher["sampling"]["temperature"] = chance.choice([0.5, 1.0])


def other_products(recipe: Recipe, _: list[dict[str, Any]], chance: random.Random) -> None:
    recipe["release"]["products"] = chance.choice(
        [["sft"], ["sft", "rl"], ["sft", "all_graded", "preference"], ["kto", "kto_text", "rl"]]
    )


CHANGES: list[Change] = [
    add_problem,
    remove_problem,
    reorder_problems,
    more_attempts,
    a_threshold,
    another_strategy,
    another_teacher,
    other_products,
]


def run(recipe: Path, workspace: Path) -> RunSummary:
    with TerminalProgress() as progress:
        return asyncio.run(build(BuildRequest(load_recipe(recipe), workspace), DirectStages(), progress))


def regrade(recipe: Path, workspace: Path) -> None:
    with TerminalProgress() as progress:
        asyncio.run(regrade_stored(BuildRequest(load_recipe(recipe), workspace), DirectStages(), progress))


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 7))])
def test_a_top_up_releases_what_a_build_from_nothing_does(
    seed: int, write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    def answer(question: str, sample: int) -> str:
        return (wrong if sample == 1 or (sample and "1 +" in question) else right)(question, sample)

    teacher.answer = answer
    path, chance = write_recipe(), random.Random(seed)
    recipe = yaml.safe_load(path.read_text())
    problems = [json.loads(line) for line in (tmp_path / "sums.jsonl").read_text().splitlines()]
    for step in range(STEPS):
        if chance.random() < 0.3 and step:
            regrade(path, tmp_path / "w")
        for change in chance.sample(CHANGES, 2):
            change(recipe, problems, chance)
        path.write_text(yaml.safe_dump(recipe))
        (tmp_path / "sums.jsonl").write_text("".join(json.dumps(problem) + "\n" for problem in problems))
        if step == STEPS - 1:  # what fails at first comes later, at problems that were curated without it
            teacher.answer = lambda question, sample: 500 if sample == 1 else answer(question, sample)
            run(path, tmp_path / "w")
            teacher.answer = answer
        topped_up, fresh = run(path, tmp_path / "w"), run(path, tmp_path / f"fresh-{step}")
        assert topped_up.release is not None
        assert fresh.release is not None
        assert (topped_up.release.rows_sha, topped_up.dropped) == (fresh.release.rows_sha, fresh.dropped)
        assert facts_of(topped_up.release.path) == facts_of(fresh.release.path)


def facts_of(release: str) -> dict[str, Any]:
    """Return what a release says, but for when and after which one it was made: its files, its figures, its chains."""
    manifest = json.loads((Path(release) / "manifest.json").read_text())
    return {
        "rows": {file["path"]: file["sha256"] for file in manifest["files"] if file["path"].endswith(".parquet")},
        "figures": {name: manifest[name] for name in ("without_rl", "kept_weak", "graders")},
        "pages": [
            re.sub(OF_BEFORE, "", (Path(release) / page).read_text(), flags=re.DOTALL)
            for page in ("README.md", "report.html")
        ],
    }
