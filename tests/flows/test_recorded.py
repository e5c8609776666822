"""Real recorded chains through the whole line, over HTTP: verdicts against the labels that came with them."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from cotfactory.flows.build import build
from cotfactory.flows.load_recipe import load_recipe, shipped_recipe
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.flows.summary import RunSummary
from cotfactory.warehouse.catalog import query_catalog
from cotfactory.warehouse.workspace import Workspace

pytestmark = pytest.mark.skipif("COTFACTORY_SHARED" not in os.environ, reason="the shared recordings are not here")

GRADES = """
    SELECT source_row_id, sample_index, verdict, candidates.candidate_id FROM candidates
    JOIN problems USING (problem_id) JOIN grades USING (candidate_id, problem_id)
"""


def run(name: str, workspace: Path) -> RunSummary:
    request = BuildRequest(load_recipe(shipped_recipe(name)), workspace)
    with TerminalProgress() as progress:
        return asyncio.run(build(request, DirectStages(), progress))


def labels(name: str) -> dict[tuple[str, int], bool]:
    path = Path(os.environ["COTFACTORY_SHARED"]) / "data" / name
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return {(row["problem_id"], row["sample"]): row["correct"] for row in rows}


def disagreements(workspace: Path, expected: dict[tuple[str, int], bool]) -> list[tuple[str, int]]:
    rows = query_catalog(Workspace(workspace), GRADES)[1]
    assert len(rows) == len(expected)
    return [(row, sample) for row, sample, verdict, _ in rows if (verdict == "correct") != expected[row, sample]]


def test_gsm8k_agrees_with_every_label_and_is_never_asked_twice(tmp_path: Path) -> None:
    first = run("gsm8k", tmp_path)
    assert (first.problems, first.candidates, first.verdicts["ungraded"]) == (1319, 5276, 0)
    assert disagreements(tmp_path, labels("gsm8k/test.labels.jsonl")) == []
    second = run("gsm8k", tmp_path)
    assert (second.teacher_calls, second.reused) == (0, 5276)
    assert first.release is not None
    assert second.release is not None
    assert second.release.rows_sha == first.release.rows_sha


def test_math100_agrees_with_every_label_but_the_one_known_to_be_wrong(tmp_path: Path) -> None:
    """The recording's own grader rejected 10000 for the reference answer 10{,}000."""
    summary = run("math100", tmp_path)
    assert (summary.candidates, summary.verdicts["ungraded"]) == (800, 0)
    (wrong,) = disagreements(tmp_path, labels("math100/labels.jsonl"))
    reference = "SELECT answer FROM problems WHERE source_row_id = '{}'".format(wrong[0].replace("'", ""))
    assert query_catalog(Workspace(tmp_path), reference)[1] == [("10{,}000",)]


def test_mmlu_pro_letters_are_read_or_not_answered(tmp_path: Path) -> None:
    summary = run("mmlu_pro", tmp_path)
    assert (summary.problems, summary.candidates) == (539, 6374)
    assert summary.verdicts["ungraded"] == 0
    reasons = "SELECT DISTINCT reason FROM grades WHERE verdict = 'no_answer'"
    assert {row[0] for row in query_catalog(Workspace(tmp_path), reasons)[1]} <= {
        "no_final_answer",
        "several_answers",
        "letter_beyond_choices",
        "none_of_the_choices",
        "taken_back",
        "truncated",
    }
    letters = "SELECT DISTINCT extracted_answer FROM grades WHERE verdict IN ('correct', 'incorrect')"
    assert {row[0] for row in query_catalog(Workspace(tmp_path), letters)[1]} == set("ABCDEFGHIJ")
