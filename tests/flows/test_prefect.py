"""A run as a flow of a real Prefect server: retried, its artifacts kept; a dead server is told."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import run_command
from tests.flows.conftest import WriteRecipe, plant_key
from tests.flows.counting_teacher import CountingTeacher
from tests.flows.prefect_server import PrefectServer

pytestmark = pytest.mark.prefect


def test_run_is_a_flow_and_a_retryable_error_is_tried_again_without_paying_twice(
    prefect_server: PrefectServer, write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """The endpoint goes down after five answers and comes back: the shard's task is retried, nothing is asked twice."""
    from tests.flows.counting_teacher import right

    teacher.answer = lambda question, seed: 503 if 5 < teacher.calls <= 30 else right(question, seed)
    recipe = write_recipe(count=60, shard_problems=60, attempts=1)  # 20 problems in a row are the endpoint's fault
    done = subprocess.run(
        run_command(recipe, tmp_path / "w", "--json"),
        env=prefect_server.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "leaked" not in done.stderr  # DuckDB's binding lists what it thinks is left, where Prefect still holds it
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["candidates"] == 60
    assert summary["teacher_calls"] == 60
    counts = prefect_server.post("/task_runs/filter", {"task_runs": {"name": {"any_": ["ask t from problem 0"]}}})
    assert max(count["run_count"] for count in counts) >= 2


def test_a_failing_contract_fails_the_flow_and_keeps_its_outcome(
    prefect_server: PrefectServer, write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    recipe = write_recipe(name="leaky", count=1)
    plant_key(tmp_path / "sums.jsonl")
    done = subprocess.run(
        run_command(recipe, tmp_path / "w"),
        env=prefect_server.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    artifacts = {artifact["key"]: artifact for artifact in prefect_server.post("/artifacts/filter", {})}
    assert "rl: " in artifacts["leaky-contract"]["data"]
    assert "**ContractFailed**" in artifacts["leaky-run"]["data"]
    started = {"start_time": {"is_null_": False}}  # runs that a schedule of another test has planned have not
    flows = prefect_server.post("/flow_runs/filter", {"flow_runs": started, "sort": "START_TIME_DESC"})
    assert (flows[0]["state_type"], flows[0]["state_name"]) == ("FAILED", "ContractFailed")


def test_ctrl_c_under_prefect_ends_with_one_line_and_leaves_nothing_behind(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """The local server is in a session of its own: the interrupt that a terminal sends to all does not reach it."""
    home, before = tmp_path / "home", servers()
    process = subprocess.Popen(
        run_command(write_recipe(count=40), tmp_path / "w"),
        env={**os.environ, "PREFECT_HOME": str(home), "PREFECT_API_URL": ""},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    teacher.on_ask = lambda: os.killpg(process.pid, signal.SIGINT) if teacher.calls == 10 else None
    _, told = process.communicate(timeout=240)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert not list((tmp_path / "w" / "ledger").glob("*.journal"))
    assert servers() == before


def servers() -> int:
    """Return how many Prefect servers run on this machine."""
    every = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return sum("prefect.server.api.server:create_app" in line for line in every.splitlines())


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api"


@pytest.mark.parametrize("kind", ["dead", "silent"])
def test_a_dead_or_slow_server_gives_a_message(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, silent_server: str, kind: str
) -> None:
    url = "http://127.0.0.1:9/api" if kind == "dead" else silent_server
    done = subprocess.run(
        run_command(write_recipe(), tmp_path / "w"),
        env={**os.environ, "PREFECT_API_URL": url, "PREFECT_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert url in done.stderr
    assert "--direct" in done.stderr
    assert "Traceback" not in done.stderr
    assert teacher.calls == 0
