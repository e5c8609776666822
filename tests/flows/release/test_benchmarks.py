"""Benchmarks of a recipe: their problems are never asked, and every hit can be looked up with its evidence."""

import json
from pathlib import Path

import pytest

from cotfactory.flows.inspect.check_recipe import check_recipe
from cotfactory.flows.inspect.estimate import plan_recipe
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.release.benchmarks import open_benchmarks, problem_hits
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.schemas.curation import BenchmarkFile, Curation
from cotfactory.schemas.errors import ProblemSourceError, RecipeError
from tests.builders import a_problem
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, right
from tests.flows.test_build import ask, run

STORY = "A farmer keeps seventeen geese and sells nine of them at the market for a price of four coins each."


def write_benchmark(folder: Path, *texts: str) -> None:
    lines = [{"id": f"row-{n}", "question": text, "note": None} for n, text in enumerate(texts)]
    (folder / "bench.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_contaminated_problem_is_not_asked_and_a_contaminated_chain_not_kept(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    write_benchmark(tmp_path, "What is 3 + 4?", STORY)
    curation = {"decontaminate": [{"source": "file", "path": "bench.jsonl", "name": "bench"}]}
    recipe = write_recipe(curation=curation)
    teacher.answer = lambda question, seed: f"{STORY} {right(question, seed)}" if seed == 1 else right(question, seed)
    plan = plan_recipe(recipe, tmp_path / "w")
    assert (plan.problems, plan.contaminated, plan.calls_at_most) == (6, 1, 15)
    report = check_recipe(recipe, tmp_path / "w")
    assert "repeat one of 2 benchmark texts and will not be asked: 1 of 6 problems" in report.text()
    assert "sum-3 of sums.jsonl: bench row row-0 question, exact 1.00, in question" in report.text()

    summary = run(recipe, tmp_path / "w")
    assert not any("3 + 4" in question for question in map(str, teacher.asked))
    assert (summary.dropped_problems, summary.dropped["contaminated"]) == ({"contaminated": 1}, 5)
    assert summary.teacher_calls == 15
    assert ask(tmp_path / "w", "SELECT detail FROM decisions WHERE candidate_id IS NULL") == [
        ("bench row row-0 question, exact 1.00, in question",)
    ]
    assert ask(tmp_path / "w", "SELECT DISTINCT detail FROM decisions WHERE reason = 'contaminated' AND NOT "
               "candidate_id IS NULL") == [("bench row row-1 question, words_8 1.00, in chain",)]  # fmt: skip
    assert summary.release is not None
    told = read_manifest(Path(summary.release.path)).facts.decontamination
    assert told is not None
    (share,) = told.benchmarks
    assert (share.benchmark, share.texts, share.problems, share.candidates) == ("bench", 2, 1, 5)
    assert {recall.found for recall in told.planted if (recall.planting, recall.method) == ("verbatim", "any")} == {2}
    assert list((tmp_path / "w").rglob("*.findings")) == []


def test_what_is_held_out_says_so(write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path) -> None:
    run(write_recipe(count=30, attempts=1, curation={"held_out": {"share": 0.3}}), tmp_path / "w")
    found = dict(ask(tmp_path / "w", "SELECT split, count(*) FROM decisions GROUP BY 1"))
    assert set(found) == {"train", "test"}
    assert found["train"] > found["test"]


def test_no_benchmark_and_one_that_is_not_there(tmp_path: Path) -> None:
    assert open_benchmarks(Curation()) is None
    with pytest.raises(ProblemSourceError, match="does not exist"):
        open_benchmarks(Curation(decontaminate=(BenchmarkFile(source="file", path=str(tmp_path / "bench.jsonl")),)))


def test_a_solution_that_repeats_a_benchmark(tmp_path: Path) -> None:
    write_benchmark(tmp_path, STORY)
    path = str(tmp_path / "bench.jsonl")
    index = open_benchmarks(Curation(decontaminate=(BenchmarkFile(source="file", path=path),)))
    problem = a_problem().model_copy(update={"solution": f"Think of this: {STORY}"})
    assert problem_hits([problem], index) == {
        problem.problem_id: "bench.jsonl row row-0 question, words_8 1.00, in solution"
    }
    assert problem_hits([problem], None) == {}


@pytest.mark.parametrize(
    ("columns", "message"),
    [(["anwser"], "no column 'anwser'"), (["note"], "Entry 1 of `curation.decontaminate` holds no text")],
)
def test_a_benchmark_that_cannot_be_used(columns: list[str], message: str, tmp_path: Path) -> None:
    write_benchmark(tmp_path, STORY)
    benchmark = BenchmarkFile(source="file", path=str(tmp_path / "bench.jsonl"), columns=tuple(columns))
    with pytest.raises(ProblemSourceError, match=message):
        open_benchmarks(Curation(decontaminate=(benchmark,)))


def test_the_difficulty_must_be_of_a_teacher(write_recipe: WriteRecipe) -> None:
    with pytest.raises(RecipeError, match="names the model 'gpt': expected a teacher's, m"):
        load_recipe(write_recipe(curation={"difficulty": {"model": "gpt"}}))


def test_too_few_domains_are_told_before_anything_is_asked(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="1 domains only"):
        run(write_recipe(curation={"max_domain_share": 0.5}), tmp_path / "w")
    assert not teacher.asked
