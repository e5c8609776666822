"""The clock of an execution: CPU time decides, and a program that waits for a CPU is not late.

Read only when an execution may be late, by the runner inside the container. An execution is late when it has used its
limit of CPU time, or has slept or waited for something else than a CPU for IDLE_SHARE times its limit. One that got so
little CPU that neither holds after STARVED_SHARE times the limit is starved: that says nothing about the program.
"""

import os
from contextlib import suppress

IDLE_SHARE = 2
STARVED_SHARE = 8
CHECK_S = 0.05
TICKS = os.sysconf("SC_CLK_TCK")


def may_run_for(timeout_s: float, wall_s: float) -> float:
    """Return how many seconds an execution can go on before it must be asked again; 0 when it is late or starved."""
    used_s, waited_s = times()
    if used_s >= timeout_s or wall_s - waited_s >= IDLE_SHARE * timeout_s or wall_s >= STARVED_SHARE * timeout_s:
        return 0.0
    return max(CHECK_S, min(timeout_s - used_s, IDLE_SHARE * timeout_s - (wall_s - waited_s)) / 2)


def is_starved(timeout_s: float, wall_s: float) -> bool:
    """Whether an execution that was stopped had neither used its time nor idled it away."""
    used_s, waited_s = times()
    return used_s < timeout_s and wall_s - waited_s < IDLE_SHARE * timeout_s


def times() -> tuple[float, float]:
    """Return the seconds that everything but this process and the init has run, and has waited for a CPU.

    Ended children count with the process that waited for them. Where the kernel does not tell how long a process
    waited, it is 0, and the wall clock decides about programs that idle.
    """
    used, waited = 0.0, 0.0
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdecimal() and name != "1" and int(name) != os.getpid():
            with suppress(OSError):  # it ended meanwhile
                used += _cpu_seconds(name)
                tasks = f"/proc/{name}/task"
                waited += sum(_waited_seconds(f"{tasks}/{task}") for task in os.listdir(tasks))  # noqa: PTH208
    return used, waited


def _cpu_seconds(pid: str) -> float:
    """Return the CPU time of a process and of the children it has waited for."""
    with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - pathlib is not warm
        fields = file.read().rpartition(b")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def _waited_seconds(task: str) -> float:
    """Return how long a thread was ready to run and had no CPU."""
    with suppress(FileNotFoundError), open(f"{task}/schedstat", "rb") as file:  # noqa: PTH123
        return int(file.read().split()[1]) / 1e9
    return 0.0
