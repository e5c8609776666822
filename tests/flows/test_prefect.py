"""The build under a real Prefect server: deployed, run by a worker, its artifacts kept; a dead server is told."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import run_command
from tests.flows.conftest import WriteRecipe, plant_key
from tests.flows.counting_teacher import CountingTeacher
from tests.publishing.hub_server import HubServer

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 900.0
"""Long: a busy machine is no failure. What is waited for is a condition, and usually there in seconds."""
pytestmark = pytest.mark.prefect


class PrefectServer:
    """A server in a process of its own, with its home in a temporary folder."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/api"
        self.environment = {
            **os.environ,
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": self.url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_DATABASE_TIMEOUT": "120",  # on a busy machine its SQLite takes longer than 10 s
            "DO_NOT_TRACK": "1",
            "COTFACTORY_HOME": str(ROOT),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        arguments = ["-m", "uvicorn", "--factory", "prefect.server.api.server:create_app", "--port", str(port)]
        self._log = (home / "server.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, *arguments, "--host", "127.0.0.1"],
            env={**self.environment, "PREFECT_API_URL": ""},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def wait(self) -> None:
        """Wait until the server answers its health check."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, Path(self._log.name).read_text()[-2000:]
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=5).read()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        raise AssertionError("the Prefect server did not start")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return what the server answers to a POST."""
        request = urllib.request.Request(
            f"{self.url}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def wait_for_run_after(self, moment: datetime, deployment: str) -> Any:
        """Return the first run of a deployment that started after `moment`, once it has ended."""
        query = {
            "deployments": {"name": {"any_": [deployment]}},
            "flow_runs": {"start_time": {"after_": moment.isoformat()}},
            "sort": "START_TIME_ASC",
        }
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            for run in self.post("/flow_runs/filter", query):
                # One that has no process was never begun: Prefect's server was too busy, and the schedule has others.
                if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED") and run["infrastructure_pid"] is not None:
                    return run
            time.sleep(0.5)
        raise AssertionError(f"no run of {deployment} ended in time")

    def prefect(self, *arguments: str) -> str:
        """Run Prefect's own command line and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def server() -> Iterator[PrefectServer]:
    with tempfile.TemporaryDirectory(prefix="cotfactory-prefect-") as home:
        running = PrefectServer(Path(home))
        try:
            running.wait()
            yield running
        finally:
            running.stop()


def test_a_deployment_runs_and_a_second_run_asks_nothing(
    server: PrefectServer, write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    recipe, workspace = write_recipe(), tmp_path / "w"
    server.prefect("work-pool", "create", "local", "--type", "process")
    server.prefect("deploy", "--all")
    (deployment,) = server.post("/deployments/filter", {})
    assert deployment["name"] == "nightly"
    assert [schedule["schedule"]["cron"] for schedule in deployment["schedules"]] == ["0 2 * * *"]
    assert deployment["global_concurrency_limit"]["limit"] == 1

    for expected_calls in (18, 18):
        server.prefect(
            "deployment", "run", "build/nightly", "--param", f"recipe={recipe}", "--param", f"workspace={workspace}"
        )
        server.prefect("worker", "start", "--pool", "local", "--run-once", "--limit", "1")
        assert teacher.calls == expected_calls

    runs = server.post("/flow_runs/filter", {"flow_runs": {"deployment_id": {"any_": [deployment["id"]]}}})
    finished = [run for run in runs if run["state_type"] != "SCHEDULED"]
    assert [flow_run["state_type"] for flow_run in finished] == ["COMPLETED", "COMPLETED"]

    names = {task_run["name"] for task_run in server.post("/task_runs/filter", {})}
    assert {"load problems", "check references", "ask t from problem 0", "ask t from problem 4", "release"} <= names

    artifacts = {artifact["key"]: artifact for artifact in server.post("/artifacts/filter", {})}
    assert json.loads(artifacts["sums-funnel"]["data"])[0] == {"stage": "problems", "count": 6}
    assert "| sft |" in artifacts["sums-contract"]["data"]


def test_scheduled_runs_top_a_dataset_up_and_publish_it(
    server: PrefectServer, write_recipe: WriteRecipe, hub_server: HubServer, tmp_path: Path
) -> None:
    """Three runs that the schedule started: a first release, too little for a second one, enough for it."""
    release = {"license": "mit", "repo": "org/sums", "min_new_rows": 5}
    changes = {"name": "nightly-sums", "release": release}
    recipe = write_recipe(count=4, **changes)
    source = tmp_path / "flow.py"
    source.write_text(
        "from prefect import flow\n"
        f"flow.from_source({str(ROOT)!r}, 'flows/prefect_build.py:build_recipe').deploy(\n"
        f"    'top-up', work_pool_name='scheduled', interval=5, parameters={{'recipe': {str(recipe)!r},\n"
        f"    'workspace': {str(tmp_path / 'w')!r}, 'publish': True}}, concurrency_limit=1)\n"
    )
    server.prefect("work-pool", "create", "scheduled", "--type", "process")
    subprocess.run([sys.executable, source], env=server.environment, cwd=ROOT, check=True, capture_output=True)
    worker = subprocess.Popen(
        [sys.executable, "-m", "prefect", "worker", "start", "--pool", "scheduled", "--limit", "1"],
        env=server.environment, cwd=ROOT, stdout=(log := (tmp_path / "worker.log").open("wb")), stderr=log,
    )  # fmt: skip
    try:
        repo = hub_server.repos
        for count, tags in ((4, {"v1.0.0"}), (5, {"v1.0.0"}), (6, {"v1.0.0", "v1.1.0"})):
            write_recipe(count=count, **changes)
            changed_at = datetime.now(UTC)
            run = server.wait_for_run_after(changed_at, "top-up")
            assert run["state_type"] == "COMPLETED", run
            assert run["auto_scheduled"] is True
            assert set(repo["org/sums"].tags) == tags
    finally:
        worker.terminate()
        worker.wait(60)
        (deployment,) = server.post("/deployments/filter", {"deployments": {"name": {"any_": ["top-up"]}}})
        server.prefect("deployment", "delete", f"build/{deployment['name']}")
    manifest = json.loads((tmp_path / "w/releases/nightly-sums/v1.1.0/manifest.json").read_text())
    assert (manifest["parent"], manifest["rows"]["sft"]) == ("v1.0.0", 18)


def test_run_is_a_flow_and_a_retryable_error_is_tried_again_without_paying_twice(
    server: PrefectServer, write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """The endpoint goes down after five answers and comes back: the shard's task is retried, nothing is asked twice."""
    from tests.flows.counting_teacher import right

    teacher.answer = lambda question, seed: 503 if 5 < teacher.calls <= 30 else right(question, seed)
    recipe = write_recipe(count=60, shard_problems=60, attempts=1)  # 20 problems in a row are the endpoint's fault
    done = subprocess.run(
        run_command(recipe, tmp_path / "w", "--json"),
        env=server.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "leaked" not in done.stderr  # DuckDB's binding lists what it thinks is left, where Prefect still holds it
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["candidates"] == 60
    assert summary["teacher_calls"] == 60
    counts = server.post("/task_runs/filter", {"task_runs": {"name": {"any_": ["ask t from problem 0"]}}})
    assert max(count["run_count"] for count in counts) >= 2


def test_a_failing_contract_fails_the_flow_and_keeps_its_outcome(
    server: PrefectServer, write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    recipe = write_recipe(name="leaky", count=1)
    plant_key(tmp_path / "sums.jsonl")
    done = subprocess.run(
        run_command(recipe, tmp_path / "w"),
        env=server.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    artifacts = {artifact["key"]: artifact for artifact in server.post("/artifacts/filter", {})}
    assert "rl: " in artifacts["leaky-contract"]["data"]
    started = {"start_time": {"is_null_": False}}  # runs that a schedule of another test has planned have not
    flows = server.post("/flow_runs/filter", {"flow_runs": started, "sort": "START_TIME_DESC"})
    assert flows[0]["state_type"] == "FAILED"


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
