"""The process inside a container: forks a warm interpreter for each execution and reports bytes.

Sent into the container as text, with the modules beside it (`container.RUNNER_MODULES`); the host never imports it.
Standard library only.

Two rules keep one execution from reaching the next. This process never reads a job nor copies an output: the
forked child reads its own job from the shared standard input, and outputs pass through one buffer that is
wiped, so no program, input or result of an earlier candidate is in the memory a later one is forked from. And
the child runs as a user of its own under a system-call filter, so that it can neither signal, trace nor
starve this process; at its end everything of that user is killed and waited for, and its files are removed.
"""

import fcntl
import gc
import importlib
import json
import mmap
import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import Any

from cotfactory.graders.sandbox.child import ABOVE_STREAMS, be_candidate, limit_all
from cotfactory.graders.sandbox.clock import is_starved, may_run_for
from cotfactory.graders.sandbox.seccomp import become_subreaper, build_filter, prepare
from cotfactory.graders.sandbox.values import OUT_OF_MEMORY, READY, REPORT, STARTED

WARM_MODULES = (
    "bisect",
    "collections",
    "copy",
    "functools",
    "heapq",
    "io",
    "itertools",
    "math",
    "operator",
    "re",
    "string",
    "typing",
)
"""What short programs mostly import. Each module more makes every fork dearer; `random` and `threading` do so most,
because they have work of their own to do after a fork."""
HOME = "/tmp"  # noqa: S108 - the container's own, empty at every start of an execution
WRITABLE = tuple(folder for folder in (HOME, "/dev/shm", "/dev/mqueue") if os.access(folder, os.W_OK))  # noqa: S108
CLEANING_S = 5.0
TIMED_OUT, STARVED = "timed out", "starved"
OOM_COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


def main() -> None:
    """Serve executions from standard input until the host lets go of it."""
    limits = json.loads(sys.argv[-1])
    for name in WARM_MODULES:
        importlib.import_module(name)
    os.environ.clear()
    os.environ.update(PATH="/usr/local/bin:/usr/bin:/bin", HOME=HOME, LANG="C.UTF-8", OPENBLAS_NUM_THREADS="1")
    sys.set_int_max_str_digits(0)  # contests print longer integers; the time limit bounds what that costs
    os.chdir(HOME)
    become_subreaper()
    runner = Runner(limits)
    gc.collect()
    gc.freeze()
    os.write(1, READY)
    waiting = select.poll()
    waiting.register(0, select.POLLIN)
    while waiting.poll()[0][1] & select.POLLIN:
        runner.serve()


