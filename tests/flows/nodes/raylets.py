"""A Ray cluster of two machines, as `ray start` makes one, on loopback: with folders and ports of its own."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

TRIES = 3
"""Times that Ray is started: on a busy machine its processes miss each other's deadlines."""
START_S = 60.0
RAY = Path(sys.executable).with_name("ray")


@dataclass(frozen=True)
class Cluster:
    """A running cluster: what names it to `auto` and to Ray's client, and the processes that started its machines."""

    environment: dict[str, str]
    client: str
    first: subprocess.Popen[str]
    second: subprocess.Popen[str]

    def kill_second(self) -> None:
        """Have its second machine be gone at once, raylet and all."""
        os.killpg(self.second.pid, signal.SIGKILL)


@contextmanager
def two_raylets(of_second: Mapping[str, str] = MappingProxyType({})) -> Iterator[Cluster]:
    """Yield a cluster of two raylets; `of_second` is what the second machine's environment has beside the first one's.

    Its folders have short names, for Ray's sockets.
    """
    with tempfile.TemporaryDirectory(prefix="rayh-", dir="/tmp") as home, ExitStack() as stack:
        head, client, dashboard = _free_port(), _free_port(), _free_port()
        environment = dict(os.environ) | {
            "HOME": home,
            "RAY_AUTH_TOKEN": "0123456789abcdef0123456789abcdef",
            "RAY_AUTH_MODE": "token",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ADDRESS": f"127.0.0.1:{head}",
        }
        ports = ["--port", str(head), "--ray-client-server-port", str(client), "--dashboard-port", str(dashboard)]
        first = stack.enter_context(_started(["--head", *ports, "--temp-dir", f"{home}/h"], environment))
        second = stack.enter_context(_started(["--address", f"127.0.0.1:{head}"], environment | dict(of_second)))
        yield Cluster(environment, f"ray://127.0.0.1:{client}", first, second)


@contextmanager
def _started(options: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [str(RAY), "start", "--block", "--num-cpus", "1", "--object-store-memory", str(80 << 20), *options]
    for number in range(1, TRIES + 1):
        output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - the process writes to it
        running = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        until = time.monotonic() + START_S
        while running.poll() is None and time.monotonic() < until:
            output.seek(0)
            if "Ray runtime started" in output.read():
                break
            time.sleep(0.2)
        else:
            _end(running)
            output.seek(0)
            assert number < TRIES, output.read()
            continue
        break
    try:
        yield running
    finally:
        _end(running)


def _end(running: subprocess.Popen[str]) -> None:
    running.terminate()
    try:
        running.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
