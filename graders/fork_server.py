"""The processes behind a worker pool: the fork server that forks workers, and the socket to each of them.

Everything here waits up to a deadline on the monotonic clock and never longer.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

CPU_TICK_S = 0.02
"""The kernel counts CPU time in steps of a hundredth of a second."""

GONE_S = 10.0
"""How long a killed process may take to disappear."""


@dataclass(frozen=True)
class WorkerReply:
    """What came of one job: its value, or why there is none.

    `timeout`: killed at its limit of CPU time. `unserved`: it got no worker, or not its CPU time, while its caller
    could wait. `died`: two workers in a row ended under it (memory, a crash). `failed`: the job raised, `value` is
    the exception's type and message.
    """

    status: Literal["done", "timeout", "unserved", "died", "failed"]
    value: JsonValue = None


class ForkServer:
    """The process that forks workers, and the socket it is asked on. Guarded by the pool's lock, but for the wait."""

    def __init__(self, target: str, memory_mb: int, timeout_s: float) -> None:
        self._control, theirs = socket.socketpair()
        # The parent's sys.path goes along, so that the workers import the same code however this one was started.
        code = (
            f"import sys; sys.path[:] = {sys.path!r}\n"
            "from cotfactory.graders.worker_process import serve_forks\n"
            f"serve_forks({target!r}, {memory_mb}, {timeout_s}, {theirs.fileno()})"
        )
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, with code written here
                [sys.executable, "-c", code],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is the parent's to handle
            )

    @property
    def is_alive(self) -> bool:
        """Whether the process runs, ready or not."""
        return self._process.poll() is None

    def is_ready(self, ends_at: float) -> bool | None:
        """Whether everything is imported: None when it is not by `ends_at`, False when the process has ended."""
        try:
            if not _wait(self._control.fileno(), max(0.0, ends_at - time.monotonic())):
                return None
            return bool(self._control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))  # the byte stays for the next
        except (OSError, ValueError):  # it ended, or was closed while we waited
            return False

    def fork(self) -> "Worker":
        """Ask for a worker; it says that it is ready on its own socket."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [b"f"], [theirs.fileno()])
            except OSError:  # it ended just now: the worker's socket is closed, and the job is tried once more
                self._process.kill()
        return Worker(ours)

    def close(self) -> None:
        """End the fork server at once and reap it."""
        self._control.close()
        self._process.kill()
        self._process.wait()


class Worker:
    """One process and the socket to it. Not shared between threads."""

    def __init__(self, jobs: socket.socket) -> None:
        self.jobs = 0
        self.cpu_s = 0.0
        self.process_id = 0
        self.is_alive = True
        self._socket = jobs
        self._handle = -1
        self._rest = b""
        self._has_ended = False

    def ask(self, line: str, cpu_s: float, patience_ends_at: float) -> WorkerReply:
        """Send one job and wait for its reply until it has used `cpu_s` of CPU time, or nobody waits any longer.

        A late or dead worker is killed. What a job is told does not depend on who else uses the machine: `timeout`
        is the CPU time it had, `unserved` that it did not get it before `patience_ends_at` on the monotonic clock.
        """
        self.jobs += 1
        try:
            if not self.process_id and not self._greet(patience_ends_at):
                return WorkerReply("unserved")
            left_s = patience_ends_at - time.monotonic()
            if left_s <= 0:
                return WorkerReply("unserved")  # the worker is none the worse
            before_s, started = self._cpu_used_s(), time.monotonic()
            self._socket.settimeout(left_s)
            self._socket.sendall(line.encode() + b"\n")
        except OSError:
            self.kill()
            return WorkerReply("died")
        answer, used_s = None, 0.0
        while answer is None and not self._has_ended and used_s < cpu_s and time.monotonic() < patience_ends_at:
            # A process uses no more CPU time than time goes by, so that it need not be looked at earlier.
            look_at = time.monotonic() + max(cpu_s - used_s, CPU_TICK_S)
            answer = self._read_line(min(look_at, patience_ends_at))
            used_s = self._used_since(before_s, started)
        if answer is None:
            self.cpu_s += used_s
            ended = self._has_ended
            self.kill()
            if ended:
                return WorkerReply("died")
            return WorkerReply("timeout" if used_s >= cpu_s else "unserved")
        message = json.loads(answer)
        self.cpu_s += message["cpu_s"]
        return WorkerReply("done", message["value"]) if message["ok"] else WorkerReply("failed", message["error"])

    def _greet(self, born_by: float) -> bool:
        """Take the process id from the worker's first line; False when there is none by `born_by`."""
        greeting = self._read_line(born_by)
        if greeting is None:
            if time.monotonic() < born_by:
                raise BrokenPipeError
            self.kill()
            return False
        self.process_id = json.loads(greeting)["process_id"]
        # It is not our child: a handle, taken while it lives, never means a later process with the same id.
        self._handle = os.pidfd_open(self.process_id)
        return True

    def _used_since(self, before_s: float | None, started: float) -> float:
        """Return the CPU time since then; where nobody tells it, the time that went by."""
        now_s = self._cpu_used_s()
        return time.monotonic() - started if now_s is None or before_s is None else now_s - before_s

    def _cpu_used_s(self) -> float | None:
        try:
            stat = Path(f"/proc/{self.process_id}/stat").read_text()
        except OSError:  # no such file system, or no such process any more
            return None
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _read_line(self, deadline: float) -> bytes | None:
        """Return the next line, or None when the time is over or the worker has ended."""
        while b"\n" not in self._rest:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not _wait(self._socket.fileno(), left_s):
                return None
            try:
                chunk = self._socket.recv(65_536)
            except OSError:
                chunk = b""
            if not chunk:
                self._has_ended = True
                return None
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def kill(self) -> None:
        """End the process at once and wait until it is gone."""
        self.is_alive = False
        self._socket.close()
        if self._handle >= 0:
            try:
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
                _wait(self._handle, GONE_S)
            except ProcessLookupError:  # it has ended by itself
                pass
            finally:
                os.close(self._handle)
                self._handle = -1


def _wait(descriptor: int, timeout_s: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))