class Runner:
    """What the runner holds from one execution to the next; of their contents it holds nothing."""

    def __init__(self, limits: dict[str, Any]) -> None:
        self.limits = limits
        self.system_calls = prepare(build_filter(os.uname().machine))
        null = os.open("/dev/null", os.O_RDWR)
        self.null = fcntl.fcntl(null, fcntl.F_DUPFD_CLOEXEC, ABOVE_STREAMS)
        os.close(null)
        self.oom_counter = open_oom_counter()
        self.ooms = oom_kills(self.oom_counter)
        # Private, and untouched until it is written to: forks stay cheap, and no child shares it.
        room = limits["longest_output_bytes"] + 1
        self.buffer = memoryview(mmap.mmap(-1, room, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        limit_all(limits)

    def serve(self) -> None:
        """Run the next job of standard input in a child and report; exits when the child got no job."""
        output, given = os.pipe()
        child = os.fork()
        if child == 0:
            be_candidate(self.limits, self.system_calls, given, self.null)
        os.close(given)
        limits = os.read(output, STARTED.size)
        if len(limits) != STARTED.size:
            sys.exit("an execution ended before its program was started")
        started = time.monotonic()
        timeout_s, memory_bytes, output_bytes = STARTED.unpack(limits)
        room = self.buffer[: output_bytes + 1]
        size, late = watch(child, output, room, timeout_s)
        status, peak_bytes = end_everything(child)
        duration_ms = (time.monotonic() - started) * 1000
        size = drain(output, room, size)
        os.close(output)
        self.report(os.waitstatus_to_exitcode(status), late, peak_bytes > memory_bytes, size, len(room), duration_ms)
        self.buffer[:size] = bytes(size)

    def report(self, exit_code: int, late: str, too_large: bool, size: int, room: int, duration_ms: float) -> None:
        """Clean up after an execution, and write what is to be said about it and its output."""
        ooms = oom_kills(self.oom_counter)
        memory_exceeded = exit_code == OUT_OF_MEMORY or ooms > self.ooms or too_large
        self.ooms = ooms
        exceeded = size == room
        size -= exceeded
        timed_out, starved = late == TIMED_OUT, late == STARVED
        cleaned = clean(self.limits["uid"])
        report = REPORT.pack(exit_code, timed_out, starved, memory_exceeded, exceeded, cleaned, duration_ms, size)
        write_all(report, self.buffer[:size])


def watch(child: int, output: int, buffer: memoryview, timeout_s: float) -> tuple[int, str]:
    """Collect output until the child ends, its time is up or the buffer is full; (bytes read, how it was late)."""
    started = time.monotonic()
    deadline = started + timeout_s
    alive = os.pidfd_open(child)
    poller = select.poll()
    poller.register(alive, select.POLLIN)
    poller.register(output, select.POLLIN)
    size, late = 0, ""
    while size < len(buffer):
        ready = dict(poller.poll(max(0.0, deadline - time.monotonic()) * 1000))
        if output in ready:
            read = os.readv(output, [buffer[size:]])
            size += read
            if read == 0:
                poller.unregister(output)
        if alive in ready:
            break
        if time.monotonic() >= deadline:
            wall_s = time.monotonic() - started
            deadline = time.monotonic() + may_run_for(timeout_s, wall_s)
            if deadline <= time.monotonic():
                late = STARVED if is_starved(timeout_s, wall_s) else TIMED_OUT
                break
    os.close(alive)
    return size, late


def end_everything(child: int) -> tuple[int, int]:
    """Kill and wait for all that the execution started; return the child's wait status and its most bytes of memory.

    `kill(-1)` reaches every process of the container but this one and its init, at one instant: nothing can
    fork its way out. Orphans become our children (we are the subreaper), so waiting for all is complete.
    """
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    status, peak_kib = 0, 0
    while True:
        try:
            pid, ended, used = os.wait4(-1, 0)
        except ChildProcessError:
            return status, peak_kib << 10
        if pid == child:
            status, peak_kib = ended, used.ru_maxrss


def drain(output: int, buffer: memoryview, size: int) -> int:
    """Read what is left in the pipe, now that nobody can write; return the new size."""
    while size < len(buffer):
        read = os.readv(output, [buffer[size:]])
        if read == 0:
            break
        size += read
    return size


def clean(uid: int) -> bool:
    """Remove the files an execution left, as its own user; whether nothing is left."""
    if not left_over():
        return True
    cleaner = os.fork()
    if cleaner == 0:
        try:
            signal.setitimer(signal.ITIMER_REAL, CLEANING_S)
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            # Not warm: few executions leave files.
            from pathlib import Path
            from shutil import rmtree

            for entry in left_over():
                if entry.is_dir(follow_symlinks=False):
                    rmtree(entry.path, ignore_errors=True)
                else:
                    Path(entry.path).unlink()
        finally:
            os._exit(0)
    os.waitpid(cleaner, 0)
    return not left_over()


def left_over() -> list["os.DirEntry[str]"]:
    """Return what lies where an execution can write."""
    return [entry for folder in WRITABLE for entry in os.scandir(folder)]


def open_oom_counter() -> int | None:
    """Open the kernel's memory report of this container, None where it shows none."""
    for path in OOM_COUNTERS:
        with suppress(FileNotFoundError):
            return os.open(path, os.O_RDONLY)
    return None


def oom_kills(counter: int | None) -> int:
    """Return how many processes of this container the kernel has killed for memory so far."""
    report = b"" if counter is None else os.pread(counter, 4096, 0)
    count = report.partition(b"\noom_kill ")[2].split(None, 1)
    return int(count[0]) if count else 0


def write_all(*parts: bytes | memoryview) -> None:
    """Write everything to standard output, with one system call where the pipe has room."""
    written = os.writev(1, parts)
    for part in parts:
        start = min(written, len(part))
        written -= start
        while start < len(part):
            start += os.write(1, part[start:])


if __name__ == "__main__":
    main()
