"""A release with `rl` rows of all four answer kinds, made by a real run, and what is said to its problems."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cotfactory.flows.inspect.grade_recordings import grade_recordings
from cotfactory.flows.run import run_recipe

NAME = "first"
TESTS = {
    "kind": "calls",
    "entry_point": "f",
    "cases": [{"args": [4], "expected": 8}, {"args": [-3], "expected": -6}],
}
PROBLEMS: list[dict[str, Any]] = [
    {"id": "product", "question": "What is 6 * 7?", "answer": "42", "answer_kind": "math"},
    {"id": "sum", "question": "What is 17 + 8?", "answer": "25", "answer_kind": "math"},
    {"id": "prime", "question": "Which is prime?", "choices": ["4", "9", "13"], "answer": "C", "answer_kind": "choice"},
    {"id": "day", "question": "Which day follows Monday?", "answer": "Tuesday", "answer_kind": "text"},
    {
        "id": "twice",
        "question": "Write f(n), twice n.",
        "answer_kind": "code",
        "solution": "def f(n):\n    return 2 * n",
        "tests": TESTS,
    },
]
STUDENT = {"name": "student", "model": "student", "simulated": True, "sampling": {"max_tokens": 500}}


@dataclass(frozen=True)
class SmallRelease:
    """A release folder in its workspace; `source_ids` is problem id -> the problem's id in its file."""

    folder: Path
    workspace: Path
    problems: Path
    source_ids: dict[str, str]


def made_release(place: Path) -> SmallRelease:
    problems = place / "problems.jsonl"
    problems.write_text("".join(json.dumps(problem) + "\n" for problem in PROBLEMS))
    summary = run_recipe(written_recipe(place, NAME, STUDENT), place / "w", None, direct=True, publish=False)
    assert summary.release is not None
    folder = Path(summary.release.path)
    return SmallRelease(
        folder, place / "w", problems, {row["problem_id"]: row["source_row_id"] for row in rl_rows(folder)}
    )


def written_recipe(place: Path, name: str, teacher: dict[str, Any], attempts: int = 4) -> Path:
    recipe = {
        "name": name,
        "problems": [{"source": "file", "path": "problems.jsonl"}],
        "teachers": [teacher],
        "attempts": attempts,
        "release": {"products": ["sft", "rl"], "license": "cc0-1.0"},
    }
    path = place / f"{name}.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def rl_rows(folder: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return [row for path in sorted((folder / "rl").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def verdicts(release: SmallRelease, said: Sequence[tuple[str, str]], place: Path) -> list[str]:
    """Return what `cotfactory grade` says of answers to problems, named by the problem's id in its file."""
    recordings, out = place / "said.jsonl", place / "grades.jsonl"
    questions = {problem["id"]: problem["question"] for problem in PROBLEMS}
    lines = (
        {"problem_id": problem, "question": questions[problem], "model": "m", "sample": number, "response": text}
        for number, (problem, text) in enumerate(said)
    )
    recordings.write_text("".join(json.dumps(line) + "\n" for line in lines))
    grade_recordings(release.problems, recordings, out)
    by_sample = {grade["sample"]: grade["verdict"] for grade in map(json.loads, out.read_text().splitlines())}
    return [by_sample[number] for number in range(len(said))]
