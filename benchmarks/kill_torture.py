"""kill -9 at random instants, then resume: what was lost, doubled or paid twice, and is what was in flight told?

    COTFACTORY_SHARED=... python -m benchmarks.kill_torture [--candidates N] [--kills N] [--in-flight N]
                                                            [--latency-ms MS] [--seed S]

Run by hand. The command line runs a recipe against the load teacher and is killed with SIGKILL, whole process group,
at random instants: while it starts, asks, seals or recovers. The last run goes on to its end. Then the books must
balance: every wanted chain is there once; no request was sent for a chain whose line was in the ledger before; and
what the teacher was paid for beyond the wanted chains is no more than what the ledger tells as in flight at the kills.
"""

import argparse
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
from cotfactory.warehouse.journal_reader import read_journal
from cotfactory.warehouse.ledger import open_journals
from tests.command_line import run_command


def main() -> None:
    """Kill, resume, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--latency-ms", type=float, default=200.0)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))  # noqa: S311
    options = parser.parse_args()
    print(f"seed {options.seed}")
    chance = random.Random(options.seed)  # noqa: S311
    with load_teacher(latency_ms=options.latency_ms) as teacher, tempfile.TemporaryDirectory() as folder:
        recipe = write_recipe(Path(folder), teacher.base_url, options.candidates, concurrency=options.in_flight)
        torture(recipe, teacher, options, chance)


def torture(recipe: Path, teacher: LoadTeacher, options: argparse.Namespace, chance: random.Random) -> None:
    """Run `recipe` with kills until it is done, and print the books."""
    workspace = recipe.parent / "workspace"
    books = Books(workspace)
    share = options.candidates / (options.kills + 1)
    for kill in range(1, options.kills + 1):
        running = start(recipe, workspace)
        # A random number of further answers, then a random moment: seals and recoveries are hit too.
        until = teacher.stats()["choices_paid"] + chance.uniform(0.0, 1.6) * share
        while running.poll() is None and teacher.stats()["choices_paid"] < until:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.5))
        if running.poll() is not None:
            print(f"kill {kill}: it was done already")
            break
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        books.read()
        print(f"kill {kill}: {len(books.reached):,} chains have reached us, {books.in_flight} were in flight so far")
    assert start(recipe, workspace).wait() == 0
    rows, chains = books.stored()
    said = teacher.stats()
    beyond = said["choices_paid"] - options.candidates
    print(f"lost {options.candidates - chains}, doubled {rows - chains}, asked again after it was here {books.again}")
    print(
        f"in flight at the kills {books.in_flight}, told by the ledger {books.told()}: "
        f"{beyond} of them were paid twice, {said['abandoned']} abandoned by the teacher"
    )
    assert (chains, rows, books.again) == (options.candidates, options.candidates, 0)
    assert beyond <= books.in_flight == books.told()


def start(recipe: Path, workspace: Path) -> "subprocess.Popen[bytes]":
    """Start a run in a process group of its own."""
    command = run_command(recipe, workspace, "--direct")
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)  # noqa: S603


class Books:
    """What the workspace holds after each kill."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._seen: set[Path] = set()
        self.reached: set[str] = set()
        self.in_flight = self.again = 0

    def read(self) -> None:
        """Read the journals and tables that a killed run left."""
        fresh = [path for path in open_journals(self._workspace / "ledger") if path not in self._seen]
        entries = [read_journal(path) for path in fresh]
        bought = {candidate_id for journal in entries for candidate_id in journal.bought}
        unanswered = [request for journal in entries for request in journal.in_flight]
        self.again += len(self.reached & (bought | set(unanswered)))
        self.in_flight += len(unanswered)
        self._seen.update(fresh)
        self.reached |= bought
        if (self._workspace / "tables" / "candidates").exists():
            self.reached |= {row[0] for row in duckdb.execute(f"SELECT candidate_id FROM {self._table()}").fetchall()}

    def stored(self) -> tuple[int, int]:
        """Return how many rows the candidates table has, and of how many chains."""
        query = f"SELECT count(*), count(DISTINCT candidate_id) FROM {self._table()}"
        ((rows, chains),) = duckdb.execute(query).fetchall()
        return rows, chains

    def told(self) -> int:
        """Return how many requests the ledger says were in flight when runs died."""
        lines = (self._workspace / "ledger" / "unconfirmed.jsonl").read_text().splitlines()
        return sum({entry["journal"]: entry["in_flight"] for entry in map(json.loads, lines)}.values())

    def _table(self) -> str:
        return f"'{self._workspace}/tables/candidates/*.parquet'"


if __name__ == "__main__":
    main()
