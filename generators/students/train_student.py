"""Teach the small student: first from people's chains, then from the chains of a release."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import torch

from cotfactory.generators.students.human_chains import HUMAN, HumanFaults, human_chain
from cotfactory.generators.students.signs import LONGEST, read_chain, read_question
from cotfactory.generators.students.student_model import StudentModel, fit, load_student, new_student, save_student
from cotfactory.schemas.ids import seed_from

WEIGHTS = "student.pt"
"""What the folder of a student holds."""
BATCH = 128
BASE_STEPS, BASE_RATE = 550, 4e-3
ROUND_STEPS, ROUND_RATE = 12, 7e-4
OPERATIONS = 6
Pair = tuple[list[int], list[int]]


def train_base(folder: Path, seed: int, faults: HumanFaults = HUMAN, steps: int = BASE_STEPS) -> None:
    """Write a student that has read what people say to `steps` batches of expressions."""
    torch.set_num_threads(1)
    rng = Random(seed_from("human chains", seed))  # noqa: S311 - nothing secret
    model = new_student(seed)
    fit(model, [[_human_pair(rng, faults) for _ in range(BATCH)] for _ in range(steps)], BASE_RATE)
    _save(model, folder)


def train_on(base: Path, chains: Iterable[tuple[str, str]], folder: Path, seed: int, steps: int = ROUND_STEPS) -> int:
    """Go on from the student in `base` with (question, chain) pairs, and return how many it could read.

    With none it is written as it was. The same pairs in any order give the same student.
    """
    torch.set_num_threads(1)
    model = load_student(base / WEIGHTS)
    pairs = sorted(pair for pair in (_pair(*chain) for chain in chains) if pair is not None)
    if pairs:
        rng = Random(seed_from("fine-tuning", seed))  # noqa: S311 - nothing secret
        fit(model, [rng.choices(pairs, k=BATCH) for _ in range(steps)], ROUND_RATE)
    _save(model, folder)
    return len(pairs)


def released_chains(release: Path) -> list[tuple[str, str]]:
    """Return the (question, chain) pairs of the `train` rows of a release's `sft`."""
    paths = sorted((release / "sft").glob("train-*.parquet"))
    rows = [row for path in paths for row in pq.read_table(path, columns=["messages"]).to_pylist()]
    return [(row["messages"][-2]["content"], row["messages"][-1]["content"]) for row in rows]


def _human_pair(rng: Random, faults: HumanFaults) -> Pair:
    expression, said = human_chain(rng, OPERATIONS, faults)
    pair = _pair(expression.text(), said)
    assert pair is not None, f"the student has no sign for {said!r}"
    return pair


def _pair(question: str, said: str) -> Pair | None:
    prompt, chain = read_question(question), read_chain(said)
    return (prompt, chain) if prompt and chain and len(prompt) + len(chain) <= LONGEST else None


def _save(model: StudentModel, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_student(model, folder / WEIGHTS)


def main(words: Sequence[str]) -> None:
    """Train on the release in one folder what starts from the student in another, into a third: RELEASE OUT FROM.

    A folder alone gets a first student, which learns from people's chains.
    """
    if len(words) == 1:
        train_base(Path(words[0]), seed=0)
        return
    release, out, base = map(Path, words)
    print(f"learned from {train_on(base, released_chains(release), out, seed=0)} chains")


if __name__ == "__main__":
    main(sys.argv[1:])
