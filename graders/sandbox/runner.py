"""The process inside a container: forks a warm interpreter for each execution and reports bytes.

Sent into the container as text, with `child.py`, `values.py` and `seccomp.py`; the host never imports it.
Standard library only.

Two rules keep one execution from reaching the next. This process never reads a job nor copies an output: the
forked child reads its own job from the shared standard input, and outputs pass through one buffer that is
wiped, so no program, input or result of an earlier candidate is in the memory a later one is forked from. And
the child runs as a user of its own under a system-call filter, so that it can neither signal, trace nor
starve this process; at its end everything of that user is killed and waited for, and its files are removed.
"""

import gc
import importlib
import json
import os
import select
import shutil
import signal
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from graders.sandbox.child import be_candidate
from graders.sandbox.seccomp import become_subreaper, build_filter
from graders.sandbox.values import OUT_OF_MEMORY

WARM_MODULES = (
    "bisect",
    "collections",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "heapq",
    "io",
    "itertools",
    "math",
    "operator",
    "random",
    "re",
    "statistics",
    "string",
    "typing",
)
HOME = "/tmp"  # noqa: S108 - the container's own, empty at every start of an execution
WRITABLE = tuple(folder for folder in (HOME, "/dev/shm", "/dev/mqueue") if Path(folder).is_dir())  # noqa: S108
CLEANING_S = 5.0
OOM_COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


def main() -> None:
    """Serve executions from standard input until the host lets go of it."""
    limits = json.loads(sys.argv[-1])
    for name in WARM_MODULES:
        importlib.import_module(name)
    os.environ.clear()
    os.environ.update(PATH="/usr/local/bin:/usr/bin:/bin", HOME=HOME, LANG="C.UTF-8")
    os.chdir(HOME)
    become_subreaper()
    limits["filter"] = build_filter(os.uname().machine)
    buffer = bytearray(limits["output_bytes"] + 1)
    gc.collect()
    gc.freeze()
    send({"ready": True, "python": sys.version.split()[0]})
    waiting = select.poll()
    waiting.register(0, select.POLLIN)
    while any(events & select.POLLIN for _, events in waiting.poll()):
        serve(limits, memoryview(buffer))


def serve(limits: dict[str, Any], buffer: memoryview) -> None:
    """Run the next job of standard input in a child and send its report; exits when the child got no job."""
    output_read, output_write = os.pipe()
    started_read, started_write = os.pipe()
    ooms = oom_kills()
    child = os.fork()
    if child == 0:
        be_candidate(limits, output_write, started_write)
    os.close(output_write)
    os.close(started_write)
    if os.read(started_read, 1) != b"1":
        sys.exit("an execution ended before its program was started")
    started = time.monotonic()
    size, timed_out = watch(child, output_read, buffer, started + limits["timeout_s"])
    status = end_everything(child)
    duration_ms = (time.monotonic() - started) * 1000
    size = drain(output_read, buffer, size)
    os.close(output_read)
    os.close(started_read)
    exit_code = os.waitstatus_to_exitcode(status)
    report = {
        "exit_code": exit_code,
        "timed_out": timed_out,
        "memory_exceeded": exit_code == OUT_OF_MEMORY or oom_kills() > ooms,
        "output_exceeded": size == len(buffer),
        "duration_ms": duration_ms,
        "clean": clean(limits["uid"]),
    }
    send(report, buffer[: min(size, len(buffer) - 1)])
    buffer[:size] = bytes(size)


def watch(child: int, output: int, buffer: memoryview, deadline: float) -> tuple[int, bool]:
    """Collect output until the child ends, its time is up or the buffer is full; (bytes read, timed out)."""
    alive = os.pidfd_open(child)
    poller = select.poll()
    poller.register(alive, select.POLLIN)
    poller.register(output, select.POLLIN)
    size, timed_out = 0, False
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
            timed_out = True
            break
    os.close(alive)
    return size, timed_out


def end_everything(child: int) -> int:
    """Kill and wait for all that the execution started; return the child's wait status.

    `kill(-1)` reaches every process of the container but this one and its init, at one instant: nothing can
    fork its way out. Orphans become our children (we are the subreaper), so waiting for all is complete.
    """
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    status = 0
    while True:
        try:
            pid, ended = os.waitpid(-1, 0)
        except ChildProcessError:
            return status
        if pid == child:
            status = ended


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
            for path in left_over():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()
        finally:
            os._exit(0)
    os.waitpid(cleaner, 0)
    return not left_over()


def left_over() -> list[Path]:
    """Return what lies where an execution can write."""
    return [path for folder in WRITABLE for path in Path(folder).iterdir()]


def oom_kills() -> int:
    """Return how many processes of this container the kernel has killed for memory so far."""
    for counter in OOM_COUNTERS:
        with suppress(FileNotFoundError), Path(counter).open(encoding="ascii") as lines:
            return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
    return 0


def send(report: dict[str, Any], output: memoryview | bytes = b"") -> None:
    """Write one frame: 4 bytes length, the report as JSON, then as many bytes as its `size` says."""
    header = json.dumps({**report, "size": len(output)}).encode()
    for part in (struct.pack(">I", len(header)) + header, output):
        written = 0
        while written < len(part):
            written += os.write(1, part[written:])


if __name__ == "__main__":
    main()
