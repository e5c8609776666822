"""Chains per CPU-second of decontamination against made-up benchmarks, beside a plain Python set of runs.

    python benchmarks/decontamination.py [--questions N] [--chains N] [--words W] [--rounds R]

Run by hand on a quiet machine. Chains and benchmark questions are drawn from one list of 20,000 words, and every tenth
chain embeds a question. The plain way splits a chain into words and looks its runs of 8 and 13 words up in two sets: it
says whether any run is known, but not in which question, nor what share of it. Figures are medians over the rounds, in
CPU seconds of this process; both ways are checked to find all that was embedded.
"""

import argparse
import random
import re
import statistics
import time
from collections.abc import Callable

from cotfactory.curation.decontaminate import benchmark_index, contaminations
from cotfactory.curation.near_duplicates import signatures
from cotfactory.schemas.curation import Overlap
from cotfactory.schemas.decontamination import BenchmarkText

BATCH = 1_000


def main() -> None:
    """Measure in turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--chains", type=int, default=20_000)
    parser.add_argument("--words", type=int, default=60, help="words in a chain; GSM8K's have about 60")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    draw = random.Random(1)  # noqa: S311
    words = ["".join(draw.choices("abcdefghiklmnoprstuw", k=draw.randint(2, 10))) for _ in range(20_000)]
    questions = [" ".join(draw.choices(words, k=40)) for _ in range(options.questions)]
    chains = [" ".join(draw.choices(words, k=options.words)) for _ in range(options.chains)]
    planted = range(0, options.chains, 10)
    for place in planted:
        chains[place] += f" {draw.choice(questions)}"
    index = benchmark_index(
        [BenchmarkText(benchmark="b", row=str(n), column="q", text=text) for n, text in enumerate(questions)], Overlap()
    )
    known = {n: {run for question in questions for run in _runs(question, n)} for n in (8, 13)}

    def ours() -> list[bool]:
        batches = (chains[start : start + BATCH] for start in range(0, len(chains), BATCH))
        return [bool(hits) for batch in batches for hits in contaminations(batch, index, by_characters=False)]

    def plain() -> list[bool]:
        return [any(not known[n].isdisjoint(_runs(chain, n)) for n in (8, 13)) for chain in chains]

    def signed() -> list[bool]:
        for start in range(0, len(chains), BATCH):
            signatures(chains[start : start + BATCH])
        return []

    ways: dict[str, Callable[[], list[bool]]] = {
        "decontaminate": ours,
        "plain sets": plain,
        "MinHash signatures": signed,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, way in ways.items():
            started = time.process_time()
            found = way()
            times[name].append(time.process_time() - started)
            missed = [place for place in planted if found and not found[place]]
            if missed:
                raise SystemExit(f"{name} missed {len(missed)} of {len(planted)} embedded questions")
    base = statistics.median(times["plain sets"])
    print(f"{options.chains:,} chains of {options.words} words, {options.questions:,} benchmark questions")
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        print(f"{name:20}{options.chains / middle:>12,.0f} chains/CPU-s{base / middle:>8.1f} x the plain sets")


def _runs(text: str, length: int) -> set[tuple[str, ...]]:
    words = re.findall(r"[^\W\d_]+|\d+", text.lower())
    return set(zip(*(words[start:] for start in range(length)), strict=False))


if __name__ == "__main__":
    main()
