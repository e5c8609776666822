"""What tests of the flows share: a teacher that counts, problems for it, and a recipe over both."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.flows.counting_teacher import CountingTeacher, counting_teacher
from tests.flows.prefect_server import PrefectServer
from tests.publishing.pictures import same_picture_once

__all__ = ["same_picture_once"]
WriteRecipe = Callable[..., Path]
KEY_LIKE = "sk-abcdefghijklmnopqrstuvwxyz0123456789ABCD"


def plant_key(problems: Path) -> None:
    """Put what looks like a key into every question: a chain can be dropped for it, a problem's RL row cannot."""
    problems.write_text(problems.read_text().replace("?", f"? (key {KEY_LIKE})"))


@pytest.fixture
def teacher() -> Iterator[CountingTeacher]:
    with counting_teacher() as running:
        yield running


@pytest.fixture
def write_recipe(tmp_path: Path, teacher: CountingTeacher) -> WriteRecipe:
    """Write `count` sums and a recipe that asks the counting teacher; keywords replace recipe keys."""

    def write(count: int = 6, **changes: Any) -> Path:
        lines = [
            {"id": f"sum-{n}", "question": f"What is {n} + {n + 1}?", "answer": str(2 * n + 1), "answer_kind": "math"}
            for n in range(count)
        ]
        (tmp_path / "sums.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        recipe: dict[str, Any] = {
            "name": "sums",
            "problems": [{"source": "file", "path": "sums.jsonl", "license": "mit"}],
            "teachers": [
                {
                    "name": "t",
                    "model": "m",
                    "base_url": teacher.base_url,
                    "sampling": {"max_tokens": 50, "seed": 0},
                    "limits": {"retries": 0},
                }
            ],
            "attempts": 3,
            "release": {"license": "mit"},
            "shard_problems": 4,
        }
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump(recipe | changes))
        return path

    return write


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[PrefectServer]:
    with tempfile.TemporaryDirectory(prefix="cotfactory-prefect-") as home:
        running = PrefectServer(Path(home))
        try:
            running.wait()
            yield running
        finally:
            running.stop()
