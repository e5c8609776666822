"""A teacher behind several servers, behind one that a command starts, or behind one that is still loading."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import cotfactory
from cotfactory.flows.summary import RunSummary
from cotfactory.schemas.errors import CotfactoryError
from tests.command_line import run_command
from tests.flows.conftest import WriteRecipe
from tests.generators.endpoint_server import Rules, endpoint

SERVER = Path(__file__).parents[2] / "generators" / "serve_sums.py"
PATIENCE_S = 60.0


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextmanager
def serving(port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, str(SERVER), str(port), *options], stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(holds: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.02)


def answers(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    return status != "Z"


def teacher(**keys: Any) -> dict[str, Any]:
    return {"name": "t", "model": "m", "limits": {"concurrency": 8, "retries": 3}} | keys


def stored(workspace: Path) -> list[str]:
    table = cotfactory.sql(workspace, "SELECT candidate_id FROM candidates")
    return [str(found) for found in table["candidate_id"].to_pylist()]


def test_requests_are_spread_and_a_server_that_dies_costs_nothing(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    """Three servers, one killed in the middle of its work: no sample is lost, none is there twice, ids are the same."""
    ports = [free_port() for _ in range(3)]
    logs = [tmp_path / f"{port}.log" for port in ports]
    urls = [f"http://127.0.0.1:{port}/v1" for port in ports]
    recipe = write_recipe(count=60, attempts=2, teachers=[teacher(base_urls=urls)], shard_problems=30)
    with ExitStack() as stack:
        servers = [
            stack.enter_context(serving(port, "--answer-s", "0.05", "--log", str(log)))
            for port, log in zip(ports, logs, strict=True)
        ]
        until(lambda: all(answers(port) for port in ports), "three servers")

        def kill_one() -> None:
            until(lambda: logs[0].exists() and len(logs[0].read_text().splitlines()) >= 5, "some answers")
            servers[0].kill()

        killer = threading.Thread(target=kill_one)
        killer.start()
        summary = cotfactory.run(recipe, tmp_path / "w")
        killer.join()
    assert servers[0].wait() != 0
    assert (summary.candidates, summary.teacher_calls, summary.failed_calls) == (120, 120, 0)
    ids = stored(tmp_path / "w")
    assert len(ids) == len(set(ids)) == 120
    counts = [len(log.read_text().splitlines()) for log in logs]
    assert 5 <= counts[0] < 40, counts
    assert min(counts[1:]) > 30, counts  # least in flight: neither of the two has all

    # One server, another address: the very same samples.
    with endpoint(Rules()) as elsewhere:
        again = cotfactory.run(
            write_recipe(count=60, attempts=2, teachers=[teacher(base_url=elsewhere.base_url)]), tmp_path / "w"
        )
    assert (again.teacher_calls, again.reused) == (0, 120)


def test_a_server_that_comes_late_is_asked_too(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    """One is up, one is not: the run begins with the first, and the second is tried again after its rest."""
    ports = [free_port() for _ in range(2)]
    urls = [f"http://127.0.0.1:{port}/v1" for port in ports]
    log, late_log = tmp_path / "first.log", tmp_path / "late.log"
    slow = teacher(base_urls=urls, limits={"concurrency": 4, "retries": 3})
    with serving(ports[0], "--answer-s", "0.2", "--log", str(log)), ExitStack() as late:
        until(lambda: answers(ports[0]), "a server")

        def come_late() -> None:
            until(log.exists, "a first answer")
            late.enter_context(serving(ports[1], "--log", str(late_log)))

        starter = threading.Thread(target=come_late)
        starter.start()
        summary = cotfactory.run(write_recipe(count=80, attempts=1, teachers=[slow]), tmp_path / "w")
        starter.join()
    assert (summary.candidates, summary.failed_calls) == (80, 0)
    assert late_log.exists()


def test_no_server_at_all_stops_the_run(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    urls = [f"http://127.0.0.1:{free_port()}/v1" for _ in range(2)]
    with pytest.raises(CotfactoryError, match="cannot be reached"):
        cotfactory.run(write_recipe(teachers=[teacher(base_urls=urls)]), tmp_path / "w")


def test_a_model_that_is_loading_is_waited_for(write_recipe: WriteRecipe, tmp_path: Path, capfd: Any) -> None:
    """Nobody listens first, then the server answers 503: both are waited for, and said."""
    port = free_port()
    waiting = teacher(base_url=f"http://127.0.0.1:{port}/v1", wait_for_s=PATIENCE_S, limits={"retries": 0})
    with ExitStack() as stack:
        starter = threading.Timer(1.0, lambda: stack.enter_context(serving(port, "--load-s", "3")))
        starter.start()
        summary = cotfactory.run(write_recipe(teachers=[waiting], attempts=1), tmp_path / "w")
        starter.join()
    assert (summary.candidates, summary.failed_calls) == (6, 0)
    told = "".join(capfd.readouterr())
    assert told.count("waiting up to 60 s for a model to load") == 1


def start(*options: str) -> str:
    return shlex.join([sys.executable, str(SERVER)]) + " {port} " + shlex.join(options)


def run_started(write_recipe: WriteRecipe, workspace: Path, *options: str, **keys: Any) -> RunSummary:
    spec = teacher(start=start(*options), **keys)
    return cotfactory.run(write_recipe(teachers=[spec], attempts=1), workspace)


def numbers_in(log: Path) -> list[int]:
    """Return the ids of the processes that a started server tells in its log."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [int(line.split()[-1]) for line in lines if line.startswith(("serving on", "worker"))]


def test_a_command_serves_the_teacher_and_ends_with_the_run(
    write_recipe: WriteRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOAD_S", "1.5")
    summary = run_started(write_recipe, tmp_path / "w", "--worker", "--load-s", "${LOAD_S}")
    assert (summary.candidates, summary.failed_calls) == (6, 0)
    server, worker = numbers_in(tmp_path / "w" / "logs" / "server-t.log")
    assert not is_alive(server)
    assert not is_alive(worker)
    assert summary.release is not None
    card = (Path(summary.release.path) / "README.md").read_text()
    assert "serve_sums.py {port}" in card
    assert str(SERVER.parent) not in card


def test_a_command_that_dies_is_told_with_its_last_lines(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    with pytest.raises(CotfactoryError, match=r"ended with code 3.*\n  serving on .*\n  CUDA out of memory"):
        run_started(write_recipe, tmp_path / "w", "--die", "3")


def test_a_command_that_is_not_there_is_told(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    with pytest.raises(CotfactoryError, match="no-such-server: No such file or directory"):
        cotfactory.run(write_recipe(teachers=[teacher(start="no-such-server --port {port}")]), tmp_path / "w")


def test_a_command_ends_with_a_run_that_is_killed(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    """kill -9 of ours: server and what it has started go too."""
    recipe = write_recipe(teachers=[teacher(start=start("--worker", "--answer-s", "600"))])
    running = subprocess.Popen(run_command(recipe, tmp_path / "w", "--direct"), stderr=subprocess.DEVNULL)
    log = tmp_path / "w" / "logs" / "server-t.log"
    try:
        until(lambda: len(numbers_in(log)) == 2, "a started server")
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    processes = numbers_in(log)
    until(lambda: not any(is_alive(process) for process in processes), "the end of the server")
