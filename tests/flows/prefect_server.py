"""A Prefect server and a worker in processes of their own, and what tests ask of them."""

import base64
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows.counting_teacher import CountingTeacher

if TYPE_CHECKING:
    from cotfactory.flows.deploy import Action

START_TIMEOUT_S = 900.0
"""Long: a busy machine is no failure. What is waited for is a condition, and usually there in seconds."""
PASSWORD = "ours:of this test"


class PrefectServer:
    """A server that asks for a password, with its home in a temporary folder."""

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
            "PREFECT_API_AUTH_STRING": PASSWORD,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        self._password = {"Authorization": f"Basic {base64.b64encode(PASSWORD.encode()).decode()}"}
        self._port = port
        self._log = (home / "server.log").open("ab")
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        arguments = ["-m", "uvicorn", "--factory", "prefect.server.api.server:create_app", "--port", str(self._port)]
        return subprocess.Popen(
            [sys.executable, *arguments, "--host", "127.0.0.1"],
            env={**self.environment, "PREFECT_API_URL": "", "PREFECT_SERVER_API_AUTH_STRING": PASSWORD},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def kill_and_start_again(self) -> None:
        """Have the server gone at once, as its machine's power may, and back as it was."""
        self._process.kill()
        self._process.wait(30)
        self._process = self._started()
        self.wait()

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
        """Return what the server answers to a POST; one that is started again is waited for."""
        request = urllib.request.Request(
            f"{self.url}{path}", json.dumps(body).encode(), {"Content-Type": "application/json", **self._password}
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                with urllib.request.urlopen(request, timeout=30) as reply:
                    return json.load(reply)
            except (urllib.error.URLError, ConnectionError) as error:
                if isinstance(error, urllib.error.HTTPError) or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def deploy(self, recipe: Path, workspace: Path, **wishes: Any) -> None:
        """Do what `cotfactory deploy` does, in this process: its start takes longer than all the rest."""
        with self._asked() as deploying:
            deploying.deploy_recipe(deploying.DeployRequest(recipe=recipe, workspace=workspace, **wishes))

    def change(self, recipe: Path, action: "Action") -> None:
        """Pause, resume, run or delete the deployments of a recipe."""
        with self._asked() as deploying:
            deploying.change_deployments(recipe, action)

    @contextmanager
    def _asked(self) -> Iterator[ModuleType]:
        with pytest.MonkeyPatch.context() as patch:
            # Read when Prefect is imported: from then on our lines would go to the terminal in every test here.
            patch.setenv("PREFECT_LOGGING_LEVEL", "CRITICAL")
            from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

            from cotfactory.flows import deploy
        with temporary_settings({PREFECT_API_URL: self.url, PREFECT_API_AUTH_STRING: PASSWORD}):
            yield deploy

    def runs(self, name: str) -> list[Any]:
        """Return the runs of the deployments of a recipe, as they were made."""
        query = {"deployments": {"name": {"any_": [name]}}, "sort": "EXPECTED_START_TIME_ASC"}
        return list(self.post("/flow_runs/filter", query))

    def wait_for(self, holds: Callable[[], Any]) -> Any:
        """Return what `holds` once it is something."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if found := holds():
                return found
            time.sleep(0.2)
        raise AssertionError("it never came about")

    def night(self, recipe: Path, name: str) -> Any:
        """Have a worker that is there run a recipe, and return its run once it has ended."""
        before = len(self.runs(name))
        self.change(recipe, "run")
        return self.ended(name, before)

    def ended(self, name: str, number: int) -> Any:
        """Return the run of this number once it has ended; the first is 0."""

        def run() -> Any:
            runs = self.runs(name)
            ended = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
            return runs[number] if len(runs) > number and runs[number]["state_type"] in ended else None

        return self.wait_for(run)

    def log_of(self, run: Any) -> str:
        """Return the log of a run, as its page shows it."""
        query = {"logs": {"flow_run_id": {"any_": [run["id"]]}}, "sort": "TIMESTAMP_ASC"}
        return "\n".join(line["message"] for line in self.post("/logs/filter", query))

    def artifact(self, run: Any, key: str) -> str:
        """Return what a run left under a key."""
        query = {"artifacts": {"flow_run_id": {"any_": [run["id"]]}, "key": {"any_": [key]}}}
        (artifact,) = self.post("/artifacts/filter", query)
        return str(artifact["data"])


class Worker:
    """A worker of the pool `cotfactory`, and what it and its runs said."""

    def __init__(self, server: PrefectServer, folder: Path, **variables: str) -> None:
        self.log = folder / "worker.log"
        self._output = self.log.open("ab")
        # Where the package does not lie, as on any machine with a wheel.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", "cotfactory"],
            env={**server.environment, "PREFECT_WORKER_QUERY_SECONDS": "1", **variables},
            cwd=folder,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def engines(self) -> list[int]:
        """Return the processes of the runs that it has started and that are at work."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()] if children.exists() else []

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()  # what it ran has ended
            self.process.wait(60)
        self._output.close()


def at_call(teacher: CountingTeacher, number: int, do: Callable[[], object]) -> None:
    """Have something done when the teacher is asked for this time."""

    def asked() -> None:
        if teacher.calls == number:
            do()

    teacher.on_ask = asked
