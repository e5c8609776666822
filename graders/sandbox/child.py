"""What the runner forks: it reads its job while it is still root, gives up all rights, and is the candidate.

Sent into the container as text, like the runner. From the first line of the program on, nothing here can be relied
upon: the program may patch all of it. It can only choose which bytes go out, and how its own process ends.
"""

import atexit
import fcntl
import gc
import json
import marshal
import os
import resource
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from cotfactory.graders.sandbox.prelude import bind
from cotfactory.graders.sandbox.seccomp import FilterProgram, install
from cotfactory.graders.sandbox.values import (
    MISSING_MODULE,
    NO_ENTRY_POINT,
    OUT_OF_MEMORY,
    RAISED,
    STARTED,
    decode,
    encode,
)

if TYPE_CHECKING:  # not warm: what it does after every fork costs more than the import, which few programs need
    import threading

OUTPUT = 3
"""The descriptor under which a candidate finds the pipe to the runner."""
EXECUTABLE = 4
"""The descriptor from which a compiled program is executed."""
ABOVE_STREAMS = 16
"""Descriptors of the runner that a child needs lie at or above this, out of the way of the streams it sets."""
FILE_BYTES = 16 << 20
STACK_BYTES = 100 << 20
"""Deep recursion of compiled functions; what the kernel always leaves free below the stack."""
STACKS_MB = 1024
"""Address space on top of the memory limit, for threads with the large stacks that contestants ask for."""
OPEN_FILES = 256


