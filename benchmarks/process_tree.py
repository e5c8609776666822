"""The CPU time of some processes and of all that descend from them, by kind of process; the dead count too."""

import os
import threading
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

TICKS = os.sysconf("SC_CLK_TCK")
NODES = "nodes"
LOOK_EVERY_S = 0.1
"""What a process uses after the last look before its end is not seen."""
KINDS = {
    "gcs_server": "Ray: head service",
    "raylet/raylet": "Ray: raylets",
    "log_monitor": "Ray: log monitors",
    "monitor.py": "Ray: autoscaler",
    "dashboard.py": "Ray: dashboard",
    "Agent": "Ray: agents",
    "ray::_Actor": NODES,
    "ray::IDLE": "Ray: idle workers",
    "default_worker": "Ray: workers that start",
    "client.server": "Ray: client server",
    "ray start": "Ray: start",
    "serve_forks": "workers that grade",
}


class _Process(NamedTuple):
    pid: int
    started: str


class ProcessTree:
    """A context in which some processes and their descendants are watched, from a thread.

    What the `roots` and their descendants had used before does not count.
    """

    def __init__(self, *roots: int) -> None:
        self._known = set(roots)
        self._before: dict[_Process, int] = {}
        self._ticks: dict[_Process, int] = {}
        self._kinds: dict[_Process, str] = {}
        self._looking = threading.Lock()
        self._is_over = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)

    def add(self, root: int) -> None:
        """Watch one more, whose whole CPU time counts."""
        self._known = self._known | {root}

    def cpu_s(self) -> Counter[str]:
        """Look, and return the CPU seconds used so far, by kind of process."""
        self._look()
        spent: Counter[str] = Counter()
        with self._looking:
            for process, ticks in self._ticks.items():
                spent[self._kinds[process]] += ticks - self._before.get(process, 0)
        return Counter({kind: ticks / TICKS for kind, ticks in spent.items()})

    def __enter__(self) -> Self:
        self._look()
        self._before = dict(self._ticks)
        self._watching.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._watching.join()

    def _watch(self) -> None:
        while not self._is_over.wait(LOOK_EVERY_S):
            self._look()

    def _look(self) -> None:
        with self._looking:
            self._look_once()

    def _look_once(self) -> None:
        found = _processes()
        known = _below(self._known, found)
        self._known |= known
        for pid in known:
            process = _Process(pid, found[pid].started)
            self._ticks[process] = found[pid].ticks
            self._kinds[process] = kind_of(pid) or self._kinds.get(process, "gone at once")


class _Stat(NamedTuple):
    parent: int
    started: str
    ticks: int


def descendants(root: int) -> set[int]:
    """Return a process, where it is there, and all that descend from it."""
    return _below({root}, _processes())


def _processes() -> dict[int, _Stat]:
    found: dict[int, _Stat] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text("utf-8", "replace").rpartition(") ")[2].split()
        except OSError:
            continue
        found[int(path.parent.name)] = _Stat(int(fields[1]), fields[19], int(fields[11]) + int(fields[12]))
    return found


def _below(roots: set[int], found: dict[int, _Stat]) -> set[int]:
    known = roots & found.keys()
    while more := {pid for pid, stat in found.items() if stat.parent in known} - known:
        known |= more
    return known


def kind_of(pid: int) -> str:
    """Return which kind of process this is; an empty word when it is gone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""
    return next((kind for part, kind in KINDS.items() if part in words), "the command" if words else "")
