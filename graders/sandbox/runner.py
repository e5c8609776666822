"""The process inside a container: forks a warm interpreter for each execution and reports bytes.

Sent into the container as text, with `values.py` and `seccomp.py`; the host never imports it. Standard
library only.

Two rules keep one execution from reaching the next. This process never reads a job nor copies an output: the
forked child reads its own job from the shared standard input, and outputs pass through one buffer that is
wiped, so no program, input or result of an earlier candidate is in the memory a later one is forked from. And
the child runs as a user of its own under a system-call filter, so that it can neither signal, trace nor
starve this process; at its end everything of that user is killed and waited for, and its files are removed.
"""

import atexit
import gc
import importlib
import json
import os
import resource
import select
import shutil
import signal
import struct
import sys
import threading
import time
import types
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from graders.sandbox.seccomp import become_subreaper, build_filter, install
from graders.sandbox.values import decode, encode

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
FILE_BYTES = 16 << 20
OPEN_FILES = 256
CLEANING_S = 5.0
OUT_OF_MEMORY, NO_ENTRY_POINT = 77, 78
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


# Below: the child. It reads its job while it is still root, then gives up all rights and is the candidate.


def be_candidate(limits: dict[str, Any], output: int, started: int) -> NoReturn:
    """Take the next job of standard input, give up all rights and run it; never returns."""
    leave = os._exit
    code = 1
    try:
        job = json.loads(read_exactly(struct.unpack(">I", read_exactly(4))[0]))
        way = job["way"]
        set_streams(way.get("stdin", ""), output if way["kind"] == "stdio" else None, {output, started})
        give_up_rights(limits)
        os.write(started, b"1")
        os.close(started)
        code = run_job(job["program"], way, output)
    except MemoryError:
        code = OUT_OF_MEMORY
    finally:
        leave(code)


def read_exactly(count: int) -> bytes:
    """Read `count` bytes from standard input; raises EOFError when the host is gone."""
    parts = bytearray()
    while len(parts) < count:
        part = os.read(0, min(count - len(parts), 1 << 16))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def set_streams(stdin: str, stdout: int | None, keep: set[int]) -> None:
    """Give the candidate streams of its own: its input as a file in memory, the rest /dev/null."""
    given = os.memfd_create("stdin")
    rest = memoryview(stdin.encode("utf-8", "surrogatepass"))
    while rest:
        rest = rest[os.write(given, rest) :]
    os.lseek(given, 0, os.SEEK_SET)
    null = os.open("/dev/null", os.O_RDWR)
    for source, target in ((given, 0), (null if stdout is None else stdout, 1), (null, 2)):
        os.dup2(source, target)
    first = 3
    for kept in [*sorted(keep), OPEN_FILES]:
        os.closerange(first, kept)
        first = kept + 1


def give_up_rights(limits: dict[str, Any]) -> None:
    """Become a user without any rights, first in line when memory runs out, last when the CPU is short."""
    badness = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(badness, b"1000")
    os.close(badness)
    os.nice(5)
    memory = limits["memory_mb"] << 20
    cpu_s = int(limits["timeout_s"]) + 2
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    os.setgroups([])
    os.setresgid(limits["uid"], limits["uid"], limits["uid"])
    os.setresuid(limits["uid"], limits["uid"], limits["uid"])
    install(limits["filter"])


def run_job(program: str, way: dict[str, Any], output: int) -> int:
    """Run the program as asked; return the exit code. A value, or an error's name, goes to `output`."""
    if way["kind"] == "stdio":
        return run_script(program)
    try:
        answer = run_check(program, way) if way["kind"] == "check" else run_call(program, way)
    except MemoryError:
        return OUT_OF_MEMORY
    except BaseException as error:
        answer = type(error).__name__.encode("utf-8", "replace")[:200]
        os.write(output, answer)
        return NO_ENTRY_POINT if isinstance(error, NoEntryPointError) else 1
    for start in range(0, len(answer), 1 << 16):
        os.write(output, answer[start : start + (1 << 16)])
    return 0


class NoEntryPointError(Exception):
    """The program defines no callable of the asked name."""


def load(program: str, name: str) -> dict[str, Any]:
    """Execute the program as the module `name`; return its globals."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(program, "program.py", "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    return module.__dict__


def run_call(program: str, way: dict[str, Any]) -> bytes:
    """Return the value of one call, as typed JSON."""
    entry_point = load(program, "program").get(way["entry_point"])
    if not callable(entry_point):
        raise NoEntryPointError
    args = [decode(value) for value in way["args"]]
    kwargs = {name: decode(value) for name, value in way["kwargs"].items()}
    return json.dumps(encode(entry_point(*args, **kwargs))).encode()


def run_check(program: str, way: dict[str, Any]) -> bytes:
    """Run the problem's checker beside the program; return the token when nothing was raised."""
    space = load(program, "program")
    exec(compile(way["checker"], "tests.py", "exec", dont_inherit=True), space)  # noqa: S102
    if way["entry_point"] is not None and callable(space.get("check")):
        space["check"](space[way["entry_point"]])
    return str(way["token"]).encode()


def run_script(program: str) -> int:
    """Run the program as `python program.py` would: threads joined, exit hooks run, output flushed."""
    sys.argv = ["program.py"]
    code = 0
    try:
        load(program, "__main__")
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except MemoryError:
        return OUT_OF_MEMORY
    except BaseException:
        code = 1
    for thread in other_threads():
        thread.join()
    atexit._run_exitfuncs()
    if not sys.stdout.closed:
        sys.stdout.flush()
    return code & 0xFF


def other_threads() -> Iterator[threading.Thread]:
    """Yield the threads a script waits for at its end."""
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            yield thread


if __name__ == "__main__":
    main()
