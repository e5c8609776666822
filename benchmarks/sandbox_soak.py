"""A long run of the sandbox: memory, processes and containers before, during and after.

    python benchmarks/sandbox_soak.py [--executions N] [--containers N]

Run by hand. Most programs are short and honest; one in twenty forks and leaves a process behind, fills its disk,
exhausts its memory, floods its output or runs into its time limit. Prints, ten times, the memory of this process and
of the containers (as the engine counts it) and the number of zombies; at the end how many containers are left.
"""

import argparse
import itertools
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker

from cotfactory.graders.sandbox.execution import Call, Execution, ExecutionLimits, Sandbox
from cotfactory.graders.sandbox.owner import owner_label
from cotfactory.graders.sandbox.pool import OWNER_LABEL, labelled, open_sandbox

LIMITS = ExecutionLimits(
    timeout_s=1.0, memory_mb=256, disk_mb=16, processes=32, output_bytes=1 << 16, largest_mb=256, longest_s=1.0
)
HONEST = "def f(n): return n * n"
WICKED = (
    "import os, time\ndef f(n):\n    if not os.fork():\n        time.sleep(99)\n    return n * n",
    "def f(n):\n    with open('/tmp/x', 'wb') as file:\n        while True: file.write(bytes(1 << 20))",
    "def f(n): return bytearray(1 << 40)",
    "def f(n):\n    while True: print('x' * 1000)",
    "def f(n):\n    while True: pass",
)


def main() -> None:
    """Run the executions in ten parts and print a line after each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--executions", type=int, default=20_000)
    parser.add_argument("--containers", type=int, default=4)
    options = parser.parse_args()
    client = docker.from_env()
    started, wrong = time.monotonic(), Counter[str]()
    with open_sandbox(containers=options.containers, limits=LIMITS) as sandbox, ThreadPoolExecutor(8) as threads:
        numbers = iter(range(options.executions))
        for part in range(10):
            part_numbers = itertools.islice(numbers, options.executions // 10)
            wrong.update(threads.map(lambda number: fault_of(sandbox, number), part_numbers))
            print(f"{(part + 1) * 10:3d} %  {time.monotonic() - started:6.0f} s  {state(client)}", flush=True)
    del wrong[""]
    left = own_containers(client)
    print(f"wrong answers: {dict(wrong) or 'none'}; containers left: {len(left)}")


def fault_of(sandbox: Sandbox, number: int) -> str:
    """Run one program; return what is wrong with its answer, or nothing."""
    wicked = number % 20 == 0
    program = WICKED[number // 20 % len(WICKED)] if wicked else HONEST
    (result,) = sandbox.run([Execution(program=program, way=Call(entry_point="f", args=(number,)))])
    if wicked:
        return ""
    return "" if result.output == str(number * number).encode() else f"{result.output[:40]!r}"


def state(client: docker.DockerClient) -> str:
    """Return the memory of this process and of the containers, and the zombies on the machine."""
    own = int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
    ours = own_containers(client)
    inside = sum(our.stats(stream=False)["memory_stats"].get("usage", 0) for our in ours) / 1e6
    return f"own {own:.0f} MB, {len(ours)} containers {inside:.0f} MB, {zombies()} zombies"


def own_containers(client: docker.DockerClient) -> list[Any]:
    """Return the containers that this process started."""
    return labelled(client, f"{OWNER_LABEL}={owner_label(os.getpid())}")


def zombies() -> int:
    """Return how many processes of the machine wait to be reaped."""
    count = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            count += status.read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            continue
    return count


if __name__ == "__main__":
    main()
