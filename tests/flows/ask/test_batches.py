"""A whole run over the Batch API, killed and resumed wherever it may be: nothing is lost, doubled or paid for twice."""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cotfactory.flows.build import build
from cotfactory.flows.inspect.estimate import plan_recipe
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.flows.summary import RunSummary
from cotfactory.warehouse.books import books_of
from cotfactory.warehouse.catalog import build_catalog, query_catalog
from cotfactory.warehouse.workspace import Workspace, open_workspace
from tests.command_line import run_command
from tests.flows import counting_teacher
from tests.flows.conftest import WriteRecipe
from tests.generators.batch_server import BatchServer, Becomes, Line, batch_server

PRICE = {"input": 1.0, "output": 2.0}
COST = (3 * 1.0 + 5 * 2.0) / 1e6  # of one answer of the server
KillPoint = tuple[str, str, bool, float]
"""(method, start of the path, whether it has been dealt with, how many seconds later)"""


def right(line: Line) -> Becomes:
    return counting_teacher.right(line["body"]["messages"][-1]["content"].splitlines()[0], line["body"]["seed"])


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with batch_server() as running:
        running.answer = right
        yield running


@pytest.fixture
def write(server: BatchServer, write_recipe: WriteRecipe) -> Callable[..., Path]:
    """Write a recipe that asks the batch server; keywords go into the teacher, those of `recipe` into the recipe."""

    def recipe_over_batches(count: int = 6, recipe: dict[str, Any] | None = None, **teacher: Any) -> Path:
        spec = {
            "name": "t",
            "model": "m",
            "base_url": server.base_url,
            "sampling": {"max_tokens": 50, "seed": 0},
            "batch": {"requests": 10, "poll_s": 0.02},
            "limits": {"retries": 2},
        }
        return write_recipe(count, teachers=[spec | teacher], **(recipe or {}))

    return recipe_over_batches


def run(recipe: Path, workspace: Path) -> RunSummary:
    with TerminalProgress() as progress:
        return asyncio.run(build(BuildRequest(load_recipe(recipe), workspace), DirectStages(), progress))


def interrupted(server: BatchServer, recipe: Path, workspace: Path) -> None:
    """Run until a batch is under way that is never over while this run lasts, and interrupt it then."""

    async def until_under_way() -> None:
        loop = asyncio.get_running_loop()
        polled = asyncio.Event()
        server.polls = 10**6

        def seen(method: str, path: str, done: bool) -> None:
            if method == "GET" and path.startswith("/v1/batches/") and done:
                loop.call_soon_threadsafe(polled.set)

        server.on_call = seen
        with TerminalProgress() as progress:
            going = asyncio.create_task(build(BuildRequest(load_recipe(recipe), workspace), DirectStages(), progress))
            await asyncio.wait_for(polled.wait(), 30)
            going.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await going
        server.on_call = lambda _, __, ___: None

    asyncio.run(until_under_way())


def finish(server: BatchServer) -> None:
    """Have all batches over at the next look."""
    server.polls = 3
    for batch in server.batches.values():
        if "left" in batch:
            batch["left"] = 0


def stored(workspace: Path) -> list[str]:
    build_catalog(open_workspace(workspace))
    return [row[0] for row in query_catalog(Workspace(workspace), "SELECT candidate_id FROM candidates")[1]]


def open_files(workspace: Path) -> list[str]:
    kept = {"unconfirmed.jsonl"}
    return [path.name for path in (workspace / "ledger").iterdir() if path.name not in kept]


def test_waves_of_the_stopping_rule_are_rounds_of_batches(
    server: BatchServer, write: Callable[..., Path], tmp_path: Path
) -> None:
    rule = {"attempts": {"max": 4, "stop_after_correct": 2}, "budget": {"usd": 1.0}}
    recipe = write(20, rule, price=PRICE)
    server.answer = lambda line: right(line) if line["body"]["seed"] != 1 else "The answer is \\boxed{-1}."
    summary = run(recipe, tmp_path / "w")
    assert (summary.candidates, summary.verdicts["correct"], summary.failed_calls) == (60, 40, 0)
    assert server.paid.total() == len(server.paid) == 60
    assert len(server.sent[0]) == 1  # under a budget the first bill tells what the endpoint adds to prompts
    assert max(len(lines) for lines in server.sent) == 10
    assert summary.cost_usd == pytest.approx(60 * COST)
    assert open_files(tmp_path / "w") == []
    calls = len(server.batches)
    assert run(recipe, tmp_path / "w").teacher_calls == 0
    assert len(server.batches) == calls


def test_killed_at_every_step(server: BatchServer, write: Callable[..., Path], tmp_path: Path) -> None:
    recipe, workspace = write(30, {"shard_problems": 5}), tmp_path / "w"
    chance = random.SystemRandom()
    points: list[KillPoint] = [
        ("POST", "files", True, 0.0),  # the requests are there, no batch
        ("POST", "batches", False, 0.0),  # it is about to be made, and will be
        ("POST", "batches", True, 0.0),  # it was made, and its id never reached us
        ("GET", "batches/", True, 0.0),  # it is followed
        ("GET", "files/", False, 0.0),  # it is over, nothing was fetched
        ("GET", "files/", True, chance.uniform(0.0, 0.05)),  # answers are being written down
        ("GET", "files/", True, chance.uniform(0.0, 0.05)),
    ]
    print(points)  # shown when the test fails
    for point in points:
        kill_a_run(recipe, workspace, server, point)
        assert max(server.paid.values(), default=0) <= 1
    summary = run(recipe, workspace)
    found = stored(workspace)
    assert len(found) == len(set(found)) == summary.candidates == 90
    assert server.paid.total() == len(server.paid) == 90
    assert summary.lost_in_flight == 0
    assert open_files(workspace) == []


