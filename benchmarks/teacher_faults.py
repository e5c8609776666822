"""What a fifth of faults costs a run: chains lost or doubled, wall time beside the same run without faults.

    COTFACTORY_SHARED=... python benchmarks/teacher_faults.py [--candidates N] [--in-flight N] [--latency-ms MS]
                                                              [--timeout-s S] [--retry-after S]

Run by hand on a quiet machine. One run without faults, then one in which 4 % of all requests are refused (429 with
Retry-After), 4 % answered 500, 4 % reset, 1 % never answered, 4 % cut short and 3 % empty. Both are checked row by row:
every wanted chain is there once, with text.
"""

import argparse
import tempfile
import time
from pathlib import Path

import duckdb
import uvloop

from benchmarks.load_teacher import LoadTeacher, load_teacher, write_recipe
from cotfactory.flows.build import build
from cotfactory.flows.end_state import EndState
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.flows.summary import RunSummary

FAULTS = {"p429": 0.04, "p500": 0.04, "preset": 0.04, "phang": 0.01, "ptrunc": 0.04, "pempty": 0.03}


def main() -> None:
    """Run without and with faults, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=20_000)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--latency-ms", type=float, default=200.0)
    parser.add_argument("--timeout-s", type=float, default=2.0)
    parser.add_argument("--retry-after", type=float, default=1.0)
    options = parser.parse_args()
    with load_teacher(latency_ms=options.latency_ms, retry_after=options.retry_after) as teacher:
        clean_s = run("no faults", teacher, options)
        teacher.configure(**FAULTS)
        faulty_s = run("a fifth of faults", teacher, options)
    print(f"wall: {faulty_s:.1f} s with faults / {clean_s:.1f} s without = {faulty_s / clean_s:.2f}")


def run(name: str, teacher: LoadTeacher, options: argparse.Namespace) -> float:
    """Run the recipe once, check every row and return the seconds it asked for."""
    teacher.reset()
    with tempfile.TemporaryDirectory() as folder:
        limits = {"concurrency": options.in_flight, "timeout_s": options.timeout_s}
        recipe = load_recipe(write_recipe(Path(folder), teacher.base_url, options.candidates, **limits))
        stages = TimedAsking()
        with TerminalProgress() as progress:
            summary = uvloop.run(build(BuildRequest(recipe, Path(folder) / "workspace"), stages, progress))
        rows, chains, empty = stored(Path(folder) / "workspace")
    said = teacher.stats()
    faults = sum(said[fault] for fault in ("f429", "f500", "freset", "fhang", "ftrunc", "fempty"))
    print(
        f"{name}: {said['requests']:,} requests, {faults:,} faults ({faults / said['requests']:.0%}); "
        f"lost {options.candidates - chains}, doubled {rows - chains}, empty {empty}, failed {summary.failed_calls}; "
        f"asked for {stages.seconds:.1f} s"
    )
    return stages.seconds


class TimedAsking(DirectStages):
    """Runs every stage as it is, and measures the time from the first shard's start to the last one's end."""

    def __init__(self) -> None:
        self._first, self._last = float("inf"), 0.0

    async def run(self, name, stage):  # type: ignore[no-untyped-def]
        """Run one stage."""
        if not name.startswith("ask "):
            return await stage()
        self._first = min(self._first, time.perf_counter())
        try:
            return await stage()
        finally:
            self._last = time.perf_counter()

    async def show(self, summary: RunSummary, ended: EndState, contract: str) -> None:
        """Show nothing."""

    @property
    def seconds(self) -> float:
        """How long shards were asking."""
        return self._last - self._first


def stored(workspace: Path) -> tuple[int, int, int]:
    """Return how many rows the candidates table has, of how many chains, and how many of them are empty."""
    query = f"""
        SELECT count(*), count(DISTINCT candidate_id), count(*) FILTER (response = '' AND reasoning IS NULL)
        FROM '{workspace}/tables/candidates/*.parquet'
    """
    ((rows, chains, empty),) = duckdb.execute(query).fetchall()
    return rows, chains, empty


if __name__ == "__main__":
    main()
