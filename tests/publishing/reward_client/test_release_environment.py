"""The environment that a release carries: a package of its prompts and its reward, which holds no answer."""

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.publishing.release import write_release
from cotfactory.publishing.release_folder import open_release
from cotfactory.publishing.reward_client.release_environment import package_name
from cotfactory.schemas.errors import PublishError
from tests.publishing.made_groups import in_split, made_facts, made_mixed_group, made_recipe
from tests.trainers.small_release import rl_rows

ROWS = "rl/environment/cotfactory_ducks_2/rows.jsonl"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with `rl` rows of both splits; nobody changes it."""
    place = tmp_path_factory.mktemp("workspace")
    problems = [(made_mixed_group(number),) for number in range(3)]
    problems += [(in_split(made_mixed_group(3), "test"),)]
    recipe, facts = made_recipe("sft", "rl"), made_facts(problems=problems)
    return write_release("ducks.2", iter(problems), recipe, facts, place / "releases", place / "staging").path


def test_it_is_a_package_of_the_release(release: Path) -> None:
    listed = {file.path for file in read_manifest(release).files}
    package = release / "rl" / "environment"
    files = {path.relative_to(release).as_posix() for path in package.rglob("*") if path.is_file()}
    assert {path.rpartition("/")[2] for path in files} == {
        *("pyproject.toml", "README.md"),
        *("__init__.py", "reward.py", "rows.jsonl"),
    }
    assert files <= listed
    assert files <= set(open_release(release).files)
    project = tomllib.loads((package / "pyproject.toml").read_text())
    assert project["project"]["name"] == "cotfactory-ducks-2"
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["cotfactory_ducks_2"]
    assert (package / "cotfactory_ducks_2" / "reward.py").read_text() == (release / "rl" / "reward.py").read_text()
    told = (package / "README.md").read_text()
    assert "vf-eval cotfactory-ducks-2" in told
    assert not re.search(r"\{\w*\}", told)


def test_its_code_imports_what_it_carries_verifiers_and_the_standard_library(release: Path) -> None:
    module = release / "rl" / "environment" / "cotfactory_ducks_2" / "__init__.py"
    imported = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.ImportFrom)]
    assert ("reward", 1) in {(node.module, node.level) for node in imported}
    assert not any("cotfactory" in (node.module or "") for node in imported)


def test_rows_are_the_prompts_with_their_split_and_no_answer(release: Path) -> None:
    rows = [json.loads(line) for line in (release / ROWS).read_text().splitlines()]
    published = {row["problem_id"]: row for row in rl_rows(release)}
    assert {row["problem_id"] for row in rows} == set(published)
    for row in rows:
        theirs = published[row["problem_id"]]
        assert row["responses_create_params"]["input"] == theirs["prompt"]
        assert row["split"] == theirs["extra_info"]["split"]
        assert set(row) == {"problem_id", "responses_create_params", "agent_ref", "split"}
    assert {row["split"] for row in rows} == {"train", "test"}


def test_changed_prompts_do_not_leave(release: Path, tmp_path: Path) -> None:
    copy = tmp_path / "release"
    subprocess.run(["cp", "-r", release, copy], check=True)
    (copy / ROWS).write_text("")
    with pytest.raises(PublishError, match=r"rows\.jsonl was changed"):
        open_release(copy)


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("demo", "cotfactory-demo"),
        ("my-first", "cotfactory-my-first"),
        # a name of a module holds no dot, and no two signs of a package name are beside each other
        ("0math.v2__b-", "cotfactory-0math-v2-b"),
    ],
)
def test_a_release_names_its_package(name: str, package: str) -> None:
    assert package_name(name) == package
    assert package.replace("-", "_").isidentifier()
