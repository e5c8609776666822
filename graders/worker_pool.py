"""Killable worker processes for anything that may hang.

A worker answers one JSON line per JSON line, is killed with SIGKILL when it is late, limited in memory, and replaced
after `jobs_per_worker` jobs. Workers are forked by a nursery, a process of its own that imported what they need: the
successor of a killed one is there in milliseconds. No signal handlers, no event loop, no fork of this process: it
works from any thread and inside asyncio.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pydantic import JsonValue

STARTUP_S = 60.0
"""How long the nursery may take to import what workers need, on a busy machine."""

LEAST_CPU_S = 0.15
"""A late job that has had less CPU time than this was starved by a busy machine: it gets its time limit again."""

EXTENSIONS = 3

MEMO_ENTRIES = 20_000


@dataclass(frozen=True)
class Reply:
    """What came of one job: its value, or why there is none.

    `timeout`: killed at the wall-clock limit. `died`: two workers in a row ended under it (memory, a crash).
    `failed`: the job raised, `value` is the exception's type name.
    """

    status: Literal["done", "timeout", "died", "failed"]
    value: JsonValue = None


class Algebra(Protocol):
    """Whoever answers jobs: a pool, or what is left of one that may not be waited for."""

    def run(self, *arguments: JsonValue) -> Reply:
        """Return the reply to one job."""


class WouldWait(Exception):
    """A job has no remembered reply, and nobody is to wait for a worker."""


class WorkerPool:
    """Up to `size` worker processes that call `target` ("module:function") with JSON values.

    `timeout_s` is the wall clock of one job, `memory_mb` the address space of a worker. Replies of finished
    jobs are remembered (least recently used first out), so the same question is asked once. `cpu_s` is the CPU
    time that all jobs have used.
    """

    def __init__(
        self,
        target: str,
        size: int | None = None,
        timeout_s: float = 1.5,
        memory_mb: int = 1024,
        jobs_per_worker: int = 500,
    ) -> None:
        self.target = target
        self.size = size or min(8, os.cpu_count() or 1)
        self.timeout_s = timeout_s
        self.memory_mb = memory_mb
        self.jobs_per_worker = jobs_per_worker
        self._places = threading.BoundedSemaphore(self.size)
        self._lock = threading.Lock()
        self._nursery: _Nursery | None = None
        self._idle: list[_Worker] = []
        self._memo: OrderedDict[str, Reply] = OrderedDict()
        self._closed = False
        self.cpu_s = 0.0

    def run(self, *arguments: JsonValue) -> Reply:
        """Call the target in a worker and return its reply, at most about `timeout_s` later.

        Later only while the first job waits for the nursery, and for a worker that a busy machine has starved.
        A worker that dies is replaced and the job tried once more. Raises RuntimeError on a closed pool.
        """
        line = json.dumps(arguments)
        known = self._recall(line)
        if known is not None:
            return known
        with self._places:
            reply = self._attempt(line)
            if reply.status == "died":
                reply = self._attempt(line)
        if reply.status in ("done", "failed"):
            with self._lock:
                self._memo[line] = reply
                if len(self._memo) > MEMO_ENTRIES:
                    self._memo.popitem(last=False)
        return reply

    def recall(self, *arguments: JsonValue) -> Reply | None:
        """Return the remembered reply to a job, or None. Raises RuntimeError on a closed pool."""
        return self._recall(json.dumps(arguments))

    def _recall(self, line: str) -> Reply | None:
        with self._lock:
            if self._closed:
                raise RuntimeError("the worker pool is closed")
            known = self._memo.get(line)
            if known is not None:
                self._memo.move_to_end(line)
            return known

    def warm_up(self) -> None:
        """Start the nursery now, in the background; without this it starts with the first job."""
        with self._lock:
            self._open_nursery()

    def _attempt(self, line: str) -> Reply:
        with self._lock:
            nursery = self._open_nursery()
            worker = self._idle.pop() if self._idle else nursery.fork()
        before = worker.cpu_s
        reply = worker.ask(line, self.timeout_s)
        with self._lock:
            # What a killed worker used is not known: the whole time limit, at most.
            self.cpu_s += self.timeout_s if reply.status == "timeout" else worker.cpu_s - before
            keep = not self._closed and worker.is_alive and worker.jobs < self.jobs_per_worker
            if keep:
                self._idle.append(worker)
            if not worker.process_id and self._nursery is nursery:
                self._nursery = None  # nobody was born: the nursery is dead, though it may not look so yet
                nursery.close()
        if not keep:
            worker.kill()
        return reply

    def _open_nursery(self) -> "_Nursery":
        if self._closed:
            raise RuntimeError("the worker pool is closed")
        if self._nursery is not None and not self._nursery.is_alive:
            self._nursery.close()
            self._nursery = None
        if self._nursery is None:
            self._nursery = _Nursery(self.target, self.memory_mb, self.timeout_s)
        return self._nursery

    @property
    def process_ids(self) -> list[int]:
        """The ids of the idle workers."""
        with self._lock:
            return [worker.process_id for worker in self._idle]

    def close(self) -> None:
        """Kill every idle worker and the nursery; a worker that is busy in another thread ends with its job."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            nursery, self._nursery = self._nursery, None
        for worker in idle:
            worker.kill()
        if nursery is not None:
            nursery.close()


