"""All sources of a recipe as one list: order, repeats, and sources that hold nothing."""

import json
from pathlib import Path
from typing import get_args

import pytest

from cotfactory.generators.problems.hub_source import HubAccess
from cotfactory.generators.problems.load_problems import SOURCES, load_problems
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.problem_sources import (
    FileSource,
    GrownSource,
    HubSource,
    ProblemSource,
    ProceduralSource,
    ReasoningGymSource,
)


def write(folder: Path, name: str, *rows: tuple[str, str]) -> FileSource:
    """Write a problem file of (id, question) rows that all name the same source."""
    lines = [
        json.dumps({"id": id_, "question": question, "answer": "2", "answer_kind": "math", "source": "set"})
        for id_, question in rows
    ]
    (folder / name).write_text("\n".join(lines), "utf-8")
    return FileSource(source="file", path=name)


def load(folder: Path, *sources: ProblemSource) -> list[Problem]:
    return list(load_problems(sources, folder, HubAccess(cache_folder=folder / "hub")))


def test_every_source_of_a_recipe_has_a_loader() -> None:
    kinds = [
        get_args(kind.model_fields["source"].annotation)[0]
        for kind in (FileSource, HubSource, ReasoningGymSource, ProceduralSource, GrownSource)
    ]
    assert sorted(kinds) == sorted(SOURCES)
    assert set(get_args(get_args(ProblemSource)[0])) == {
        FileSource,
        HubSource,
        ReasoningGymSource,
        ProceduralSource,
        GrownSource,
    }


def test_sources_come_in_the_order_of_the_recipe(tmp_path: Path) -> None:
    second = write(tmp_path, "b.jsonl", ("b1", "1 + 1?"), ("b2", "2 * 1?"))
    first = ProceduralSource(source="procedural", families=("linear_equations",), count=2)
    loaded = load(tmp_path, first, second)
    assert [problem.source for problem in loaded] == ["procedural/linear_equations"] * 2 + ["set"] * 2


def test_the_same_problem_is_kept_once_under_its_first_name(tmp_path: Path) -> None:
    """By content: under another id, from another file, or in an entry that is named twice."""
    first = write(tmp_path, "one.jsonl", ("a", "1 + 1?"), ("b", "4 / 2?"), ("c", "1 + 1?"))
    second = write(tmp_path, "two.jsonl", ("d", "4 / 2?"), ("e", "8 / 4?"))
    assert [problem.source_row_id for problem in load(tmp_path, first, second, first)] == ["a", "b", "e"]


def test_an_id_may_come_again_in_another_file(tmp_path: Path) -> None:
    first, second = write(tmp_path, "one.jsonl", ("1", "1 + 1?")), write(tmp_path, "two.jsonl", ("1", "4 / 2?"))
    assert [problem.question for problem in load(tmp_path, first, second)] == ["1 + 1?", "4 / 2?"]


def test_an_id_twice_in_one_file_is_an_error_even_for_the_same_problem(tmp_path: Path) -> None:
    with pytest.raises(ProblemSourceError, match=r"Duplicate id 'a' in line 2 of one\.jsonl"):
        load(tmp_path, write(tmp_path, "one.jsonl", ("a", "1 + 1?"), ("a", "1 + 1?")))


def test_one_source_without_problems_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProblemSourceError, match=r"empty\.jsonl holds no problem"):
        load(tmp_path, write(tmp_path, "one.jsonl", ("a", "1 + 1?")), write(tmp_path, "empty.jsonl"))


def test_a_source_whose_items_are_all_left_out_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("reasoning_gym", reason="needs the extra reasoning-gym")
    monkeypatch.setattr("cotfactory.generators.problems.reasoning_gym_source.TASKS", ["propositional_logic"])
    source = ReasoningGymSource(source="reasoning_gym", task="propositional_logic", count=2)
    with pytest.raises(ProblemSourceError, match=r"Entry 1 of `problems` \(reasoning_gym\) holds no problem"):
        load(tmp_path, source)


def test_a_relative_path_starts_at_the_folder_of_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recipes").mkdir()
    source = write(tmp_path / "recipes", "p.jsonl", ("a", "1 + 1?"))
    monkeypatch.chdir(tmp_path)
    assert len(load(tmp_path / "recipes", source)) == 1
    with pytest.raises(ProblemSourceError, match="does not exist"):
        load(tmp_path, source)
