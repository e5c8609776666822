"""Killable worker processes for anything that may hang.

A worker is a plain Python process that answers one JSON line per JSON line. It is started when it is first
needed, killed with SIGKILL when it is late, limited in memory, and replaced after `jobs_per_worker` jobs. No
signal handlers, no event loop, no fork of this process: it works from any thread and inside asyncio.
"""

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

STARTUP_S = 60.0
"""How long a new worker may take to import what it needs, on a busy machine."""

MEMO_ENTRIES = 20_000


@dataclass(frozen=True)
class Reply:
    """What came of one job: its value, or why there is none.

    `timeout`: killed at the wall-clock limit. `died`: two workers in a row ended under it (memory, a crash).
    `failed`: the job raised, `value` is the exception's type name.
    """

    status: Literal["done", "timeout", "died", "failed"]
    value: JsonValue = None


class WorkerPool:
    """Up to `size` worker processes that call `target` ("module:function") with JSON values.

    `timeout_s` is the wall clock of one job, `memory_mb` the address space of a worker. Replies of finished
    jobs are remembered (least recently used first out), so the same question is asked once.
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
        self._idle: list[_Worker] = []
        self._memo: OrderedDict[str, Reply] = OrderedDict()
        self._closed = False

    def run(self, *arguments: JsonValue) -> Reply:
        """Call the target in a worker and return its reply, at most about `timeout_s` later.

        A worker that dies is replaced and the job tried once more. Raises RuntimeError on a closed pool.
        """
        line = json.dumps(arguments)
        with self._lock:
            if self._closed:
                raise RuntimeError("the worker pool is closed")
            known = self._memo.get(line)
            if known is not None:
                self._memo.move_to_end(line)
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

    def _attempt(self, line: str) -> Reply:
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        worker = worker or _Worker(self.target, self.memory_mb, self.timeout_s)
        reply = worker.ask(line, self.timeout_s)
        with self._lock:
            keep = not self._closed and worker.is_alive and worker.jobs < self.jobs_per_worker
            if keep:
                self._idle.append(worker)
            elif not self._closed:
                # Its successor starts now and gets ready in the background, so that the next job need not wait.
                self._idle.append(_Worker(self.target, self.memory_mb, self.timeout_s))
        if not keep:
            worker.kill()
        return reply

    @property
    def process_ids(self) -> list[int]:
        """The ids of the idle workers."""
        with self._lock:
            return [worker.process.pid for worker in self._idle]

    def close(self) -> None:
        """Kill every idle worker; one that is busy in another thread ends with its job."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.kill()


class _Worker:
    """One process and the pipes to it. Not shared between threads."""

    def __init__(self, target: str, memory_mb: int, timeout_s: float) -> None:
        # The parent's sys.path goes along, so that the worker imports the same code however this one was started.
        code = (
            f"import sys; sys.path[:] = {sys.path!r}\n"
            f"from graders.worker_process import serve\nserve({target!r}, {memory_mb}, {timeout_s})"
        )
        self.process = subprocess.Popen(  # noqa: S603 - this interpreter, with code written here
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the parent's to handle
        )
        self.jobs = 0
        self._rest = b""
        self._is_ready = False

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def ask(self, line: str, timeout_s: float) -> Reply:
        """Send one job and wait for its reply; a late or dead worker is killed."""
        self.jobs += 1
        assert self.process.stdin is not None
        try:
            self._is_ready = self._is_ready or self._read_line(STARTUP_S) is not None
            if not self._is_ready:
                raise BrokenPipeError
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            self.kill()
            return Reply("died")
        deadline = time.monotonic() + timeout_s
        answer = self._read_line(timeout_s)
        if answer is None:
            late = time.monotonic() >= deadline
            self.kill()
            return Reply("timeout" if late else "died")
        message = json.loads(answer)
        return Reply("done", message["value"]) if message["ok"] else Reply("failed", message["error"])

    def _read_line(self, timeout_s: float) -> bytes | None:
        """Return the next line, or None when the time is over or the worker has ended."""
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        deadline = time.monotonic() + timeout_s
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while b"\n" not in self._rest:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not poll.poll(left_s * 1000):
                return None
            chunk = os.read(descriptor, 65_536)
            if not chunk:
                return None
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def kill(self) -> None:
        """End the process at once and reap it."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # bytes that a dead worker never took
                    continue
