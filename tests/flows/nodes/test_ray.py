"""Two processes of a private Ray cluster: the same release as from one process, though one of them is killed."""

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from cotfactory.flows.build import build
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.nodes import ray_cluster
from cotfactory.flows.nodes.choice import Nodes
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.flows.summary import RunSummary
from cotfactory.schemas.errors import NodesError
from tests.command_line import run_command
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


@pytest.mark.slow
def test_a_run_that_is_told_to_end_says_so_in_its_own_words(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """Ray would print where the process was before it lets anybody know of the signal."""
    recipe = write_recipe(count=PROBLEMS, attempts={"max": SAMPLES}, shard_problems=10)
    started: list[subprocess.Popen[str]] = []

    def end() -> None:
        if teacher.calls == PROBLEMS:
            started[0].terminate()

    teacher.on_ask = end
    command = run_command(recipe, tmp_path / "w", "--direct", "--processes", "1")
    started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
    said = started[0].communicate()[1]
    assert started[0].returncode == 143, said
    assert "interrupted by SIGTERM; what was bought is in the ledger" in said
    assert "***" not in said


def processes_below() -> list[str]:
    """Return the command lines of all that descend from this process."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text("utf-8", "replace").rpartition(") ")[2].split()[1])
            found[int(path.parent.name)] = parent, (path.parent / "cmdline").read_text("utf-8", "replace")
    below = {os.getpid()}
    while more := {number for number, (parent, _) in found.items() if parent in below} - below:
        below |= more
    return [found[number][1] for number in below]


@pytest.mark.slow
@pytest.mark.parametrize("failures", [1, ray_cluster.STARTS])
def test_a_start_that_fails_is_told_tried_again_and_leaves_nothing_running(
    failures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a busy machine, whose processes are late: what had been started is there, and Ray gives up."""
    from ray._private.node import Node as Machine

    start = Machine.start_ray_processes
    failed: list[object] = []

    def late(machine: Machine) -> None:
        start(machine)
        if len(failed) < failures:
            failed.append(machine)
            assert any("raylet" in command for command in processes_below())
            raise Exception("The current node timed out during startup")

    monkeypatch.setattr(Machine, "start_ray_processes", late)
    said: list[str] = []

    async def open_and_close() -> None:
        async with ray_cluster.opened_cluster(Nodes(processes=1), said.append):
            pass

    if failures < ray_cluster.STARTS:
        asyncio.run(open_and_close())
    else:
        with pytest.raises(NodesError, match="could not be started, after 3 tries: The current node timed out"):
            asyncio.run(open_and_close())
    assert [line for line in said if "starting Ray for 1 process" in line] == [
        f"starting Ray for 1 process of this machine, try {number} of 3"
        for number in range(1, min(failures + 1, ray_cluster.STARTS) + 1)
    ]
    assert not any("ray/core" in command for command in processes_below())
