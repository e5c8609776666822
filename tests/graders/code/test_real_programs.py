"""HumanEval's reference solutions and recordings, and the attack exam, on a real engine."""

import gzip
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from cotfactory.graders.code.grade_code import grade_code
from cotfactory.graders.sandbox.execution import Sandbox
from cotfactory.schemas.problem import Problem
from tests.graders.programs import SandboxOnly, attempt, code_problem, grade_program

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif("COTFACTORY_SHARED" not in os.environ, reason="needs COTFACTORY_SHARED"),
]
SAMPLED_EVERY = 27
"""Every 27th recording: all problems' neighbourhoods, few enough for each change."""


def rows(name: str) -> Iterable[dict[str, Any]]:
    path = Path(os.environ["COTFACTORY_SHARED"]) / "data" / name
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    return [json.loads(line) for line in text.splitlines()]


def problems(name: str) -> dict[str, tuple[Problem, str]]:
    return {
        row["id"]: (code_problem(None, row["question"]).model_validate(
            code_problem(None, row["question"]).model_dump() | {"tests": row["tests"]}
        ), row["solution"])
        for row in rows(name)
    }  # fmt: skip


def test_every_reference_solution_passes(sandbox: Sandbox) -> None:
    graded = {
        name: grade_program(problem, solution, sandbox)
        for name, (problem, solution) in problems("humaneval/problems.jsonl").items()
    }
    assert len(graded) == 164
    assert {name: grade.reason for name, grade in graded.items() if grade.verdict != "correct"} == {}


def test_recordings_agree_with_their_labels(sandbox: Sandbox) -> None:
    known = problems("humaneval/problems.jsonl")
    labels = {(row["problem_id"], row["sample"]): row["correct"] for row in rows("humaneval/labels.jsonl")}
    different = []
    for row in list(rows("humaneval/recordings.jsonl.gz"))[::SAMPLED_EVERY]:
        key = row["problem_id"], row["sample"]
        grade = grade_code(known[key[0]][0], attempt(row["response"]), SandboxOnly(sandbox))
        if (grade.verdict == "correct") is not labels[key]:
            different.append((key, grade.reason))
    assert different == []


def test_the_attack_exam_is_rejected_and_not_felt(sandbox: Sandbox) -> None:
    known = problems("exam/code_attack_problems.jsonl")
    attacks = rows("exam/code_attacks.jsonl")
    accepted, disturbed = [], []
    for row in attacks:
        problem, solution = known[f"attack/{row['problem']}"]
        if grade_program(problem, row["program"], sandbox).verdict != "incorrect":
            accepted.append(row["id"])
        if grade_program(problem, solution, sandbox).verdict != "correct":
            disturbed.append(row["id"])
    assert (len(list(attacks)), accepted, disturbed) == (57, [], [])
