"""Containers on a real engine: started, replaced, lost and removed; an engine that goes away."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
import pytest

from cotfactory.graders.sandbox.execution import ExecutionLimits, Sandbox
from cotfactory.graders.sandbox.owner import owner_label, place
from cotfactory.graders.sandbox.pool import OWNER_LABEL, labelled, open_sandbox
from cotfactory.schemas.errors import SandboxError
from tests.graders.sandbox.executions import call, returned, run_one

pytestmark = pytest.mark.docker


def engine() -> Any:
    return docker.from_env()


def containers_of(owner: str) -> list[Any]:
    return labelled(engine(), f"{OWNER_LABEL}={owner}")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


@pytest.fixture
def own_pool(sandbox: Sandbox) -> Iterator[Sandbox]:
    """A pool that a test may break (`sandbox` says whether there is an engine at all)."""
    with open_sandbox(containers=1, limits=ExecutionLimits(timeout_s=20)) as pool:
        yield pool


def my_owner() -> str:
    return owner_label(os.getpid())


def test_a_killed_container_costs_nothing_but_time(own_pool: Sandbox) -> None:
    before = {container.id for container in containers_of(my_owner())}
    slow = call("import time\ndef f():\n    time.sleep(2)\n    return 7")
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(own_pool.run, [slow])
        for container in containers_of(my_owner()):
            container.kill()
        (result,) = running.result()
    assert result.output == b"7"
    after = {container.id for container in containers_of(my_owner())}
    assert not before & after


def test_a_container_that_cannot_be_cleaned_is_replaced(own_pool: Sandbox) -> None:
    def container_name() -> bytes:
        return run_one(own_pool, call("import os\ndef f(): return os.uname().nodename")).output

    first = container_name()
    assert container_name() == first
    run_one(own_pool, call("import os\ndef f():\n    os.makedirs('/tmp/a/b'); os.chmod('/tmp/a', 0)"))
    assert container_name() != first
    assert returned(own_pool, "import os\ndef f(): return os.listdir('/tmp')") == []


def test_an_interrupted_run_does_not_answer_the_next_one(own_pool: Sandbox) -> None:
    main = threading.main_thread().ident
    assert main is not None
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores interrupts
    threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run_one(own_pool, call("import time\ndef f():\n    time.sleep(3)\n    return 'late'"))
    signal.signal(signal.SIGINT, before)
    assert returned(own_pool, "def f(): return 'mine'") == "mine"


def test_an_execution_that_loses_every_container_is_the_engines_failure(own_pool: Sandbox) -> None:
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(own_pool.run, [call("import time\ndef f(): time.sleep(15)")])
        while not running.done():
            for container in containers_of(my_owner()):
                with suppress(docker.errors.APIError):
                    if len(container.top()["Processes"]) > 2:  # a program runs beside the init and the runner
                        container.kill()
        with pytest.raises(SandboxError, match="was lost during an execution") as raised:
            running.result()
    assert raised.value.retryable


class Door:
    """A way to the engine that can be shut: a socket that passes everything on, while it is open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connections: list[socket.socket] = []
        self.listener = socket.socket(socket.AF_UNIX)

    def open(self) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen()
        threading.Thread(target=self._serve, args=(self.listener,), daemon=True).start()

    def shut(self) -> None:
        self.path.unlink()
        for opened in (self.listener, *self.connections):
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                behind = socket.socket(socket.AF_UNIX)
                behind.connect("/var/run/docker.sock")
                self.connections += (client, behind)
                for source, target in ((client, behind), (behind, client)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(1 << 16):
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def door(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is too long for the path of a socket
        way = Door(Path(folder) / "engine")
        way.open()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{way.path}")
        yield way
        way.shut()


def test_an_engine_that_goes_away_and_comes_back_costs_nothing_but_time(door: Door) -> None:
    with open_sandbox(containers=1) as pool, ThreadPoolExecutor(1) as thread:
        assert returned(pool, "def f(): return 1") == 1
        running = thread.submit(run_one, pool, call("import time\ndef f():\n    time.sleep(1)\n    return 7"))
        door.shut()
        with pytest.raises(futures.TimeoutError):
            running.result(timeout=2)
        door.open()
        assert running.result().output == b"7"


def test_an_engine_that_stays_away_is_waited_for_once(door: Door) -> None:
    with open_sandbox(containers=1, patience_s=1.0) as pool:
        door.shut()
        for _ in range(20):  # each of them waiting would be a long test
            with pytest.raises(SandboxError, match="could not be started"):
                returned(pool, "def f(): return 1")
        door.open()
        assert returned(pool, "def f(): return 1") == 1


def test_nobody_waits_for_the_engine_of_a_sandbox_that_is_closed(door: Door) -> None:
    with ThreadPoolExecutor(1) as thread:
        with open_sandbox(containers=1) as pool:
            door.shut()
            waiting = thread.submit(run_one, pool, call("def f(): return 1"))
            with pytest.raises(futures.TimeoutError):
                waiting.result(timeout=0.5)
        with pytest.raises(SandboxError):
            waiting.result(timeout=60)
    door.open()


def test_containers_are_replaced_after_a_number_of_runs(sandbox: Sandbox) -> None:
    name = call("import os\ndef f(): return os.uname().nodename")
    with open_sandbox(containers=1, recycle_after=2) as pool:
        names = [result.output for result in pool.run([name] * 5)]
    assert [names[0] == names[1], names[1] == names[2], names[2] == names[3]] == [True, False, True]
    assert len(set(names)) == 3


def test_a_runtime_the_engine_does_not_have(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="no-such-runtime"), open_sandbox(runtime="no-such-runtime"):
        pass


def test_containers_are_gone_at_the_end(sandbox: Sandbox) -> None:
    before = len(containers_of(my_owner()))
    with open_sandbox(containers=1) as pool:
        returned(pool, "def f(): return 1")
        assert len(containers_of(my_owner())) == before + 1
    assert len(containers_of(my_owner())) == before


def test_containers_end_with_a_process_that_is_killed(sandbox: Sandbox) -> None:
    code = (
        "from cotfactory.graders.sandbox.pool import open_sandbox\n"
        "with open_sandbox():\n    print('open', flush=True)\n    input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        owner = owner_label(process.pid)
        assert len(containers_of(owner)) == 1
        process.kill()
        process.wait()
        wait_until(lambda: containers_of(owner) == [])


def test_containers_of_a_dead_owner_are_swept(sandbox: Sandbox) -> None:
    with subprocess.Popen(["sleep", "99"]) as gone:
        owner = owner_label(gone.pid)
        gone.kill()
    # Not ours to judge: another machine, boot or PID namespace, and labels of somebody else's making.
    others = ["h/boot/pid:[1]/1/1", "host/abc", "host/", f"host/{10**20}", f"{place()}/{10**30}/1", "", "x" * 5_000]
    for label in (owner, *others):
        engine().containers.create(sandbox.image_digest, ["true"], labels={OWNER_LABEL: label})
    try:
        with open_sandbox(containers=1):
            assert containers_of(owner) == []
            assert [len(containers_of(label)) for label in others] == [1] * len(others)
    finally:
        for label in others:
            for container in containers_of(label):
                container.remove()


def test_a_missing_image_says_how_to_build_it(sandbox: Sandbox) -> None:
    with (
        pytest.raises(SandboxError, match="no image 'cotfactory-no-such-image'") as raised,
        open_sandbox("cotfactory-no-such-image"),
    ):
        pass
    assert "cotfactory sandbox build" in raised.value.hint


def test_an_image_without_python_is_the_engines_failure(sandbox: Sandbox) -> None:
    client = engine()
    container = client.containers.create(sandbox.image_digest, ["true"])
    try:
        image = container.commit(changes="ENV PATH=/nowhere")
        with pytest.raises(SandboxError, match="could not be started"), open_sandbox(image.id):
            pass
    finally:
        container.remove()
        client.images.remove(image.id)
