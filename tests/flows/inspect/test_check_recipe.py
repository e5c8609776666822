"""`cotfactory check` names what nothing stops for: questions with two answers, licences that nobody here knows."""

import json
from pathlib import Path

import pytest

from cotfactory.flows.inspect.check_recipe import check_recipe
from cotfactory.flows.run import regrade_recipe, release_recipe
from cotfactory.schemas.errors import InputError, WorkspaceError
from tests.flows.conftest import WriteRecipe


def test_notes(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    recipe = write_recipe(count=2)
    assert check_recipe(recipe, tmp_path / "w").notes == ()
    again = [
        {"id": "other", "question": "What is 0 + 1?", "answer": "2", "answer_kind": "math", "license": "Bogus-1.0"},
        {
            "id": "day",
            "question": "Which day is it?",
            "answer": "\\text{Monday}",
            "answer_kind": "math",
            "license": "MIT",
        },
        {"id": "twice", "question": "What is 1 + 2?", "answer": "3", "answer_kind": "math", "source": "elsewhere"},
    ]
    with (tmp_path / "sums.jsonl").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in again)
    contradicting, twice, words, licenses = check_recipe(recipe, tmp_path / "w").notes
    assert contradicting.startswith("questions with contradicting answers: 1, and none of them will be asked")
    assert {"sum-0", "other", "'1'", "'2'"} <= set(contradicting.replace("(", " ").replace(")", " ").split())
    assert twice == "problems that ask what another one asks: 1, asked once"
    assert words.startswith("`math` answers that are words, and held against a response as words: 1 of 5: ")
    assert "Monday" in words
    assert licenses == "licences with terms that are not known here, read them: Bogus-1.0 of problems (1)"


def test_of_nothing_nothing_is_released_or_graded_again(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    recipe = write_recipe(count=1)
    with pytest.raises(InputError, match=r"The version is 'banana': expected vX\.Y\.Z"):
        release_recipe(recipe, tmp_path / "w", "banana", "info")
    assert not (tmp_path / "w").exists()  # refused before anything was looked at
    with pytest.raises(WorkspaceError, match="Nothing is stored of sums in"):
        release_recipe(recipe, tmp_path / "w", "v1.0.0", "info")
    with pytest.raises(WorkspaceError, match="Nothing is stored of sums in"):
        regrade_recipe(recipe, tmp_path / "w", "info")
