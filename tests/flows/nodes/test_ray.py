"""Two processes of a private Ray cluster: the same release as from one process, though one of them is killed."""

import asyncio
import os
import signal
import threading
from pathlib import Path

import pytest

from cotfactory.flows.build import build
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.nodes.choice import Nodes
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.flows.summary import RunSummary
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher

pytest.importorskip("ray")
PROBLEMS, SAMPLES = 60, 4


def run(recipe: Path, workspace: Path, nodes: Nodes | None = None) -> RunSummary:
    with TerminalProgress() as progress:
        request = BuildRequest(load_recipe(recipe), workspace, nodes=nodes)
        return asyncio.run(build(request, DirectStages(), progress))


def processes_of_nodes() -> list[int]:
    """Return the processes of nodes below this one: Ray names them after their class."""
    named = {
        int(path.parent.name): path.read_bytes()
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if (path.parent / "stat").exists()
    }
    return sorted(number for number, name in named.items() if name.startswith(b"ray::_Actor"))


@pytest.mark.slow
def test_a_node_is_killed_and_the_release_is_the_same(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    recipe = write_recipe(count=PROBLEMS, attempts={"max": SAMPLES}, shard_problems=10)
    alone = run(recipe, tmp_path / "alone")
    before = set(processes_of_nodes())
    killed = threading.Event()

    def kill() -> None:
        if teacher.calls >= PROBLEMS * SAMPLES * 3 // 2 and not killed.is_set():
            killed.set()
            os.kill(max(set(processes_of_nodes()) - before), signal.SIGKILL)

    teacher.on_ask = kill
    together = run(recipe, tmp_path / "together", Nodes(processes=2))
    assert killed.is_set()
    assert alone.release is not None
    assert together.release is not None
    assert together.release.rows_sha == alone.release.rows_sha
    assert (together.candidates, together.missing) == (PROBLEMS * SAMPLES, 0)
    assert max(teacher.asked.values()) <= 3  # once alone, and here once or twice
