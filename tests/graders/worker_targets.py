"""Functions that worker processes of the tests call: some of them misbehave on purpose."""

import os
import time
from pathlib import Path


def double(value: int) -> int:
    return 2 * value


def process_id(_: int) -> int:
    return os.getpid()


def parent_id(_: int) -> int:
    return os.getppid()


def hang(seconds: float) -> str:
    """Ignore every polite signal and stay busy."""
    import signal

    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGXCPU):
        signal.signal(name, signal.SIG_IGN)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass
    return "awake"


def wait(seconds: float) -> None:
    """Hold the job without using the processor."""
    time.sleep(seconds)


def die(_: int) -> None:
    os._exit(3)


def die_once(mark: str) -> str:
    """End the process at the first call with this mark, answer at the second."""
    path = Path(mark)
    if path.exists():
        return "second try"
    path.touch()
    os._exit(3)


def fill_memory(_: int) -> int:
    return len(bytearray(2 * 1024**3))


def fail(_: int) -> None:
    raise KeyError("secret")


def talk(value: int) -> int:
    print("noise on standard output")
    return value
