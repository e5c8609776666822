"""What the runner forks: it reads its job while it is still root, gives up all rights, and is the candidate.

Sent into the container as text, like the runner. From the first line of the program on, nothing here can be relied
upon: the program may patch all of it. It can only choose which bytes go out, and how its own process ends.
"""

import atexit
import json
import os
import resource
import struct
import sys
import threading
import types
from collections.abc import Iterator
from typing import Any, NoReturn

from graders.sandbox.seccomp import install
from graders.sandbox.values import NO_ENTRY_POINT, OUT_OF_MEMORY, decode, encode

FILE_BYTES = 16 << 20
OPEN_FILES = 256


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
