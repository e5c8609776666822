"""Problems that stay as they are in the latest release: their rows are taken over, and none of their chains is read."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from cotfactory.flows.release import releasing
from cotfactory.flows.release.rebuild import rebuild
from cotfactory.publishing import stage_rows
from cotfactory.publishing.build_rows import BUILDERS
from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.group import Group
from cotfactory.schemas.recipe import Recipe
from cotfactory.warehouse.nameless_file import NamelessFile
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, right, wrong
from tests.flows.release.test_histories import facts_of, run


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids in their source of the problems whose rows were built, in order."""
    seen: list[str] = []

    def watching(groups: Sequence[Group], recipe: Recipe) -> list[dict[str, Any]]:
        seen.append(groups[0].problem.source_row_id)
        return BUILDERS["rl"](groups, recipe)

    monkeypatch.setattr(stage_rows, "BUILDERS", {**BUILDERS, "rl": watching})
    return seen


@pytest.fixture
def recipe(write_recipe: WriteRecipe, teacher: CountingTeacher) -> Path:
    """A recipe for six sums with three attempts, the last of which is wrong."""
    teacher.answer = lambda question, seed: wrong(question, seed) if seed == 2 else right(question, seed)
    return write_recipe(release={"license": "mit", "products": ["sft", "kto", "rl", "preference"]})


def ask_more(recipe: Path, number: int = 40) -> None:
    """Add a problem, before all others."""
    problems = recipe.parent / "sums.jsonl"
    question, answer = f"What is {number} + {number + 1}?", str(2 * number + 1)
    added = {"id": f"sum-{number}", "question": question, "answer": answer, "answer_kind": "math"}
    problems.write_text(json.dumps(added) + "\n" + problems.read_text())


def change(recipe: Path, **keys: Any) -> None:
    recipe.write_text(yaml.safe_dump(yaml.safe_load(recipe.read_text()) | keys))


def released(recipe: Path, workspace: Path) -> dict[str, Any]:
    """Return what the release of a run says."""
    summary = run(recipe, workspace)
    assert summary.release is not None
    return facts_of(summary.release.path)


def test_rows_of_one_new_problem_are_built(recipe: Path, built: list[str], tmp_path: Path) -> None:
    run(recipe, tmp_path / "w")
    assert len(built) == 6
    for number in (40, 41):  # the second time what was taken over is taken over again
        built.clear()
        ask_more(recipe, number)
        after = released(recipe, tmp_path / "w")
        assert built == [f"sum-{number}"]
    assert after == released(recipe, tmp_path / "fresh")


def test_a_problem_that_went_takes_its_rows_along(recipe: Path, built: list[str], tmp_path: Path) -> None:
    run(recipe, tmp_path / "w")
    built.clear()
    problems = tmp_path / "sums.jsonl"
    problems.write_text("".join(problems.read_text().splitlines(keepends=True)[:-1]))
    after = released(recipe, tmp_path / "w")
    assert built == []
    assert after == released(recipe, tmp_path / "fresh")


@pytest.mark.parametrize(
    "keys",
    [
        {"curation": {"max_per_problem": 1}},  # other decisions
        {"release": {"license": "mit", "products": ["sft", "rl", "all_graded"]}},  # rows that no release has yet
        {"attempts": 2},  # other groups
    ],
)
def test_what_rows_are_made_of_makes_them_anew(
    keys: dict[str, Any], recipe: Path, built: list[str], tmp_path: Path
) -> None:
    run(recipe, tmp_path / "w")
    built.clear()
    change(recipe, **keys)
    after = released(recipe, tmp_path / "w")
    assert len(built) == 6
    assert after == released(recipe, tmp_path / "fresh")


def test_an_edited_release_is_not_taken_over(
    recipe: Path, built: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(recipe, tmp_path / "w")
    (shard,) = (tmp_path / "w/releases/sums/v1.0.0/rl").glob("*.parquet")
    rows = pq.read_table(shard)
    pq.write_table(rows.set_column(rows.column_names.index("question"), "question", [["What is 2 + 2?"] * 6]), shard)
    built.clear()
    ask_more(recipe)
    after = released(recipe, tmp_path / "w")
    assert len(built) == 7
    assert "all rows are made anew: v1.0.0 is not as it was released" in " ".join(capsys.readouterr().err.split())
    assert after["rows"] == released(recipe, tmp_path / "fresh")["rows"]


def test_without_what_is_kept_all_is_read(recipe: Path, built: list[str], tmp_path: Path) -> None:
    run(recipe, tmp_path / "w")
    shutil.rmtree(tmp_path / "w/kept")
    built.clear()
    ask_more(recipe)
    after = released(recipe, tmp_path / "w")
    assert len(built) == 7
    assert after == released(recipe, tmp_path / "fresh")


def test_rows_of_one_label_alone_are_no_part_of_a_release_but_wait(
    recipe: Path, teacher: CountingTeacher, built: list[str], tmp_path: Path
) -> None:
    teacher.answer = lambda question, seed: wrong(question, seed) if "40" in question else right(question, seed)
    assert "kto" not in {Path(path).parts[0] for path in released(recipe, tmp_path / "w")["rows"]}
    built.clear()
    ask_more(recipe)
    after = released(recipe, tmp_path / "w")
    assert len(built) == 7  # the rows that are all wanted stand nowhere
    assert "kto/train-00000-of-00001.parquet" in after["rows"]
    assert after == released(recipe, tmp_path / "fresh")


def test_a_release_that_is_held_back_leaves_what_is_kept(recipe: Path, built: list[str], tmp_path: Path) -> None:
    run(recipe, tmp_path / "w")
    change(recipe, release={"license": "mit", "products": ["sft", "kto", "rl", "preference"], "min_new_rows": 4})
    ask_more(recipe)
    built.clear()
    held_back = run(recipe, tmp_path / "w").release
    assert held_back is not None
    assert held_back.held_back is not None
    assert len(built) == 7  # another recipe
    built.clear()
    ask_more(recipe, 41)
    assert released(recipe, tmp_path / "w") == released(recipe, tmp_path / "fresh")


def test_a_disk_that_is_full_after_the_release_costs_the_next_run_its_time_alone(
    recipe: Path, built: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnAFullDisk(NamelessFile):
        def flush(self) -> None:
            raise WorkspaceError("it cannot be written: No space left on device", "free space and run again")

    with monkeypatch.context() as patched:
        patched.setattr(releasing, "NamelessFile", OnAFullDisk)
        run(recipe, tmp_path / "w")
    again = rebuild("sums@v1.0.0", tmp_path / "w", tmp_path / "again")  # what it was made of is written down
    assert again.version == "v1.0.0"
    built.clear()
    ask_more(recipe)
    after = released(recipe, tmp_path / "w")
    assert len(built) == 7
    assert after == released(recipe, tmp_path / "fresh")
