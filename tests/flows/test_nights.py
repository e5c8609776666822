"""Nights on a real Prefect server with a worker: deployed, scheduled, cancelled, killed; and what the morning sees."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from cotfactory.schemas.errors import InputError
from cotfactory.warehouse.catalog import query_catalog
from cotfactory.warehouse.workspace import open_workspace
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, right
from tests.flows.prefect_server import PrefectServer, Worker, at_call
from tests.publishing.hub_server import HubServer

NIGHTS = Path(__file__).parents[2] / "docs" / "nights.md"
pytestmark = pytest.mark.prefect


@pytest.fixture(scope="module")
def a_worker(prefect_server: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Worker]]:
    """What returns a worker that is at work: the same one, but for one that was killed. To start one takes seconds."""
    folder, started = tmp_path_factory.mktemp("worker"), list[Worker]()

    def at_work() -> Worker:
        if not started or started[-1].process.poll() is not None:
            started.append(Worker(prefect_server, folder))
        return started[-1]

    yield at_work
    for worker in started:
        worker.stop()


def stored(workspace: Path) -> list[tuple[Any, ...]]:
    return query_catalog(open_workspace(workspace), "SELECT count(*), count(DISTINCT candidate_id) FROM candidates")[1]


def test_a_recipe_is_deployed_changed_paused_and_deleted(
    prefect_server: PrefectServer, write_recipe: WriteRecipe, tmp_path: Path
) -> None:
    recipe = write_recipe(name="planned")
    workspace = tmp_path / "w"
    prefect_server.deploy(recipe, workspace, cron="0 2 * * *", check_cron="0 18 * * *")
    prefect_server.deploy(recipe, workspace, cron="30 3 * * *", timezone="Asia/Kolkata")

    def deployments() -> dict[str, Any]:
        found = prefect_server.post("/deployments/filter", {"deployments": {"name": {"any_": ["planned"]}}})
        return {deployment["entrypoint"]: deployment for deployment in found}

    building = deployments()["cotfactory.flows.prefect_build.build_recipe"]
    (schedule,) = building["schedules"]  # changed, not added to
    assert (schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == ("30 3 * * *", "Asia/Kolkata")
    assert building["parameters"]["workspace"] == str(tmp_path / "w")
    assert building["global_concurrency_limit"]["limit"] == 1
    assert not building["pull_steps"]  # installed, wherever that is: nothing is fetched
    assert "cotfactory.flows.prefect_check.check_and_plan" in deployments()

    prefect_server.change(recipe, "pause")
    assert all(deployment["paused"] for deployment in deployments().values())
    prefect_server.change(recipe, "resume")
    assert not any(deployment["paused"] for deployment in deployments().values())
    prefect_server.change(recipe, "delete")
    assert deployments() == {}


def test_what_cannot_be_deployed_is_told(prefect_server: PrefectServer, write_recipe: WriteRecipe) -> None:
    recipe = write_recipe(name="unplanned")
    for wishes, said in (
        ({"cron": "every night"}, "The schedule 'every night'"),
        ({"cron": "0 2 * * *", "timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"publish": True}, "names no release.repo"),
    ):
        with pytest.raises(InputError, match=said):
            prefect_server.deploy(recipe, recipe.parent / "w", **wishes)
    with pytest.raises(InputError, match="There is no deployment of 'unplanned'"):
        prefect_server.change(recipe, "delete")


def test_the_command_deploys_and_tells_how_a_worker_is_started(
    prefect_server: PrefectServer, write_recipe: WriteRecipe, tmp_path: Path
) -> None:
    recipe = write_recipe(name="told")
    command = [sys.executable, "-m", "cotfactory", "deploy", str(recipe), "--cron", "0 2 * * *"]
    environment = {**prefect_server.environment, "TZ": "Asia/Kolkata"}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"build/told: at '0 2 * * *' (UTC), in {tmp_path / 'workspace'}" in done.stdout
    assert "prefect worker start --pool cotfactory" in done.stdout
    assert "WARNING" not in done.stdout  # the server asks for a password
    prefect_server.change(recipe, "delete")
    done = subprocess.run(
        [*command, "--pause", "--delete"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "exclude each other" in done.stderr


@pytest.mark.slow
def test_three_nights_top_a_dataset_up_and_publish_it(
    prefect_server: PrefectServer,
    a_worker: Callable[[], Worker],
    write_recipe: WriteRecipe,
    hub_server: HubServer,
    tmp_path: Path,
) -> None:
    """A first release, too little for a second one, enough for it; the morning is told each time."""
    changes: dict[str, Any] = {
        "name": "nightly-sums",
        "release": {"license": "mit", "repo": "org/sums", "min_new_rows": 5},
    }
    recipe = write_recipe(count=4, **changes)
    prefect_server.deploy(recipe, tmp_path / "w", publish=True, create=True, check_cron="0 0 1 1 *")
    worker, nights = a_worker(), []
    for count in (4, 5, 6):
        write_recipe(count=count, **changes)
        nights.append(prefect_server.night(recipe, "nightly-sums"))
    checks = {"flows": {"name": {"any_": ["check"]}}, "deployments": {"name": {"any_": ["nightly-sums"]}}}
    (check,) = prefect_server.post("/deployments/filter", checks)
    prefect_server.post(f"/deployments/{check['id']}/create_flow_run", {})
    checked = prefect_server.ended("nightly-sums", len(nights))
    names = [(night["state_type"], night["state_name"]) for night in nights]
    assert names == [("COMPLETED", name) for name in ("Released", "HeldBack", "Released")]
    assert set(hub_server.repos["org/sums"].tags) == {"v1.0.0", "v1.1.0"}
    assert nights[0]["state"]["message"].startswith("v1.0.0: 12 sft, 4 rl; published to org/sums; 12 calls")
    assert "v1.0.0 stands: 3 new rows, and the recipe releases from 5" in nights[1]["state"]["message"]
    page = prefect_server.artifact(nights[2], "nightly-sums-run")
    assert "| version | v1.1.0 |" in page
    assert f"[org/sums v1.1.0]({hub_server.endpoint}" in page
    assert "release: v1.0.0 stands" not in page
    assert json.loads(prefect_server.artifact(nights[0], "nightly-sums-funnel"))[0] == {"stage": "problems", "count": 4}
    assert "| sft |" in prefect_server.artifact(nights[0], "nightly-sums-contract")
    log = prefect_server.log_of(nights[1])
    assert "no new release, v1.0.0 stands: 3 new rows" in log
    assert "release: stage done" in log
    assert (checked["state_name"], checked["state"]["message"]) == ("Ready", "at most 0 calls")
    assert "leaked" not in worker.log.read_text()
    figures = (tmp_path / "w/metrics/nightly-sums.prom").read_text()
    assert 'cotfactory_run_rows{recipe="nightly-sums",product="sft"} 18' in figures.splitlines()
    prefect_server.change(recipe, "delete")


def test_a_cancelled_run_waits_for_what_is_in_flight(
    prefect_server: PrefectServer,
    a_worker: Callable[[], Worker],
    write_recipe: WriteRecipe,
    teacher: CountingTeacher,
    tmp_path: Path,
) -> None:
    recipe = write_recipe(name="cancelled", count=40)
    let_go = threading.Event()

    def cancel() -> None:
        (run,) = prefect_server.runs("cancelled")
        prefect_server.post(f"/flow_runs/{run['id']}/set_state", {"state": {"type": "CANCELLING"}, "force": True})
        let_go.set()

    teacher.answer = right
    at_call(teacher, 10, lambda: threading.Thread(target=cancel).start())
    prefect_server.deploy(recipe, tmp_path / "w")
    a_worker()
    night = prefect_server.night(recipe, "cancelled")
    assert let_go.is_set()
    assert night["state_type"] == "CANCELLED"
    asked = teacher.calls
    assert stored(tmp_path / "w") == [(asked, asked)]
    statuses = query_catalog(open_workspace(tmp_path / "w"), "SELECT status, lost_in_flight FROM runs")[1]
    assert statuses == [("interrupted", 0)]
    prefect_server.change(recipe, "delete")


def test_a_run_outlives_its_worker(
    prefect_server: PrefectServer,
    a_worker: Callable[[], Worker],
    write_recipe: WriteRecipe,
    teacher: CountingTeacher,
    tmp_path: Path,
) -> None:
    """Whoever was to read its lines is gone: it goes on, and tells the server how it ended."""
    recipe = write_recipe(name="orphaned", count=20)
    prefect_server.deploy(recipe, tmp_path / "w")
    worker = a_worker()
    at_call(teacher, 10, lambda: os.kill(worker.process.pid, signal.SIGKILL))
    night = prefect_server.night(recipe, "orphaned")
    assert (night["state_type"], night["state_name"]) == ("COMPLETED", "Released")
    assert stored(tmp_path / "w") == [(60, 60)]
    prefect_server.change(recipe, "delete")


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[Any]]]:
    """A server that keeps what it is told."""
    told: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", told
        server.shutdown()
        thread.join()


def test_the_notification_of_the_docs_tells_of_a_budget(
    prefect_server: PrefectServer,
    a_worker: Callable[[], Worker],
    write_recipe: WriteRecipe,
    teacher: CountingTeacher,
    tmp_path: Path,
    webhook: tuple[str, list[Any]],
) -> None:
    url, told = webhook
    (example,) = re.findall(r"```python\n(.*?)```", NIGHTS.read_text(), re.DOTALL)
    (tmp_path / "notify.py").write_text(example)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "notify.py"), url],
        env=prefect_server.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    spec = {
        "name": "t",
        "model": "m",
        "base_url": teacher.base_url,
        "sampling": {"max_tokens": 50, "seed": 0},
        "price": {"input": 1.0, "output": 1000.0},
    }
    recipe = write_recipe(name="poor", teachers=[spec], budget={"usd": 0.12})
    prefect_server.deploy(recipe, tmp_path / "w")
    a_worker()
    night = prefect_server.night(recipe, "poor")
    assert (night["state_type"], night["state_name"]) == ("FAILED", "BudgetReached")
    prefect_server.wait_for(lambda: told)
    assert (told[0]["run"], told[0]["ended"]) == ("recipe", "BudgetReached")
    assert "$" in told[0]["said"]
    prefect_server.change(recipe, "delete")
