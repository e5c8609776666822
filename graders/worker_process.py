"""The inside of a worker process: read a JSON line, call the function, write a JSON line."""

import importlib
import json
import resource
import sys


def serve(target: str, memory_mb: int, timeout_s: float) -> None:
    """Answer jobs from standard input until it closes.

    `target` is "module:function". The address space is limited to `memory_mb`. The CPU limit moves with every
    job, so that a worker whose parent was killed mid-job ends by itself.
    """
    module, _, name = target.partition(":")
    function = getattr(importlib.import_module(module), name)
    limit = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(3_000)
    replies = sys.stdout
    sys.stdout = sys.stderr  # a library that prints must not write into the protocol
    _write(replies, {"ready": True})
    for line in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(used.ru_utime + used.ru_stime + timeout_s) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
        try:
            message: dict[str, object] = {"ok": True, "value": function(*json.loads(line))}
        except MemoryError:
            # A process at its memory limit is not trusted with the next job: the parent replaces it.
            raise SystemExit(1) from None
        except Exception as error:
            message = {"ok": False, "error": type(error).__name__}
        _write(replies, message)


def _write(stream: object, message: dict[str, object]) -> None:
    assert hasattr(stream, "write")
    assert hasattr(stream, "flush")
    stream.write(json.dumps(message) + "\n")
    stream.flush()
