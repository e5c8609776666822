"""Executions per minute of the sandbox, of `docker exec` and of a bare interpreter, side by side.

    python benchmarks/sandbox_executions.py [--workers N] [--seconds S] [--rounds R] [--python PATH ...] [--cpp]

Run by hand on a quiet machine. One short program that reads a number and prints one; every way is checked to print the
right one. All ways run in turns, in the same process, with the same number of workers, each worker one execution after
the other; the figures are medians over the rounds. The bare interpreter is `python3 -I` with the program on its command
line and no isolation at all. How long it takes to start depends on what its site-packages hold, so that each
interpreter named by --python is a row of its own. --cpp adds the same program in C++, compiled before.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import docker

from cotfactory.graders.code.compiled import compiled
from cotfactory.graders.sandbox.execution import Execution, Stdio
from cotfactory.graders.sandbox.pool import DEFAULT_IMAGE, open_sandbox

PROGRAM = """n = int(input())
total = 0
for digit in str(n):
    total += int(digit)
print(total)
"""
CPP = """#include <iostream>
int main() {
    std::string digits;
    std::cin >> digits;
    int total = 0;
    for (char digit : digits) total += digit - '0';
    std::cout << total << "\\n";
}
"""
STDIN, PRINTED = "38\n", b"11\n"

Way = Callable[[], bytes]


def main() -> None:
    """Measure all ways in turns and print a table."""
    options = parse_options()
    client = docker.from_env()
    warm = client.containers.run(
        options.image, ["sleep", "infinity"], detach=True, init=True, auto_remove=True, network_mode="none"
    )
    try:
        with open_sandbox(options.image, containers=options.workers) as sandbox:
            execution = Execution(program=PROGRAM, way=Stdio(stdin=STDIN))
            ways: dict[str, Way] = {
                "sandbox": lambda: sandbox.run([execution])[0].output,
                "docker exec": lambda: command(["docker", "exec", "-i", str(warm.id), "python3", "-I", "-c", PROGRAM]),
            }
            if options.cpp:
                compiled_cpp = compiled(CPP, "cpp", sandbox)
                if not isinstance(compiled_cpp, bytes):
                    raise SystemExit(f"the image compiles no C++: {compiled_cpp}")
                running = Execution(program="", artifact=compiled_cpp, way=Stdio(stdin=STDIN, language="cpp"))
                ways["sandbox, C++"] = lambda: sandbox.run([running])[0].output
            for python in options.python:
                ways[f"bare {python}"] = lambda python=python: command([python, "-I", "-c", PROGRAM])  # type: ignore[misc]
            figures = measure(ways, options.workers, options.seconds, options.rounds)
    finally:
        warm.remove(force=True)
    print_table(figures, options.workers)


def parse_options() -> argparse.Namespace:
    """Return the command line's options."""
    here = [path for path in ("/usr/bin/python3", sys.executable) if shutil.which(path)]
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seconds", type=float, default=4.0, help="for each way in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpp", action="store_true", help="the program in C++ too")
    parser.add_argument("--image", default=DEFAULT_IMAGE)
    parser.add_argument("--python", nargs="+", default=here, help="interpreters to start bare")
    return parser.parse_args()


def command(words: list[str]) -> bytes:
    """Return what a command prints; raises CalledProcessError."""
    return subprocess.run(words, input=STDIN.encode(), capture_output=True, check=True).stdout  # noqa: S603


def measure(ways: dict[str, Way], workers: int, seconds: float, rounds: int) -> dict[str, list[float]]:
    """Return each way's executions per minute, one figure a round."""
    figures: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        per_minute(way, workers, 1.0)
    for _ in range(rounds):
        for name, way in ways.items():
            figures[name].append(per_minute(way, workers, seconds))
    return figures


def per_minute(way: Way, workers: int, seconds: float) -> float:
    """Return how many executions a minute all workers together finish."""
    done = threading.Event()

    def work(_: int) -> int:
        count = 0
        while not done.is_set():
            if way() != PRINTED:
                raise ValueError(f"it printed something else than {PRINTED!r}")
            count += 1
        return count

    with ThreadPoolExecutor(workers) as threads:
        started = time.perf_counter()
        counts = [threads.submit(work, worker) for worker in range(workers)]
        time.sleep(seconds)
        done.set()
        total = sum(count.result() for count in counts)
        return 60 * total / (time.perf_counter() - started)


def print_table(figures: dict[str, list[float]], workers: int) -> None:
    """Print a line for each way: executions per minute, and how many times as many the sandbox does."""
    print(f"{workers} workers, load average {os.getloadavg()[0]:.1f} at the end")
    for name, counts in figures.items():
        ratios = [ours / theirs for ours, theirs in zip(figures["sandbox"], counts, strict=True)]
        print(
            f"{name:<60} {statistics.median(counts):>8,.0f} a minute ({min(counts):,.0f} to {max(counts):,.0f})"
            f"   sandbox: {statistics.median(ratios):.1f} x"
        )


if __name__ == "__main__":
    main()
