"""A machine of two is killed or stands still, or the head is killed, at random: what was lost, doubled or paid twice.

    COTFACTORY_SHARED=... python -m benchmarks.node_kills [--candidates N] [--points N] [--what machine|pause|head ...]
                                                          [--in-flight N] [--latency-ms MS] [--seed S]

Run by hand. The command line runs a recipe against the load teacher on two raylets of this machine, started anew for
each point. `machine`: raylet and node of one are killed with SIGKILL, and the run must end by itself; `pause`: they are
stopped (SIGSTOP) until the run is over, then go on and must change nothing; `head`: the command is killed, and must
come to its end in one process. Each time every wanted chain must be there once, and what the teacher was paid for
beyond them be no more than what the run tells as in flight.
"""

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import duckdb

from benchmarks.load_teacher import LoadTeacher, load_teacher, write_recipe
from benchmarks.process_tree import NODES, descendants, kind_of
from tests.command_line import run_command
from tests.flows.nodes.raylets import Cluster, two_raylets

WHAT = ("machine", "pause", "head")


def main() -> None:
    """Have it happen at each point, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=4_000)
    parser.add_argument("--points", type=int, default=10)
    parser.add_argument("--what", nargs="+", choices=WHAT, default=["machine"])
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--latency-ms", type=float, default=200.0)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))  # noqa: S311
    options = parser.parse_args()
    print(f"seed {options.seed}")
    chance = random.Random(options.seed)  # noqa: S311
    with load_teacher(latency_ms=options.latency_ms) as teacher:
        for what in itertools.islice(itertools.cycle(options.what), options.points):
            with tempfile.TemporaryDirectory() as folder, two_raylets() as cluster:
                teacher.reset()
                recipe = write_recipe(Path(folder), teacher.base_url, options.candidates, concurrency=options.in_flight)
                one_point(recipe, teacher, cluster, what, int(chance.uniform(0.02, 0.98) * options.candidates))


def one_point(recipe: Path, teacher: LoadTeacher, cluster: Cluster, what: str, at: int) -> None:
    """Run the recipe, have it happen when `at` answers are paid, and print the books of the end."""
    workspace = recipe.parent / "workspace"
    running = start(recipe, workspace, cluster, "--nodes", "auto")
    while teacher.stats()["choices_paid"] < at:
        assert running.poll() is None, running.communicate()
        time.sleep(0.005)
    machine = descendants(cluster.second.pid)
    nodes = [pid for pid in machine if kind_of(pid) == NODES]
    assert len(nodes) == 1, nodes
    if what == "machine":
        send(signal.SIGKILL, machine)
    elif what == "pause":
        send(signal.SIGSTOP, machine)
    else:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        running = start(recipe, workspace, cluster)
    output, said = running.communicate()
    assert running.returncode == 0, said
    if what == "pause":
        before = stored(workspace)
        send(signal.SIGCONT, machine)
        while kind_of(nodes[0]):  # it finds that nobody knows it any more
            time.sleep(0.1)
        assert stored(workspace) == before
    summary = json.loads(output.splitlines()[-1])
    chains, rows = stored(workspace)
    wanted = len((recipe.parent / "problems.jsonl").read_text().splitlines()) * 4
    told, paid_twice = summary["lost_in_flight"], teacher.stats()["choices_paid"] - wanted
    print(
        f"{what} at {at:,}: missing {wanted - chains}, doubled {rows - chains}, paid twice {paid_twice}, "
        f"told as in flight {told}",
        flush=True,
    )
    assert (chains, rows) == (wanted, wanted)
    assert paid_twice <= told


def send(number: signal.Signals, processes: set[int]) -> None:
    """Send a signal to some processes."""
    for pid in processes:
        os.kill(pid, number)


def start(recipe: Path, workspace: Path, cluster: Cluster, *options: str) -> "subprocess.Popen[str]":
    """Start a run in a process group of its own."""
    return subprocess.Popen(  # noqa: S603
        run_command(recipe, workspace, "--direct", "--json", *options),
        env=cluster.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def stored(workspace: Path) -> tuple[int, int]:
    """Return of how many chains the candidates table has rows, and how many."""
    query = f"SELECT count(DISTINCT candidate_id), count(*) FROM '{workspace}/tables/candidates/*.parquet'"
    ((chains, rows),) = duckdb.execute(query).fetchall()
    return chains, rows


if __name__ == "__main__":
    main()
