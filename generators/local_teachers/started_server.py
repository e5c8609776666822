"""A server that a recipe's command starts (`start: "vllm serve ... --port {port}"`), for as long as a run needs it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cotfactory.generators.local_teachers import supervise_command
from cotfactory.schemas.errors import TeacherRefused

HOST = "127.0.0.1"
SHOWN_LINES, SHOWN_BYTES = 12, 4_000


@dataclass(frozen=True)
class StartedServer:
    """A server that may still be loading; its output goes to `log`."""

    base_url: str
    log: Path
    _supervisor: subprocess.Popen[bytes]

    def failure(self) -> TeacherRefused | None:
        """Return why it will never answer, with the last lines that it wrote; None while it runs."""
        code = self._supervisor.poll()
        if code is None:
            return None
        return TeacherRefused(
            f"The command that serves the teacher ended with code {code}; the end of {self.log}:\n{end_of(self.log)}",
            "fix `start:`, or what it says is missing",
        )


@contextmanager
def started(command: Sequence[str], log: Path, folder: Path | None = None) -> Iterator[StartedServer]:
    """Start a command on a free port, without a shell, and yield where it will answer; end its processes afterwards.

    `{port}` in its words is that port; `folder` is where it is started, None: here. The processes end too when this one
    dies, however it does. Raises OSError where the log cannot be written.
    """
    port = _free_port()
    words = [word.replace("{port}", str(port)) for word in command]
    with supervised(words, log, folder) as process:
        yield StartedServer(f"http://{HOST}:{port}/v1", log, process)


@contextmanager
def supervised(command: Sequence[str], log: Path, folder: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command as `started` does, and yield the process that watches over it and ends with its code."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
            [sys.executable, "-I", str(Path(supervise_command.__file__).resolve()), str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,  # Ctrl-C is ours: what is in flight is still to be answered
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(supervise_command.END_S + 5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
    return port


def end_of(log: Path) -> str:
    """Return the last lines of a log, indented."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - SHOWN_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return "\n".join(f"  {line[:300]}" for line in lines[-SHOWN_LINES:]) or "  (nothing)"
