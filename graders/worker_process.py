"""The inside of worker processes: a fork server that imports once and forks workers, and the loop of a worker.

The fork server only imports, forks and waits; it never runs a job, so that nothing a job does can reach the next
worker.
"""

import importlib
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

MOST_ERROR_CHARS = 500


def serve_forks(target: str, memory_mb: int, timeout_s: float, descriptor: int) -> None:
    """Fork a worker for every socket that arrives on `descriptor`, until its other end is closed; say when ready.

    `target` is "module:function" and is imported before the first fork: a worker is ready milliseconds later. A
    function `prepare` of the module is called once, to fill the caches that every worker then starts with.
    """
    name, _, attribute = target.partition(":")
    module = importlib.import_module(name)
    function = getattr(module, attribute)
    if hasattr(module, "prepare"):
        module.prepare()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # dead workers leave no zombies
    with socket.socket(fileno=descriptor) as control:
        control.sendall(b"r")
        while True:
            request, descriptors, _, _ = socket.recv_fds(control, 1, 1)
            if not request:
                return
            if os.fork() == 0:
                control.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                try:
                    serve(function, memory_mb, timeout_s, socket.socket(fileno=descriptors[0]))
                finally:
                    os._exit(0)
            os.close(descriptors[0])


def serve(function: Callable[..., Any], memory_mb: int, timeout_s: float, jobs: socket.socket) -> None:
    """Answer jobs from the socket until it closes, JSON lines in and out; the first line says which process it is.

    The address space is limited to `memory_mb`. The CPU limit moves with every job, so that a worker whose parent
    was killed mid-job ends by itself.
    """
    limit = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(3_000)
    sys.stdout = sys.stderr  # a library that prints must not write into the protocol
    stream = jobs.makefile("rw", encoding="utf-8", newline="\n")
    _write(stream, {"process_id": os.getpid()})
    for line in stream:
        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(used.ru_utime + used.ru_stime + timeout_s) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
        started = time.thread_time()
        try:
            message: dict[str, object] = {"ok": True, "value": function(*json.loads(line))}
        except MemoryError:
            # A process at its memory limit is not trusted with the next job: the parent replaces it.
            return
        except Exception as error:
            message = {"ok": False, "error": f"{type(error).__name__}: {error}"[:MOST_ERROR_CHARS]}
        _write(stream, {**message, "cpu_s": time.thread_time() - started})


def _write(stream: Any, message: dict[str, object]) -> None:
    stream.write(json.dumps(message) + "\n")
    stream.flush()
