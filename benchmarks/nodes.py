"""What nodes cost: the CPU time of all processes, Ray's own included, against one process, and how both grow.

    COTFACTORY_SHARED=... python -m benchmarks.nodes [--candidates N M] [--in-flight N] [--latency-ms MS] [--rounds N]

Run by hand. The command line runs a recipe against the load teacher: in one process, with `--processes 2`, and with
`--nodes auto` on two raylets of this machine, in turns. The last pays for all that the cluster does meanwhile, not for
its start. Prints the CPU seconds by kind of process, until all is asked and of the whole run, the ratios, and of two
sizes what is constant and what grows with the chains; `rows_sha` must be the same of all.
"""

import argparse
import json
import os
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load_teacher import LoadTeacher, load_teacher, write_recipe
from benchmarks.process_tree import ProcessTree
from tests.command_line import run_command
from tests.flows.nodes.raylets import Cluster, two_raylets

ALONE = "one process"
WAYS = {ALONE: (), "--processes 2": ("--processes", "2"), "--nodes auto": ("--nodes", "auto")}


@dataclass(frozen=True)
class Spent:
    """What one run took: CPU seconds by kind of process until all was asked, and in all; and the hash of its rows."""

    asking: Counter[str]
    whole: Counter[str]
    rows_sha: str


def main() -> None:
    """Run all ways of all sizes and print what they cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, nargs="+", default=[4_000, 12_000])
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--latency-ms", type=float, default=200.0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    spent: dict[tuple[str, int], list[Spent]] = defaultdict(list)
    with ExitStack() as stack:
        teacher = stack.enter_context(load_teacher(latency_ms=options.latency_ms))
        cluster = stack.enter_context(two_raylets()) if "--nodes auto" in options.ways else None
        for _ in range(options.rounds):
            for size in options.candidates:
                for way in options.ways:
                    spent[way, size].append(one_run(teacher, cluster, way, size, options.in_flight))
                    print(f"{size:,} chains, {way}: {spent[way, size][-1].whole.total():.1f} CPU s", flush=True)
    print_all(spent, options.ways, options.candidates)


def one_run(teacher: LoadTeacher, cluster: Cluster | None, way: str, size: int, in_flight: int) -> Spent:
    """Run the recipe once in a workspace of its own."""
    environment, raylets = dict(os.environ), list[int]()
    if way == "--nodes auto":
        assert cluster is not None
        environment, raylets = cluster.environment, [cluster.first.pid, cluster.second.pid]
    with tempfile.TemporaryDirectory() as folder:
        recipe = write_recipe(Path(folder), teacher.base_url, size, concurrency=in_flight)
        command = run_command(recipe, Path(folder) / "w", "--direct", "--json", *WAYS[way])
        said: list[str] = []
        with ProcessTree(*raylets) as tree:
            running = subprocess.Popen(  # noqa: S603
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            tree.add(running.pid)
            asking: Counter[str] = Counter()
            for line in running.stderr or ():
                said.append(line)
                if line.startswith("ask and grade") and f" {size}/{size} " in line:
                    asking = tree.cpu_s()
            output, _ = running.communicate()
            assert running.returncode == 0, "".join(said)
        summary = json.loads(output.splitlines()[-1])
        assert (summary["candidates"], summary["teacher_calls"]) == (size, size), summary
    return Spent(asking, tree.cpu_s(), summary["release"]["rows_sha"])


def print_all(spent: Mapping[tuple[str, int], list[Spent]], ways: list[str], sizes: list[int]) -> None:
    """Print means by kind of process, ratios, and what is constant."""
    for size in sizes:
        assert len({run.rows_sha for way in ways for run in spent[way, size]}) == 1
    for part in ("asking", "whole"):
        print(f"\n{'until all is asked' if part == 'asking' else 'the whole run'}: CPU s")
        for size in sizes:
            alone = mean(spent[ALONE, size], part).total()
            for way in ways:
                cpu_s = mean(spent[way, size], part)
                ratio = f"{cpu_s.total() / alone:.2f} x one process" if alone else ""
                print(f"  {size:,} chains, {way}: {cpu_s.total():.2f}  {ratio}")
                for kind, seconds in cpu_s.most_common():
                    print(f"      {kind:30} {seconds:7.2f}")
        if len(sizes) > 1:
            print_growth(spent, ways, sizes, part)


def print_growth(spent: Mapping[tuple[str, int], list[Spent]], ways: list[str], sizes: list[int], part: str) -> None:
    """Print which share of the CPU seconds is constant, and which grows, from the smallest and the largest size."""
    few, many = min(sizes), max(sizes)
    print(f"  {'':34} constant   a 1,000 chains")
    for way in ways:
        first, second = mean(spent[way, few], part), mean(spent[way, many], part)
        for kind in ["all", *second]:
            a, b = (cpu_s.total() if kind == "all" else cpu_s[kind] for cpu_s in (first, second))
            slope = (b - a) / (many - few)
            print(f"  {way if kind == 'all' else '    ' + kind:34} {a - slope * few:8.2f} {slope * 1000:9.3f}")


def mean(runs: list[Spent], part: str) -> Counter[str]:
    """Return the mean CPU seconds of some runs, by kind of process."""
    parts: list[Counter[str]] = [getattr(run, part) for run in runs]
    return Counter({kind: sum(one[kind] for one in parts) / len(runs) for kind in set().union(*parts)})


if __name__ == "__main__":
    main()
