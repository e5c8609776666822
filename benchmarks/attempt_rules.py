"""Calls, chains and pass rates under each rule of `attempts`, on the same problems and through the whole engine.

    python -m benchmarks.attempt_rules BASE_URL PROBLEMS TRUTH [--in-flight N]

Run by hand against a teacher whose pass rates are known: PROBLEMS is a problem file, TRUTH holds a line
`{"id": ..., "pass_rate": ...}` for each of its problems. Every rule is a `cotfactory run --direct` in a workspace of
its own, so that it pays for all it uses. The first table is about SFT sets: calls, chains kept (at most 4 of a
problem) and the bias of the pass rate as it is published, beside that of plain c / n. The second is about RL sets:
which problems a rule finds in the band 0.2 to 0.8, judged by c / n and by the published rate, and what one of them
costs.
"""

import argparse
import json
import math
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from tests.command_line import run_command

WANTED_CHAINS = 4
BAND = (0.2, 0.8)
FIXED = "fixed 16"
RULES: dict[str, dict[str, Any]] = {
    FIXED: {"max": 16},
    "fixed 8": {"max": 8},
    "stop at 4": {"max": 16, "stop_after_correct": WANTED_CHAINS},
    "stop at 4, give up at 8": {"max": 16, "stop_after_correct": WANTED_CHAINS, "give_up_after": 8},
    "band": {"max": 16, "mode": "band", "band": list(BAND)},
}


@dataclass(frozen=True)
class Outcome:
    """What one run made: calls, kept chains, and (true pass rate, published one, c, n) of each problem."""

    calls: int
    kept: int
    problems: list[tuple[float, float, int, int]]


def main() -> None:
    """Run every rule and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base_url")
    parser.add_argument("problems", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--in-flight", type=int, default=256)
    options = parser.parse_args()
    lines = map(json.loads, options.truth.read_text("utf-8").splitlines())
    truth = {str(line["id"]): float(line["pass_rate"]) for line in lines}
    outcomes = {name: run(name, options, truth) for name in RULES}
    print(f"{len(truth):,} problems, {sum(in_band(true) for true in truth.values()):,} of them in the band {BAND}")
    print_chains(outcomes)
    print_bands(outcomes)


def run(name: str, options: argparse.Namespace, truth: dict[str, float]) -> Outcome:
    """Build a dataset under one rule and return what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        recipe = {
            "name": "rules",
            "problems": [{"source": "file", "path": str(options.problems.resolve())}],
            "teachers": [
                {
                    "name": "t",
                    "model": "m",
                    "base_url": options.base_url,
                    "sampling": {"temperature": 1.0},
                    "limits": {"concurrency": options.in_flight},
                }
            ],
            "attempts": RULES[name],
            "curation": {"max_per_problem": WANTED_CHAINS},
            "release": {"products": ["rl"], "license": "mit"},
        }
        (here / "recipe.yaml").write_text(yaml.safe_dump(recipe))
        command = run_command(here / "recipe.yaml", here / "w", "--direct", "--json")
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
        summary = json.loads(done.stdout.splitlines()[-1])
        columns = ["source_row_id", "pass_rate", "pass_rate_c", "pass_rate_n"]
        published = pq.ParquetDataset(Path(summary["release"]["path"]) / "rl").read(columns).to_pylist()
    rates = [(truth[row["source_row_id"]], *(row[column] for column in columns[1:])) for row in published]
    return Outcome(summary["teacher_calls"], summary["kept"], rates)


def print_chains(outcomes: dict[str, Outcome]) -> None:
    """Print what the kept chains of each rule cost, and how far its pass rates are off on average."""
    fixed = outcomes[FIXED]
    print(f"\n{'rule':24} {'calls':>8} {'':>7} {'kept':>7} {'':>7} {'bias of pass_rate':>21} {'bias of c / n':>14}")
    for name, outcome in outcomes.items():
        errors = [published - true for true, published, _, _ in outcome.problems]
        standard_error = statistics.stdev(errors) / math.sqrt(len(errors))
        plain = statistics.mean(c / n - true for true, _, c, n in outcome.problems)
        calls = f"{outcome.calls:8,} {outcome.calls / fixed.calls - 1:+7.1%}"
        kept = f"{outcome.kept:7,} {outcome.kept / fixed.kept - 1:+7.1%}"
        print(f"{name:24} {calls} {kept} {statistics.mean(errors):+13.4f} ± {standard_error:.4f} {plain:+14.4f}")


def print_bands(outcomes: dict[str, Outcome]) -> None:
    """Print how well each rule finds the problems in the band, judged in two ways."""
    print(f"\n{'rule':24} {'in the band, says':18} {'precision':>9} {'recall':>7} {'calls for one':>14} {'':>7}")
    costs: list[float] = []
    for name, outcome in outcomes.items():
        for judge, said in (
            ("c / n", [in_band(c / n) for _, _, c, n in outcome.problems]),
            ("pass_rate", [in_band(published) for _, published, _, _ in outcome.problems]),
        ):
            really = [in_band(true) for true, _, _, _ in outcome.problems]
            found = sum(both for both in map(min, said, really))
            costs.append(outcome.calls / found)
            print(
                f"{name:24} {judge:18} {found / sum(said):9.1%} {found / sum(really):7.1%} "
                f"{costs[-1]:14.1f} {costs[-1] / costs[0] - 1:+7.1%}"
            )


def in_band(rate: float) -> bool:
    """Whether a pass rate lies in the band."""
    return BAND[0] <= rate <= BAND[1]


if __name__ == "__main__":
    main()
