"""Problems are read anew where anything that they are made of has changed, and only there."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.recipe_problems import recipe_problems
from cotfactory.generators.problems.load_problems import load_problems
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.problem import Problem
from cotfactory.warehouse.kept import Kept
from cotfactory.warehouse.workspace import open_workspace

GRADER = "def grade(problem, response):\n    return True\n"
RECIPE: dict[str, Any] = {
    "name": "r",
    "problems": [
        {"source": "file", "path": "p.jsonl"},
        {"source": "procedural", "families": ["short_text"], "count": 2},
    ],
    "teachers": [{"name": "t", "model": "m", "simulated": True, "sampling": {"max_tokens": 9}}],
    "attempts": {"max": 1},
    "grader": "./mine.py:grade",
    "release": {"license": "mit"},
}


def rows(*answers: str) -> str:
    return "".join(
        json.dumps({"id": n, "question": f"{n}?", "answer": answer, "answer_kind": "math"}) + "\n"
        for n, answer in enumerate(answers)
    )


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[Problem], bool]]:
    """Return the problems of the recipe as it is now, and whether their sources were read."""
    was_read = list[bool]()

    def watched(*told: Any) -> Iterator[Problem]:
        was_read.append(True)
        return load_problems(*told)

    monkeypatch.setattr("cotfactory.flows.recipe_problems.load_problems", watched)
    workspace = open_workspace(tmp_path / "w")

    def reads(limit: int | None = None, code: str = "code") -> tuple[list[Problem], bool]:
        recipe = load_recipe(tmp_path / "r.yaml")
        was_read.clear()
        with recipe_problems(recipe, workspace, Kept(workspace, "r", code), limit=limit) as problems:
            return list(problems), bool(was_read)

    return reads


def test_problems_are_read_once_of_the_same_files(
    tmp_path: Path, read: Callable[..., tuple[list[Problem], bool]]
) -> None:
    def recipe(**changed: object) -> None:
        (tmp_path / "r.yaml").write_text(yaml.safe_dump({**RECIPE, **changed}), "utf-8")

    (tmp_path / "p.jsonl").write_text(rows("1", "2"), "utf-8")
    (tmp_path / "mine.py").write_text(GRADER, "utf-8")
    recipe()
    first, was_read = read()
    assert was_read
    assert len(first) == 4
    assert read() == (first, False)
    recipe(attempts={"max": 3}, shard_problems=7)  # says nothing of problems
    assert read() == (first, False)
    changes: list[tuple[Callable[[], object], dict[str, Any]]] = [
        (lambda: (tmp_path / "p.jsonl").write_text(rows("1", "3"), "utf-8"), {}),
        (lambda: (tmp_path / "mine.py").write_text(GRADER + "\n", "utf-8"), {}),
        (lambda: recipe(release={"license": "cc0-1.0"}), {}),
        (lambda: None, {"limit": 1}),
        (lambda: None, {"code": "other code"}),
    ]
    before = first
    for change, told in changes:
        change()
        found, was_read = read(**told)
        assert was_read
        assert found != before or "code" in told or "limit" in told
        assert read(**told) == (found, False)
        before = found


def test_a_file_that_is_gone_or_broken_is_told_though_its_problems_are_kept(
    tmp_path: Path, read: Callable[..., tuple[list[Problem], bool]]
) -> None:
    path = tmp_path / "p.jsonl"
    (tmp_path / "r.yaml").write_text(yaml.safe_dump({**RECIPE, "grader": None}), "utf-8")
    path.write_text(rows("1", "2"), "utf-8")
    kept, _ = read()
    path.write_text(rows("1", "2") + "{", "utf-8")
    for _ in range(2):
        with pytest.raises(ProblemSourceError, match="line 3"):
            read()
    path.unlink()
    with pytest.raises(ProblemSourceError, match="does not exist"):
        read()
    path.write_text(rows("1", "2"), "utf-8")
    assert read() == (kept, False)
