"""A Ray cluster as people start it, found or reached by its address: the same release, though a machine dies."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher
from tests.flows.nodes.raylets import Cluster, two_raylets

pytest.importorskip("ray")
pytestmark = pytest.mark.slow
PROBLEMS, SAMPLES = 60, 4


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with two_raylets() as running:
        yield running


def cotfactory(cluster: Cluster, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "cotfactory", *arguments]
    return subprocess.run(command, env=cluster.environment, capture_output=True, text=True, timeout=240, check=False)


def rows_sha(cluster: Cluster, recipe: Path, workspace: Path, *options: str) -> str:
    done = cotfactory(cluster, "run", str(recipe), "--workspace", str(workspace), "--direct", *options)
    assert done.returncode == 0, done.stderr
    manifest = Path(done.stdout.strip()) / "manifest.json"
    return str(json.loads(manifest.read_text())["rows_sha"])


def test_a_machine_dies_and_the_release_is_the_same(
    cluster: Cluster, write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    recipe = write_recipe(count=PROBLEMS, attempts={"max": SAMPLES}, shard_problems=10)
    alone = rows_sha(cluster, recipe, tmp_path / "alone")
    by_address = rows_sha(cluster, recipe, tmp_path / "address", "--nodes", cluster.client)
    assert teacher.calls == 2 * PROBLEMS * SAMPLES
    checked = cotfactory(cluster, "check", str(recipe), "--workspace", str(tmp_path / "c"), "--nodes", "auto")
    assert checked.stdout.count("reaches teacher t") == 2, checked.stdout + checked.stderr
    before = teacher.calls

    def kill() -> None:
        if teacher.calls == before + PROBLEMS * SAMPLES // 2:
            cluster.kill_second()

    teacher.on_ask = kill
    with_one_dead = rows_sha(cluster, recipe, tmp_path / "auto", "--nodes", "auto")
    assert cluster.second.poll() is not None
    assert alone == by_address == with_one_dead
    assert max(teacher.asked.values()) <= 5  # once in each run, once by `check`, and here once or twice
