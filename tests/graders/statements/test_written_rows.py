"""Every row of the exam about statements gets the verdict that was written down for it, not merely right or wrong."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cotfactory.graders.grader import Tools, open_tools
from cotfactory.graders.grading import grade
from tests.builders import a_candidate, a_problem

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "exam" / "statements.jsonl").read_text("utf-8").splitlines()
]


@pytest.fixture(scope="module")
def tools() -> Iterator[Tools]:
    with open_tools() as opened:
        yield opened


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['class']}-{number}" for number, row in enumerate(ROWS)])
def test_a_row_gets_its_verdict(row: dict[str, Any], tools: Tools) -> None:
    choices = tuple(row["choices"]) if "choices" in row else None
    problem = a_problem(row.get("question", "?"), row["gold"], row["answer_kind"], choices)
    found = grade(problem, a_candidate(row["candidate"], problem=problem.problem_id), tools)
    assert found.verdict == row["verdict"], (found.reason, found.extracted_answer, found.evidence.rule)
    assert row["expected"] == (row["verdict"] == "correct")
