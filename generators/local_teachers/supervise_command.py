"""Run a command until it ends, until SIGTERM, or until the parent is gone; then end all that it has started.

A script of the standard library alone, `python supervise_command.py PARENT WORD...`: it is there for as long as a model
is served, and what it serves must end with the run, also after kill -9 of the run.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

CHECK_S = 0.2
END_S = 10.0
NOT_FOUND = 127
PR_SET_PDEATHSIG = 1


def supervise(parent: int, words: Sequence[str]) -> int:
    """Return the command's exit code, once nothing of its process group is left."""
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stopped.append(received))
    try:
        process = subprocess.Popen(  # noqa: S603 - the recipe's own command, without a shell
            words, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_end_with_parent
        )
    except OSError as error:
        print(f"{words[0]}: {error.strerror}", file=sys.stderr)
        return NOT_FOUND
    while process.poll() is None and not stopped and os.getppid() == parent:
        time.sleep(CHECK_S)
    _end_group(process)
    return process.returncode


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _end_with_parent() -> None:
    """Ask Linux to end the command when this process dies, by kill -9 too; other systems have no such call."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(supervise(int(sys.argv[1]), sys.argv[2:]))