def kill_a_run(recipe: Path, workspace: Path, server: BatchServer, point: KillPoint) -> None:
    """Start a run and kill its process group at a point, which it must reach; at one with a delay it may be done."""
    arguments = run_command(recipe, workspace, "--direct")
    process = subprocess.Popen(arguments, start_new_session=True)
    killed = threading.Event()

    def kill() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def seen(method: str, path: str, done: bool) -> None:
        if (method, done) == (point[0], point[2]) and path.startswith(f"/v1/{point[1]}") and not killed.is_set():
            killed.set()
            if point[3]:
                threading.Timer(point[3], kill).start()
            else:
                kill()

    server.on_call = seen
    process.wait(120)
    server.on_call = lambda _, __, ___: None
    if point[3] and process.returncode == 0:
        return  # what the run before fetched was written down before it was killed, and nothing was left to fetch
    assert killed.is_set()
    assert process.returncode == -signal.SIGKILL


def test_an_interrupted_run_leaves_its_batch_and_the_next_one_waits_for_it(
    server: BatchServer, write: Callable[..., Path], tmp_path: Path
) -> None:
    recipe, workspace = write(4, {"budget": {"usd": 1.0}}, price=PRICE), tmp_path / "w"
    interrupted(server, recipe, workspace)
    assert stored(workspace) == []
    plan = plan_recipe(recipe, workspace)
    assert (plan.unsealed, plan.calls_at_most) == (1, 11)
    assert books_of(open_workspace(workspace), "sums").unconfirmed_usd > COST  # what is under way counts at its worst
    finish(server)
    summary = run(recipe, workspace)
    assert (summary.candidates, summary.teacher_calls, summary.lost_in_flight) == (12, 12, 0)
    assert summary.cost_usd == pytest.approx(12 * COST)
    assert books_of(open_workspace(workspace), "sums").spent_usd == pytest.approx(12 * COST)
    assert server.paid.total() == len(server.paid) == 12


def test_answers_that_an_edited_recipe_does_not_want_are_kept(
    server: BatchServer, write: Callable[..., Path], tmp_path: Path
) -> None:
    workspace = tmp_path / "w"
    interrupted(server, write(3), workspace)
    assert server.paid.total() == 9
    edited = write(3, {"attempts": 1})
    finish(server)
    summary = run(edited, workspace)
    assert summary.candidates == 3
    assert len(stored(workspace)) == 9
    assert len(server.batches) == 1


def test_a_batch_of_other_problems_is_not_waited_for(
    server: BatchServer, write: Callable[..., Path], tmp_path: Path
) -> None:
    workspace = tmp_path / "w"
    interrupted(server, write(3), workspace)
    server.polls = 3
    other = write(3, {"name": "other"}, sampling={"max_tokens": 51, "seed": 0})
    assert run(other, workspace).candidates == 9
    assert len(open_files(workspace)) == 1
    finish(server)
    assert run(other, workspace).candidates == 9  # it is over now, and filed under the recipe that paid for it
    rows = query_catalog(Workspace(workspace), "SELECT recipe, count(*) FROM candidates GROUP BY ALL ORDER BY ALL")[1]
    assert rows == [("other", 9), ("sums", 9)]
    assert open_files(workspace) == []


def test_a_teacher_without_batches_fetches_what_they_left(
    server: BatchServer, write: Callable[..., Path], tmp_path: Path
) -> None:
    workspace = tmp_path / "w"
    interrupted(server, write(3), workspace)
    finish(server)
    assert run(write(3, batch=False), workspace).candidates == 9
    assert server.paid.total() == 9


def test_what_expired_is_asked_again(server: BatchServer, write: Callable[..., Path], tmp_path: Path) -> None:
    def first_ones_expire(line: Line) -> Becomes:
        if len(server.batches) == 1 and line["body"]["seed"] == 1:
            return {"error": {"code": "batch_expired", "message": "too late"}}
        return right(line)

    server.answer = first_ones_expire
    summary = run(write(3), tmp_path / "w")
    assert (summary.candidates, summary.failed_calls) == (9, 0)
    assert server.paid.total() == len(server.paid) == 9
    assert not (tmp_path / "w" / "ledger" / "unconfirmed.jsonl").exists()


def test_lines_that_may_have_been_billed_are_charged_when_their_run_is_gone(
    server: BatchServer, write: Callable[..., Path], tmp_path: Path
) -> None:
    recipe, workspace = write(2, {"attempts": 1, "budget": {"tokens": 100_000}}), tmp_path / "w"
    server.answer = lambda line: b"garbage\n" if not server.paid else right(line)
    interrupted(server, recipe, workspace)
    finish(server)
    summary = run(recipe, workspace)
    assert summary.candidates == 2
    (line,) = (workspace / "ledger" / "unconfirmed.jsonl").read_text().splitlines()
    assert json.loads(line)["tokens"] > 50
    assert json.loads(line)["in_flight"] == 0


def test_a_refused_batch_stops_the_run_and_says_why(
    server: BatchServer, write: Callable[..., Path], tmp_path: Path
) -> None:
    server.faults = lambda _: [{"code": "model_not_found", "message": "there is no model m", "line": None}]
    recipe = write(6)
    arguments = run_command(recipe, tmp_path / "w", "--direct")
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "there is no model m (model_not_found)" in done.stderr
    assert "Traceback" not in done.stderr
    assert open_files(tmp_path / "w") == []