def limit_all(limits: dict[str, Any]) -> None:
    """Set the limits that hold for the runner and all candidates, who may make them smaller; raises OSError."""
    memory = (limits["largest_mb"] + STACKS_MB) << 20
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_STACK, (STACK_BYTES, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.setgroups([])


def be_candidate(limits: dict[str, Any], system_calls: FilterProgram, output: int, null: int) -> NoReturn:
    """Take the next job of standard input, give up all rights, say how long it may take and run it; never returns."""
    leave = os._exit
    code = 1
    try:
        job = read_exactly(int.from_bytes(read_exactly(4), "big"))
        stdin, executable = give_up_rights(limits, system_calls)
        program, way, most, artifact = marshal.loads(job)  # noqa: S302 - from the host, which wrote every length in it
        timeout_s, memory_mb, output_bytes = most
        write_files(way.get("files", {}))
        is_native = way.get("language", "python") != "python"
        write_all(executable, artifact)
        set_streams(way.get("stdin"), stdin, output, null)
        keep_executable(executable if artifact else None)
        # Virtual machines reserve more than they use: what others hold is counted at their end, and by the container.
        memory = resource.RLIM_INFINITY if is_native else (memory_mb + STACKS_MB) << 20
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        # Only now: the input, which is a file too, may be larger than any file the program may write.
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
        os.write(OUTPUT, STARTED.pack(timeout_s, memory_mb << 20, output_bytes))
        code = run_job(program, way, artifact)
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


def set_streams(text: str | None, stdin: int, output: int, null: int) -> None:
    """Give the candidate streams of its own: a script its input as a file in memory, the rest /dev/null."""
    os.dup2(output, OUTPUT, inheritable=False)
    if text is None:
        os.dup2(null, 0)
        os.dup2(null, 1)
    else:
        write_all(stdin, text.encode("utf-8", "surrogatepass"))
        os.lseek(stdin, 0, os.SEEK_SET)
        os.dup2(stdin, 0)
        os.dup2(output, 1)
    os.dup2(null, 2)


def write_all(file: int, content: bytes) -> None:
    """Write everything into a file in memory."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]


def keep_executable(executable: int | None) -> None:
    """Close all descriptors but the streams and OUTPUT, and EXECUTABLE where there is one."""
    if executable is not None:
        os.dup2(executable, EXECUTABLE, inheritable=False)
    os.closerange(OUTPUT + 1 if executable is None else EXECUTABLE + 1, OPEN_FILES)


def write_files(files: dict[str, str]) -> None:
    """Write the files that a program is given into its folder, as its own."""
    for name, text in files.items():
        with open(name, "wb") as file:  # noqa: PTH123 - pathlib is not warm
            file.write(text.encode("utf-8", "surrogatepass"))


def give_up_rights(limits: dict[str, Any], system_calls: FilterProgram) -> tuple[int, int]:
    """Become a user without any rights, first in line when memory runs out, last when the CPU is short.

    Returns the descriptors of two empty memory files of that user, for its input and for an executable: later it could
    make none.
    """
    badness = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(badness, b"1000")
    os.close(badness)
    os.setpriority(os.PRIO_PROCESS, 0, 5)
    cpu_s = int(limits["longest_s"]) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    uid = limits["uid"]
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    stdin, executable = (
        fcntl.fcntl(os.memfd_create(name), fcntl.F_DUPFD_CLOEXEC, ABOVE_STREAMS) for name in ("stdin", "program")
    )
    install(system_calls)
    return stdin, executable


def run_job(program: str, way: dict[str, Any], artifact: bytes) -> int:
    """Run the program as asked; return the exit code. A value, or an error's name, goes to OUTPUT."""
    if way.get("language", "python") != "python":
        return run_native(program, way, artifact)
    if way["kind"] == "stdio":
        return run_script(program, way["args"])
    try:
        answer = WAYS[way["kind"]](program, way)
    except MemoryError:
        return OUT_OF_MEMORY
    except BaseException as error:
        answer = type(error).__name__.encode("utf-8", "replace")[:200]
        os.write(OUTPUT, answer)
        return exit_code_of(error)
    write_out(answer)
    return 0


def run_native(program: str, way: dict[str, Any], artifact: bytes) -> int:
    """Compile a program of another language, or be the one that was compiled; imported here: few need it."""
    from cotfactory.graders.sandbox.languages import become, compile_program

    if way["kind"] == "stdio":
        become(way["language"], way["args"], artifact, EXECUTABLE)
    made, code = compile_program(program, way["language"])
    write_out(made)
    return code


def write_out(answer: bytes) -> None:
    """Write an answer to OUTPUT in parts that a pipe takes."""
    for start in range(0, len(answer), 1 << 16):
        os.write(OUTPUT, answer[start : start + (1 << 16)])


class NoEntryPointError(Exception):
    """The program defines no callable of the asked name."""


def load(program: str, name: str) -> dict[str, Any]:
    """Execute the program as the module `name`; return its globals."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    code = compile(program, "program.py", "exec", dont_inherit=True)
    bind(code, "class Solution" in program, module.__dict__)
    exec(code, module.__dict__)  # noqa: S102
    return module.__dict__


def exit_code_of(error: BaseException) -> int:
    """Return the exit code that says what ended a program."""
    if isinstance(error, NoEntryPointError):
        return NO_ENTRY_POINT
    return MISSING_MODULE if isinstance(error, ModuleNotFoundError) else RAISED


def find_entry_point(space: dict[str, Any], name: str) -> Any:
    """Return the asked function: `f`, `Solution.f`, or `f` of a program that wrote a `class Solution` around it."""
    scope, _, method = name.rpartition(".")
    solution = space.get(scope or "Solution")
    found = None if scope else space.get(name)
    if found is None:
        found = getattr(solution(), method, None) if isinstance(solution, type) else space.get(method)
    if not callable(found):
        raise NoEntryPointError
    return found


def run_call(program: str, way: dict[str, Any]) -> bytes:
    """Return the value of one call, as typed JSON."""
    if way["whole"]:
        return run_whole_call(program, way)
    entry_point = find_entry_point(load(program, "program"), way["entry_point"])
    args = [decode(value) for value in way["args"]]
    kwargs = {name: decode(value) for name, value in way["kwargs"].items()}
    return json.dumps(encode(entry_point(*args, **kwargs))).encode()


def run_whole_call(program: str, way: dict[str, Any]) -> bytes:
    """Return all that came of a call: value and changed arguments, or the exception's bases and message."""
    entry_point = find_entry_point(load(program, "program"), way["entry_point"])
    args = [decode(value) for value in way["args"]]
    kwargs = {name: decode(value) for name, value in way["kwargs"].items()}
    try:
        value = entry_point(*args, **kwargs)
    except (MemoryError, ModuleNotFoundError):
        raise
    except Exception as error:
        names = [base.__name__ for base in type(error).__mro__]
        return json.dumps({"raised": names, "message": str(error)[:1000]}).encode()
    after = [encode(item) for item in args]
    own = getattr(type(value), "__module__", None) in ("program", "unittest.mock")
    changed = after if after != way["args"] else None
    return json.dumps({"value": encode(value), "args": changed, "own": own}).encode()


def run_apart(_: str, way: dict[str, Any]) -> bytes:
    """Run test code without the program; the tester is imported here because few problems need it."""
    from cotfactory.graders.sandbox.tester import run_tests

    return run_tests(way)


def run_check(program: str, way: dict[str, Any]) -> bytes:
    """Run the problem's test code beside the program; return the token when nothing was raised."""
    from cotfactory.graders.sandbox.tester import run_beside

    return str(way["token"]).encode() if run_beside(load(program, "program"), way) else b"asserted nothing"


def run_notebook(_: str, way: dict[str, Any]) -> bytes:
    """Run cells; what does so is imported here because few problems need it."""
    from cotfactory.graders.sandbox.cells import run_cells

    return run_cells(way)


WAYS: dict[str, Callable[[str, dict[str, Any]], bytes]] = {
    "call": run_call,
    "cells": run_notebook,
    "check": run_check,
    "tests": run_apart,
}


def run_script(program: str, args: list[str]) -> int:
    """Run the program as `python program.py` would: threads joined, exit hooks run, output flushed."""
    sys.argv = ["program.py", *args]
    code = 0
    try:
        load(program, "__main__")
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except MemoryError:
        return OUT_OF_MEMORY
    except BaseException as error:
        code = exit_code_of(error)
    for thread in other_threads():
        thread.join()
    atexit._run_exitfuncs()
    # As at the end of an interpreter: files the program left open are closed, and both standard outputs written.
    sys.modules["__main__"].__dict__.clear()
    gc.collect()
    for stream in (sys.stdout, sys.__stdout__):
        with suppress(Exception):
            stream.flush()  # type: ignore[union-attr]
    return code & 0xFF


def other_threads() -> "Iterator[threading.Thread]":
    """Yield the threads a script waits for at its end."""
    threading = sys.modules.get("threading")
    if threading is None:
        return
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            yield thread
