"""A recipe with a grader of the user's own: a release of several products, and a changed grader grades again."""

import asyncio
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cotfactory.flows.build import regrade_stored
from cotfactory.flows.inspect.check_recipe import CheckFailed, check_recipe
from cotfactory.flows.inspect.grade_recordings import grade_recordings
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.schemas.errors import GraderError, RecipeError
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher
from tests.flows.test_build import run

PARITY = """
def grade(problem, response, reasoning):
    said = response.split("boxed{")[-1].split("}")[0]
    if not said.isdigit():
        return "no_answer"
    same = int(said) % 2 == int(problem["answer"]) % 2
    return {"verdict": "correct" if same else "incorrect", "reason": "parity", "extracted_answer": said}
"""
EXACT = PARITY.replace("% 2", "% 1000")
PRODUCTS = ["sft", "preference", "kto", "rl", "all_graded"]


def off_by_its_seed(question: str, seed: int) -> str:
    """Sample 0 is right, 1 is one too much, 2 is two too much: of the right parity, but wrong."""
    one, other = (int(word) for word in question.removeprefix("What is ").rstrip("?").split(" + "))
    return f"{one} and {other} and {seed} more, put together. So \\boxed{{{one + other + seed}}}"


def test_every_product_is_released_by_it_and_a_change_grades_again(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    teacher.answer = off_by_its_seed
    file = tmp_path / "mine.py"
    file.write_text(PARITY)
    recipe = write_recipe(grader="./mine.py:grade", release={"license": "mit", "products": PRODUCTS})
    first = run(recipe, tmp_path / "w")
    assert (first.verdicts["correct"], first.verdicts["incorrect"]) == (12, 6)
    assert first.release is not None
    folder = Path(first.release.path)
    (rl,) = {(row["grader"], json.loads(row["grader_args"])["version"]) for row in rows_of("rl", folder)}
    assert rl[0] == "mine.py:grade"
    version = rl[1]
    graders = {(row["grader"], row["grader_version"], row["reason"]) for row in rows_of("all_graded", folder)}
    assert graders == {("mine.py:grade", version, "parity")}
    manifest = (folder / "manifest.json").read_text("utf-8")
    assert json.loads(json.loads(manifest)["recipe"])["grader"] == "mine.py:grade"
    assert str(tmp_path) not in manifest

    calls = teacher.calls
    file.write_text(EXACT)
    request = BuildRequest(load_recipe(recipe), tmp_path / "w")
    with TerminalProgress() as progress:
        flips = asyncio.run(regrade_stored(request, DirectStages(), progress))
    assert [(flip.before, flip.after) for flip in flips] == [("correct", "incorrect")] * 6
    second = run(recipe, tmp_path / "w")
    assert (second.verdicts["correct"], teacher.calls) == (6, calls)
    assert second.release is not None
    assert second.release.version != first.release.version


def rows_of(product: str, folder: Path) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = pq.read_table(next(folder.glob(f"{product}/*.parquet"))).to_pylist()
    return rows


def test_check_says_what_it_makes_of_the_references(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def grade(problem, response, reasoning):\n    return 'incorrect'\n")
    with pytest.raises(CheckFailed) as failed:
        check_recipe(write_recipe(grader="./mine.py:grade"), tmp_path / "w")
    assert "its own grader says incorrect (rejected)" in str(failed.value.summary)


@pytest.mark.parametrize("written", ["mine.py", "mine:grade", "mine.py:", "mine.py:a.b", "mine.sh:grade"])
def test_a_grader_is_a_file_and_a_function(written: str, write_recipe: WriteRecipe) -> None:
    with pytest.raises(RecipeError, match="grader"):
        load_recipe(write_recipe(grader=written))


def test_a_grader_that_cannot_be_used_is_told_before_anything_is_asked(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text("def judge(problem, response, reasoning):\n    return 'correct'\n")
    with pytest.raises(GraderError, match="defines no such function"):
        run(write_recipe(grader="./mine.py:grade"), tmp_path / "w")
    assert teacher.calls == 0


def test_recorded_completions_are_graded_by_it(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PARITY)
    problems, recordings, out = tmp_path / "p.jsonl", tmp_path / "r.jsonl", tmp_path / "grades.jsonl"
    problems.write_text(json.dumps({"id": "p", "question": "6 * 7?", "answer": "42", "answer_kind": "math"}) + "\n")
    line = {"problem_id": "p", "question": "6 * 7?", "model": "m", "sample": 0, "response": "\\boxed{44}"}
    recordings.write_text(json.dumps(line) + "\n")
    grade_recordings(problems, recordings, out, f"{tmp_path}/mine.py:grade")
    assert json.loads(out.read_text())["verdict"] == "correct"
