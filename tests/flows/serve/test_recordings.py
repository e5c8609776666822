"""Verdicts over HTTP are those of `cotfactory grade`, on recorded completions of real models."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from cotfactory.flows.inspect.grade_recordings import grade_recordings
from tests.flows.serve.reward_server import serving

pytestmark = pytest.mark.skipif("COTFACTORY_SHARED" not in os.environ, reason="needs the shared recordings")
BATCH = 256


def differing(problems: Path, recordings: list[dict[str, Any]], folder: Path) -> list[tuple[Any, Any]]:
    """Return (grade's, the server's) verdict and reward for each recording where they are not the same."""
    file, out = folder / "recordings.jsonl", folder / "grades.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in recordings))
    grade_recordings(problems, file, out)
    worth = {"correct": 1.0, "incorrect": 0.0, "no_answer": 0.0, "ungraded": None}
    grades = [json.loads(line) for line in out.read_text().splitlines()]
    expected = [(grade["verdict"], grade["extracted_answer"], worth[grade["verdict"]]) for grade in grades]
    served: list[tuple[Any, Any, Any]] = []
    with serving(problems, "--no-store") as server:
        for start in range(0, len(recordings), BATCH):
            rows = recordings[start : start + BATCH]
            reply = server.rewards([row["problem_id"] for row in rows], [row["response"] for row in rows])
            served += zip(reply["verdicts"], reply["extracted_answers"], reply["rewards"], strict=True)
    return [pair for pair in zip(expected, served, strict=True) if pair[0] != pair[1]]


def shared(name: str) -> Path:
    return Path(os.environ["COTFACTORY_SHARED"]) / "data" / name


def recorded(name: str) -> list[dict[str, Any]]:
    with gzip.open(shared(name), "rt") as file:
        return [json.loads(line) for line in file]


def test_gsm8k(tmp_path: Path) -> None:
    recordings = recorded("gsm8k/test.recordings.jsonl.gz")
    assert len(recordings) > 5_000
    assert differing(shared("gsm8k/test.problems.jsonl"), recordings, tmp_path) == []


@pytest.mark.docker
def test_some_of_humaneval(tmp_path: Path) -> None:
    recordings = recorded("humaneval/recordings.jsonl.gz")[::17]  # all samples and problems have their turn
    assert differing(shared("humaneval/problems.jsonl"), recordings, tmp_path) == []
