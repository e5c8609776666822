"""Killable worker processes for anything that may hang.

A worker answers one JSON line per JSON line, is killed with SIGKILL when it is late, limited in memory, and replaced
after `jobs_per_worker` jobs. Workers are forked by a fork server, a process of its own that imported what they need:
the successor of a killed one is there in milliseconds. No signal handlers, no event loop, no fork of this process: it
works from any thread and inside asyncio.

How long a caller waits. A job may say until when (`ends_at`), and nothing outlasts that: not the imports of a fork
server that has just started, not the wait for a place, not a worker that a busy machine starves. What went wrong
is told apart: `timeout` is the job's own fault (it used its CPU time), `unserved` is ours, so that a verdict does not
move with the load of the machine. A bomb that comes
first is therefore answered as soon as any other, and a sound job that came too early is asked again by whoever can
wait for `wait_until_ready`.
"""

import json
import os
import threading
import time
from collections import OrderedDict
from typing import Protocol

from pydantic import JsonValue

from cotfactory.graders.fork_server import ForkServer, Worker, WorkerReply

STARTUP_S = 60.0
"""How long the fork server may take to import what workers need, on a busy machine."""

PATIENCE_S = 120.0
"""How long a job may take to get its CPU time where nobody is in a hurry."""

MEMO_ENTRIES = 20_000


class Algebra(Protocol):
    """Whoever answers jobs: a pool, or what is left of one that may not be waited for."""

    def run(self, *arguments: JsonValue, ends_at: float | None = None) -> WorkerReply:
        """Return the reply to one job, before `ends_at` on the monotonic clock."""


class WouldWait(Exception):
    """A job has no remembered reply, and nobody is to wait for a worker."""


class WorkerPool:
    """Up to `size` worker processes that call `target` ("module:function") with JSON values.

    `timeout_s` is the CPU time of one job, `memory_mb` the address space of a worker. Replies of jobs
    that had their time are remembered (least recently used first out), so the same question is asked once. `cpu_s`
    is the CPU time that all jobs have used.
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
        self._fork_server: ForkServer | None = None
        self._idle: list[Worker] = []
        self._memo: OrderedDict[str, WorkerReply] = OrderedDict()
        self._closed = False
        self.cpu_s = 0.0

    def run(self, *arguments: JsonValue, ends_at: float | None = None) -> WorkerReply:
        """Call the target in a worker and return its reply, before `ends_at` on the monotonic clock where it is given.

        Without it a job waits for the fork server, for a place, and up to PATIENCE_S for its CPU time.
        A worker that dies is replaced and the job tried once more. Raises RuntimeError on a closed pool.
        """
        line = json.dumps(arguments)
        known = self._recall(line)
        if known is not None:
            return known
        if not self._places.acquire(timeout=None if ends_at is None else max(0.0, ends_at - time.monotonic())):
            return WorkerReply("unserved")
        try:
            reply = self._attempt(line, ends_at)
            if reply.status == "died":
                reply = self._attempt(line, ends_at)
        finally:
            self._places.release()
        if reply.status in ("done", "failed", "timeout"):
            with self._lock:
                self._memo[line] = reply
                if len(self._memo) > MEMO_ENTRIES:
                    self._memo.popitem(last=False)
        return reply

    def recall(self, *arguments: JsonValue) -> WorkerReply | None:
        """Return the remembered reply to a job, or None. Raises RuntimeError on a closed pool."""
        return self._recall(json.dumps(arguments))

    def _recall(self, line: str) -> WorkerReply | None:
        with self._lock:
            if self._closed:
                raise RuntimeError("the worker pool is closed")
            known = self._memo.get(line)
            if known is not None:
                self._memo.move_to_end(line)
            return known

    def warm_up(self) -> None:
        """Start the fork server now, in the background; without this it starts with the first job."""
        with self._lock:
            self._open_fork_server()

    def wait_until_ready(self) -> bool:
        """Wait until workers can be had at once; False when the fork server ended or took longer than STARTUP_S."""
        with self._lock:
            fork_server = self._open_fork_server()
        return fork_server.is_ready(time.monotonic() + STARTUP_S) is True

    def _attempt(self, line: str, ends_at: float | None) -> WorkerReply:
        patience_ends_at = time.monotonic() + PATIENCE_S if ends_at is None else ends_at
        with self._lock:
            fork_server = self._open_fork_server()
            worker = self._idle.pop() if self._idle else None
        if worker is None:
            ready = fork_server.is_ready(patience_ends_at)
            if not ready:
                return WorkerReply("unserved" if ready is None else "died")
            with self._lock:
                if self._closed:
                    raise RuntimeError("the worker pool is closed")
                worker = fork_server.fork()
        before = worker.cpu_s
        reply = worker.ask(line, self.timeout_s, patience_ends_at)
        with self._lock:
            self.cpu_s += worker.cpu_s - before
            keep = not self._closed and worker.is_alive and worker.jobs < self.jobs_per_worker
            if keep:
                self._idle.append(worker)
            if not worker.process_id and reply.status == "died" and self._fork_server is fork_server:
                self._fork_server = None  # nobody was born: the fork server is dead, though it may not look so yet
                fork_server.close()
        if not keep:
            worker.kill()
        return reply

    def _open_fork_server(self) -> ForkServer:
        if self._closed:
            raise RuntimeError("the worker pool is closed")
        if self._fork_server is not None and not self._fork_server.is_alive:
            self._fork_server.close()
            self._fork_server = None
        if self._fork_server is None:
            self._fork_server = ForkServer(self.target, self.memory_mb, self.timeout_s)
        return self._fork_server

    @property
    def process_ids(self) -> list[int]:
        """The ids of the idle workers."""
        with self._lock:
            return [worker.process_id for worker in self._idle]

    def close(self) -> None:
        """Rest for good; a worker that is busy in another thread ends with its job."""
        with self._lock:
            self._closed = True
        self.rest()

    def rest(self) -> None:
        """Kill every idle worker and the fork server; what is remembered stays, and the next job starts them again."""
        with self._lock:
            idle, self._idle = self._idle, []
            fork_server, self._fork_server = self._fork_server, None
        for worker in idle:
            worker.kill()
        if fork_server is not None:
            fork_server.close()


class Remembered:
    """The replies a pool remembers; any other job raises WouldWait."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def run(self, *arguments: JsonValue, ends_at: float | None = None) -> WorkerReply:
        """Return the remembered reply. Raises WouldWait."""
        known = self._pool.recall(*arguments)
        if known is None:
            raise WouldWait
        return known


class OneItem:
    """A pool as one item sees it: whatever the item asks is answered within `patience_s` of now."""

    def __init__(self, pool: Algebra, patience_s: float) -> None:
        self._pool = pool
        self._ends_at = time.monotonic() + patience_s

    def run(self, *arguments: JsonValue, ends_at: float | None = None) -> WorkerReply:
        """Return the reply to one job, in what is left of the item's time."""
        return self._pool.run(*arguments, ends_at=self._ends_at if ends_at is None else min(ends_at, self._ends_at))
