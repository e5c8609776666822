"""The shipped demonstration of a policy, whole: what is shown to whom, and what is released."""

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import cotfactory
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.schemas.errors import RecipeError
from tests.flows.conftest import WriteRecipe

DEMO = Path(__file__).parents[3] / "examples" / "policy" / "recipe.yaml"


def test_the_demonstration_releases_chains_without_the_policy(tmp_path: Path) -> None:
    summary = cotfactory.run(DEMO, tmp_path / "w")
    assert summary.release is not None
    folder = Path(summary.release.path)
    rows = pq.read_table(folder / "sft_policy").to_pylist()
    assert rows
    (policy,) = load_recipe(DEMO).policies
    assert all(clause not in json.dumps(rows) for clause in policy.splitlines() if clause.strip())
    assert "Every quantity has its unit" in (folder / "README.md").read_text()  # in the recipe, for who wants to know
    refusing = [row for row in rows if row["must_refuse"]]
    assert refusing
    assert all(re.match("I'm sorry", row["response"]) for row in refusing)
    assert not [row for row in rows if row["must_refuse"] is False and row["response"].startswith("I'm sorry")]
    card = (folder / "README.md").read_text()
    told = {
        row[0]: list(map(int, row[1:]))
        for row in re.findall(r"\| ((?:not )?to be refused) \| (\d+) \| (\d+) \| (\d+)", card)
    }
    graded, refused, right = told["to be refused"]
    assert graded >= refused == right > 0
    graded, refused, right = told["not to be refused"]
    assert graded - refused >= right > 0


def test_a_policy_has_numbered_clauses(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    (tmp_path / "policy.md").write_text("Be nice.\n")
    teachers = [{"name": "t", "model": "m", "simulated": True, "strategy": "deliberate"}]
    with pytest.raises(RecipeError, match=r"The policy policy\.md has no numbered clause"):
        load_recipe(write_recipe(teachers=teachers, policies=["policy.md"]))
    with pytest.raises(RecipeError, match="belong together"):
        load_recipe(write_recipe(teachers=teachers))
