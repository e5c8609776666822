"""A run that is told to stop: what is in flight is waited for and not paid again; told twice, it ends at once."""

import asyncio
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from cotfactory.warehouse.catalog import query_catalog
from cotfactory.warehouse.ledger import open_journals
from cotfactory.warehouse.workspace import open_workspace
from tests.command_line import run_command
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, Fault, right
from tests.generators.scripted_server import chat

IN_FLIGHT = 8
WANTED = 24
ENDS_WITHIN_S = 600
PAUSED_FOR_S = 12.0


class Held:
    """Answers that the teacher keeps back until they are let go."""

    def __init__(self, teacher: CountingTeacher) -> None:
        self.let_go = threading.Event()
        teacher.answer = self._answer

    def _answer(self, question: str, seed: int) -> Fault:
        async def answer(_: web.Request) -> web.Response:
            while not self.let_go.is_set():
                await asyncio.sleep(0.01)
            return web.json_response(chat(right(question, seed)))

        return answer


@pytest.fixture
def held(teacher: CountingTeacher) -> Iterator[Held]:
    answers = Held(teacher)
    yield answers
    answers.let_go.set()


@pytest.fixture
def recipe(write_recipe: WriteRecipe, teacher: CountingTeacher) -> Path:
    limits = {"concurrency": IN_FLIGHT, "retries": 0}
    spec = {"name": "t", "model": "m", "base_url": teacher.base_url, "sampling": {"seed": 0}, "limits": limits}
    return write_recipe(count=WANTED // 3, teachers=[spec], shard_problems=4)


class Command:
    """A run in a process group of its own, whose words are read as they come."""

    def __init__(self, arguments: list[str], **environment: str) -> None:
        self._process = subprocess.Popen(
            arguments, stderr=subprocess.PIPE, text=True, start_new_session=True, env={**os.environ, **environment}
        )
        self.told = ""

    def wait_for(self, words: str) -> None:
        """Read what the run says until these words are among it."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.told += line
            if words in line:
                return
        raise AssertionError(f"it never said {words!r}: {self.told}")

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, while the run goes on: a busy machine may take its time."""
        ends_at = time.monotonic() + ENDS_WITHIN_S
        while not holds():
            assert time.monotonic() < ends_at
            assert self._process.poll() is None, self.ended()
            time.sleep(0.01)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def prefect_server(self) -> int:
        """Return the process id of the server that the run started."""
        every = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
        rows = (line.split(maxsplit=2) for line in every.splitlines())
        (server,) = (int(pid) for pid, parent, words in rows if parent == str(self._process.pid) and "uvicorn" in words)
        return server

    def ended(self) -> int:
        """Return its exit code once it has ended."""
        self.told += self._process.communicate(timeout=ENDS_WITHIN_S)[1]
        return self._process.returncode


def finished(recipe: Path, workspace: Path) -> dict[str, int]:
    """Run a recipe to its end and return its summary."""
    command = run_command(recipe, workspace, "--direct", "--json")
    done = subprocess.run(command, capture_output=True, text=True, timeout=ENDS_WITHIN_S, check=True)
    summary: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return summary


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=lambda value: str(value),
)
def test_a_signal_waits_for_what_is_in_flight_and_nothing_is_paid_twice(
    recipe: Path, held: Held, teacher: CountingTeacher, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    run = Command(run_command(recipe, tmp_path / "w", "--direct"))
    run.wait_until(lambda: teacher.calls == IN_FLIGHT)
    run.send(number)
    run.wait_for(f"{number.name}: nothing more is asked; what is in flight is waited for ({IN_FLIGHT} answers)")
    held.let_go.set()
    assert run.ended() == code
    assert f"interrupted by {number.name}" in run.told
    assert "Traceback" not in run.told
    assert teacher.calls == IN_FLIGHT
    assert query_catalog(open_workspace(tmp_path / "w"), "SELECT status, teacher_calls, lost_in_flight FROM runs")[
        1
    ] == [("interrupted", IN_FLIGHT, 0)]
    summary = finished(recipe, tmp_path / "w")
    assert (summary["candidates"], summary["reused"], summary["lost_in_flight"]) == (WANTED, IN_FLIGHT, 0)
    assert teacher.calls == WANTED


def test_what_does_not_come_in_time_is_given_up_and_told(
    recipe: Path, held: Held, teacher: CountingTeacher, tmp_path: Path
) -> None:
    run = Command(run_command(recipe, tmp_path / "w", "--direct", "--drain-s", "0.2"))
    run.wait_until(lambda: teacher.calls == IN_FLIGHT)
    run.send(signal.SIGTERM)
    assert run.ended() == 143
    assert f"given up: {IN_FLIGHT} requests" in run.told
    assert not open_journals(tmp_path / "w" / "ledger")
    assert query_catalog(open_workspace(tmp_path / "w"), "SELECT lost_in_flight FROM runs")[1] == [(IN_FLIGHT,)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_at_once_and_the_next_run_counts_what_was_lost(
    recipe: Path, held: Held, teacher: CountingTeacher, tmp_path: Path, number: signal.Signals
) -> None:
    run = Command(run_command(recipe, tmp_path / "w", "--direct"))
    run.wait_until(lambda: teacher.calls == IN_FLIGHT)
    run.send(number)
    run.wait_for("nothing more is asked")
    run.send(number)
    assert run.ended() == 128 + number
    assert "ended at once" in run.told
    assert "Traceback" not in run.told
    assert open_journals(tmp_path / "w" / "ledger")
    held.let_go.set()
    summary = finished(recipe, tmp_path / "w")
    assert (summary["candidates"], summary["lost_in_flight"]) == (WANTED, IN_FLIGHT)
    assert teacher.calls == WANTED + IN_FLIGHT


def test_a_request_that_waits_for_another_try_is_not_waited_for(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """The endpoint asks for an hour's patience: nobody has that after a signal, and nothing is in flight."""

    async def later(_: web.Request) -> web.Response:
        # Longer than this and the teacher is given up at once: the run would end before it is told to.
        return web.json_response({"error": {"message": "later"}}, status=429, headers={"Retry-After": "3600"})

    teacher.answer = lambda question, seed: later
    limits = {"concurrency": 2, "retries": 3}
    spec = {"name": "t", "model": "m", "base_url": teacher.base_url, "sampling": {"seed": 0}, "limits": limits}
    run = Command(run_command(write_recipe(teachers=[spec]), tmp_path / "w", "--direct", "--drain-s", "100000"))
    run.wait_until(lambda: teacher.calls >= 2)
    run.send(signal.SIGTERM)
    assert run.ended() == 143
    assert "everything in flight was written down" in run.told


def test_a_signal_that_the_caller_ignores_stays_ignored(
    recipe: Path, held: Held, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """`nohup cotfactory run ... &` goes on when its terminal is closed."""
    run = Command(["nohup", *run_command(recipe, tmp_path / "w", "--direct")])
    run.wait_until(lambda: teacher.calls == IN_FLIGHT)
    run.send(signal.SIGHUP)
    held.let_go.set()
    assert run.ended() == 0
    assert teacher.calls == WANTED


def test_a_pause_throws_nothing_away(
    write_recipe: WriteRecipe, held: Held, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """Stopped until all deadlines are past, while the answers come: they are read, none is bought again."""
    limits = {"concurrency": IN_FLIGHT, "retries": 0, "timeout_s": PAUSED_FOR_S - 2}
    spec = {"name": "t", "model": "m", "base_url": teacher.base_url, "sampling": {"seed": 0}, "limits": limits}
    recipe = write_recipe(count=WANTED // 3, teachers=[spec], shard_problems=4)
    run = Command(run_command(recipe, tmp_path / "w", "--direct"))
    run.wait_until(lambda: teacher.calls == IN_FLIGHT)
    run.send(signal.SIGSTOP)
    held.let_go.set()
    time.sleep(PAUSED_FOR_S)
    run.send(signal.SIGCONT)
    assert run.ended() == 0, run.told
    assert teacher.calls == WANTED
    assert query_catalog(open_workspace(tmp_path / "w"), "SELECT teacher_calls, failed_calls FROM runs")[1] == [
        (WANTED, 0)
    ]


@pytest.mark.prefect
def test_sigterm_under_prefect_to_all_processes_of_a_job_drains_too(
    recipe: Path, held: Held, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """Slurm and systemd tell every process: the local Prefect server must stay until the run is written down."""
    run = Command(run_command(recipe, tmp_path / "w"), PREFECT_HOME=str(tmp_path / "home"), PREFECT_API_URL="")
    run.wait_until(lambda: teacher.calls == IN_FLIGHT)
    os.kill(run.prefect_server(), signal.SIGTERM)
    run.send(signal.SIGTERM)
    run.wait_for("nothing more is asked")
    held.let_go.set()
    assert run.ended() == 143, run.told
    assert "Traceback" not in run.told
    assert "Prefect server failed" not in run.told
    assert query_catalog(open_workspace(tmp_path / "w"), "SELECT teacher_calls, lost_in_flight FROM runs")[1] == [
        (IN_FLIGHT, 0)
    ]