class Remembered:
    """The replies a pool remembers; any other job raises WouldWait."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def run(self, *arguments: JsonValue) -> Reply:
        """Return the remembered reply. Raises WouldWait."""
        known = self._pool.recall(*arguments)
        if known is None:
            raise WouldWait
        return known


class _Nursery:
    """The process that forks workers, and the socket it is asked on. Guarded by the pool's lock."""

    def __init__(self, target: str, memory_mb: int, timeout_s: float) -> None:
        self._control, theirs = socket.socketpair()
        # The parent's sys.path goes along, so that the workers import the same code however this one was started.
        code = (
            f"import sys; sys.path[:] = {sys.path!r}\n"
            f"from graders.worker_process import nurse\nnurse({target!r}, {memory_mb}, {timeout_s}, {theirs.fileno()})"
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
        return self._process.poll() is None

    def fork(self) -> "_Worker":
        """Ask for a worker; it says that it is ready on its own socket."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [b"f"], [theirs.fileno()])
            except OSError:  # it ended just now: the worker's socket is closed, and the job is tried once more
                self._process.kill()
        return _Worker(ours)

    def close(self) -> None:
        """End the nursery at once and reap it."""
        self._control.close()
        self._process.kill()
        self._process.wait()


class _Worker:
    """One process and the socket to it. Not shared between threads."""

    def __init__(self, jobs: socket.socket) -> None:
        self.jobs = 0
        self.cpu_s = 0.0
        self.process_id = 0
        self.is_alive = True
        self._socket = jobs
        self._handle = -1
        self._rest = b""

    def ask(self, line: str, timeout_s: float) -> Reply:
        """Send one job and wait for its reply; a late or dead worker is killed."""
        self.jobs += 1
        try:
            if not self.process_id:
                self._greet()
            before_s = self._cpu_used_s()
            self._socket.settimeout(timeout_s)
            self._socket.sendall(line.encode() + b"\n")
        except OSError:
            self.kill()
            return Reply("died")
        deadline = time.monotonic() + timeout_s
        answer = self._read_line(timeout_s)
        for _ in range(EXTENSIONS):
            if answer is not None or time.monotonic() < deadline or self._cpu_used_s() - before_s >= LEAST_CPU_S:
                break
            answer = self._read_line(timeout_s)
        if answer is None:
            late = time.monotonic() >= deadline
            self.kill()
            return Reply("timeout" if late else "died")
        message = json.loads(answer)
        self.cpu_s += message["cpu_s"]
        return Reply("done", message["value"]) if message["ok"] else Reply("failed", message["error"])

    def _greet(self) -> None:
        greeting = self._read_line(STARTUP_S)
        if greeting is None:
            raise BrokenPipeError
        self.process_id = json.loads(greeting)["process_id"]
        # It is not our child: a handle, taken while it lives, never means a later process with the same id.
        self._handle = os.pidfd_open(self.process_id)

    def _cpu_used_s(self) -> float:
        try:
            stat = Path(f"/proc/{self.process_id}/stat").read_text()
        except OSError:  # no such file system, or no such process any more: nobody is starved
            return float("inf")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _read_line(self, timeout_s: float) -> bytes | None:
        """Return the next line, or None when the time is over or the worker has ended."""
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._rest:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not _wait(self._socket.fileno(), left_s):
                return None
            try:
                chunk = self._socket.recv(65_536)
            except OSError:
                return None
            if not chunk:
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
                _wait(self._handle, STARTUP_S)
            except ProcessLookupError:  # it has ended by itself
                pass
            finally:
                os.close(self._handle)
                self._handle = -1


def _wait(descriptor: int, timeout_s: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))
