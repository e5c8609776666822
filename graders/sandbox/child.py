"""What the runner forks: it reads its job while it is still root, gives up all rights, and is the candidate.

Sent into the container as text, like the runner. From the first line of the program on, nothing here can be relied
upon: the program may patch all of it. It can only choose which bytes go out, and how its own process ends.
"""

import atexit
import json
import marshal
import os
import resource
import sys
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from cotfactory.graders.sandbox.seccomp import FilterProgram, install
from cotfactory.graders.sandbox.values import NO_ENTRY_POINT, OUT_OF_MEMORY, STARTED, decode, encode

if TYPE_CHECKING:  # not warm: what it does after every fork costs more than the import, which few programs need
    import threading

OUTPUT = 3
"""The descriptor under which a candidate finds the pipe to the runner."""
FILE_BYTES = 16 << 20
OPEN_FILES = 256


def limit_all(limits: dict[str, Any]) -> None:
    """Set the limits that hold for the runner and all candidates; raises OSError."""
    memory = limits["memory_mb"] << 20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.setgroups([])


def be_candidate(limits: dict[str, Any], system_calls: FilterProgram, output: int, null: int) -> NoReturn:
    """Take the next job of standard input, give up all rights, say how long it may take and run it; never returns."""
    leave = os._exit
    code = 1
    try:
        job = read_exactly(int.from_bytes(read_exactly(4), "big"))
        give_up_rights(limits, system_calls)
        program, way, timeout_s = marshal.loads(job)  # noqa: S302 - from the host, which wrote every length in it
        set_streams(way.get("stdin"), output, null)
        # Only now: the input, which is a file too, may be larger than any file the program may write.
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
        os.write(OUTPUT, STARTED.pack(timeout_s))
        code = run_job(program, way)
    except MemoryError:
        code = OUT_OF_MEMORY
    finally:
        leave(code)


def read_exactly(count: int) -> bytes:
    """Read `count` bytes from standard input; raises EOFError when the host is gone."""
    part = os.read(0, min(count, 1 << 16))
    if len(part) == count:
        return part
    parts = bytearray()
    while part:
        parts += part
        if len(parts) == count:
            return bytes(parts)
        part = os.read(0, min(count - len(parts), 1 << 16))
    raise EOFError


def set_streams(stdin: str | None, output: int, null: int) -> None:
    """Give the candidate streams of its own: a script its input as a file in memory, the rest /dev/null."""
    os.dup2(output, OUTPUT, inheritable=False)
    if stdin is None:
        os.dup2(null, 0)
        os.dup2(null, 1)
    else:
        given = os.memfd_create("stdin")
        rest = memoryview(stdin.encode("utf-8", "surrogatepass"))
        while rest:
            rest = rest[os.write(given, rest) :]
        os.lseek(given, 0, os.SEEK_SET)
        os.dup2(given, 0)
        os.dup2(output, 1)
    os.dup2(null, 2)
    os.closerange(OUTPUT + 1, OPEN_FILES)


def give_up_rights(limits: dict[str, Any], system_calls: FilterProgram) -> None:
    """Become a user without any rights, first in line when memory runs out, last when the CPU is short."""
    badness = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(badness, b"1000")
    os.close(badness)
    os.setpriority(os.PRIO_PROCESS, 0, 5)
    cpu_s = int(limits["timeout_s"]) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    uid = limits["uid"]
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    install(system_calls)


def run_job(program: str, way: dict[str, Any]) -> int:
    """Run the program as asked; return the exit code. A value, or an error's name, goes to OUTPUT."""
    if way["kind"] == "stdio":
        return run_script(program)
    try:
        answer = run_check(program, way) if way["kind"] == "check" else run_call(program, way)
    except MemoryError:
        return OUT_OF_MEMORY
    except BaseException as error:
        answer = type(error).__name__.encode("utf-8", "replace")[:200]
        os.write(OUTPUT, answer)
        return NO_ENTRY_POINT if isinstance(error, NoEntryPointError) else 1
    for start in range(0, len(answer), 1 << 16):
        os.write(OUTPUT, answer[start : start + (1 << 16)])
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


def other_threads() -> "Iterator[threading.Thread]":
    """Yield the threads a script waits for at its end."""
    threading = sys.modules.get("threading")
    if threading is None:
        return
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            yield thread
