"""The release that stands: taken as it is where nothing that it is made of has changed, and only there."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from cotfactory.curation import select
from cotfactory.flows.build import build
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.flows.summary import RunSummary
from cotfactory.schemas.errors import ContractFailed
from cotfactory.warehouse.tables import write_table
from cotfactory.warehouse.workspace import open_workspace
from tests.flows.conftest import WriteRecipe, plant_key
from tests.flows.counting_teacher import CountingTeacher, right, wrong

OF_ONE_RUN = {"run_id", "seconds", "teacher_calls", "reused", "tokens", "cost_usd", "release"}


def run(recipe: Path, workspace: Path, version: str | None = None) -> RunSummary:
    with TerminalProgress() as progress:
        request = BuildRequest(load_recipe(recipe), workspace, version=version)
        return asyncio.run(build(request, DirectStages(), progress))


@pytest.fixture
def curated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The problems that were curated, in order."""
    seen: list[str] = []
    decide = select.decide

    def watching(problem: Any, selection: Any) -> Any:
        seen.append(problem.problem_id)
        return decide(problem, selection)

    monkeypatch.setattr("cotfactory.flows.release.curating.decide", watching)
    return seen


def test_a_run_with_nothing_new_reads_no_chain_and_tells_the_same(
    write_recipe: WriteRecipe, teacher: CountingTeacher, curated: list[str], tmp_path: Path
) -> None:
    teacher.answer = lambda question, seed: wrong(question, seed) if seed == 2 else right(question, seed)
    recipe = write_recipe()
    first = run(recipe, tmp_path / "w")
    assert len(curated) == 6
    again = run(recipe, tmp_path / "w")
    assert len(curated) == 6
    assert again.model_dump(exclude=OF_ONE_RUN) == first.model_dump(exclude=OF_ONE_RUN)
    assert first.release is not None
    assert again.release == first.release.model_copy(update={"unchanged": True})
    assert (again.teacher_calls, again.reused) == (0, 18)


def a_licence(recipe: Path, _: Path) -> None:
    problems = recipe.parent / "sums.jsonl"
    rows = [json.loads(line) for line in problems.read_text().splitlines()]
    problems.write_text("".join(json.dumps(row | {"license": "apache-2.0"}) + "\n" for row in rows))


def a_key_of_the_recipe(recipe: Path, _: Path) -> None:
    content = yaml.safe_load(recipe.read_text())
    recipe.write_text(yaml.safe_dump(content | {"curation": {"max_per_problem": 1}}))


def one_problem_less(recipe: Path, _: Path) -> None:
    problems = recipe.parent / "sums.jsonl"
    problems.write_text("".join(line + "\n" for line in problems.read_text().splitlines()[1:]))


def the_release_is_gone(_: Path, workspace: Path) -> None:
    (workspace / "releases" / "sums" / "v1.0.0").rename(workspace / "moved")


def what_was_noted_is_another_version_s(_: Path, workspace: Path) -> None:
    (workspace / "made_of" / "sums.json").write_text('{"inputs": "0"}')


@pytest.mark.parametrize(
    "change",
    [a_licence, a_key_of_the_recipe, one_problem_less, the_release_is_gone, what_was_noted_is_another_version_s],
)
def test_whatever_it_is_made_of_is_curated_again_when_it_changes(
    change: Callable[[Path, Path], None], write_recipe: WriteRecipe, curated: list[str], tmp_path: Path
) -> None:
    recipe = write_recipe()
    run(recipe, tmp_path / "w")
    change(recipe, tmp_path / "w")
    curated.clear()
    assert run(recipe, tmp_path / "w").teacher_calls == 0
    assert len(curated) >= 5


def test_another_verdict_is_new(write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path) -> None:
    teacher.answer = lambda question, seed: wrong(question, seed) if seed == 2 else right(question, seed)
    recipe = write_recipe()
    assert run(recipe, tmp_path / "w").kept == 12
    workspace = open_workspace(tmp_path / "w")
    grades = (row for path in workspace.table("grades").glob("*.parquet") for row in pq.read_table(path).to_pylist())
    flipped = next(row for row in grades if row["verdict"] == "incorrect")
    later = {"verdict": "correct", "graded_at": flipped["graded_at"] + timedelta(seconds=1)}
    write_table(workspace, "grades", "by-hand", [flipped | later])
    assert run(recipe, tmp_path / "w").kept == 13


def test_a_chosen_version_is_a_new_release(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    recipe = write_recipe()
    run(recipe, tmp_path / "w")
    chosen = run(recipe, tmp_path / "w", version="v2.0.0").release
    assert chosen is not None
    assert (chosen.version, chosen.unchanged) == ("v2.0.0", False)
    after = run(recipe, tmp_path / "w").release
    assert after is not None
    assert (after.version, after.unchanged) == ("v2.0.0", True)


def test_a_run_that_failed_left_its_own_decisions(
    write_recipe: WriteRecipe, curated: list[str], tmp_path: Path
) -> None:
    recipe = write_recipe()
    run(recipe, tmp_path / "w")
    problems = recipe.parent / "sums.jsonl"
    before = problems.read_bytes()
    plant_key(problems)
    with pytest.raises(ContractFailed):
        run(recipe, tmp_path / "w")
    problems.write_bytes(before)
    curated.clear()
    again = run(recipe, tmp_path / "w").release
    assert again is not None
    assert again.unchanged
    assert len(curated) == 6
