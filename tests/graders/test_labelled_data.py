"""Agreement with labelled chains and exams of the shared data folder; skipped where COTFACTORY_SHARED is unset."""

import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cotfactory.graders.choices import stated_choice
from cotfactory.graders.extract import final_answer
from cotfactory.graders.grader import Tools, open_tools
from cotfactory.graders.grading import grade, self_test
from cotfactory.graders.math.math_answers import compare_math
from cotfactory.schemas.problem import Problem
from tests.builders import a_candidate, a_problem

SHARED = os.environ.get("COTFACTORY_SHARED")
pytestmark = pytest.mark.skipif(SHARED is None, reason="COTFACTORY_SHARED is not set")
DATA = Path(SHARED or ".") / "data"


@pytest.fixture(scope="module")
def tools() -> Iterator[Tools]:
    with open_tools() as opened:
        yield opened


def rows(name: str) -> list[dict[str, Any]]:
    path = DATA / name
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    return [json.loads(line) for line in text.split("\n") if line]


def problems(name: str) -> dict[str, Problem]:
    return {
        row["id"]: a_problem(
            row["question"], row["answer"] or "", row["answer_kind"], tuple(row.get("choices") or ()) or None
        )
        for row in rows(name)
    }


def disagreements(folder: str, tools: Tools) -> tuple[Counter[str], list[tuple[str, int]]]:
    """Return how often each verdict was given, and the chains where `correct` and the label differ."""
    known = problems(f"{folder}problems.jsonl")
    labels = {(row["problem_id"], row["sample"]): row["correct"] for row in rows(f"{folder}labels.jsonl")}
    verdicts: Counter[str] = Counter()
    wrong = []
    for row in rows(f"{folder}recordings.jsonl.gz"):
        found = grade(known[row["problem_id"]], a_candidate(row["response"]), tools)
        verdicts[found.verdict] += 1
        key = (row["problem_id"], row["sample"])
        if (found.verdict == "correct") != labels[key]:
            wrong.append(key)
    return verdicts, wrong


def test_gsm8k_chains_agree_with_every_label(tools: Tools) -> None:
    verdicts, wrong = disagreements("gsm8k/test.", tools)
    assert verdicts.total() == 5_276
    assert wrong == []
    assert verdicts["ungraded"] == 0


def test_math_chains_agree_but_for_the_row_that_is_known_wrong(tools: Tools) -> None:
    verdicts, wrong = disagreements("math100/", tools)
    assert verdicts.total() == 800
    assert len(wrong) == 1
    assert problems("math100/problems.jsonl")[wrong[0][0]].answer == "10{,}000"
    assert verdicts["ungraded"] == 0


@pytest.mark.parametrize(
    "name", ["gsm8k/train.problems.jsonl.gz", "gsm8k/test.problems.jsonl", "math_train/problems.jsonl.gz",
             "aqua/problems.jsonl", "mmlu_pro/problems.jsonl", "math100/problems.jsonl"],
)  # fmt: skip
def test_every_reference_answer_passes_its_own_test(name: str, tools: Tools) -> None:
    for problem in problems(name).values():
        found = self_test(problem, tools)
        # Four rows of math_train have no reference answer at all.
        assert (found.verdict == "correct") == bool(problem.answer), problem.answer


def test_choice_letters_are_stated_or_not_given() -> None:
    known = problems("mmlu_pro/problems.jsonl")
    reasons: Counter[str] = Counter()
    for row in rows("mmlu_pro/recordings.jsonl.gz"):
        choices = known[row["problem_id"]].choices
        assert choices is not None
        found = stated_choice(row["response"], choices)
        reasons[found.reason] += 1
        if found.letter is not None:
            assert found.letter in "ABCDEFGHIJ"[: len(choices)]
    assert reasons.total() == 6_374
    assert reasons["found"] >= 5_700


def accepted(gold: str, text: str, tools: Tools) -> bool:
    """Whether a math problem with this reference answer accepts the whole text."""
    return grade(a_problem("?", gold), a_candidate(text), tools).verdict == "correct"


def test_no_trap_is_accepted(tools: Tools) -> None:
    traps = rows("exam/math_traps.jsonl.gz")
    results = [(row["expected"], accepted(row["gold"], row["candidate"], tools), row["id"]) for row in traps]
    assert [name for expected, found, name in results if found and not expected] == []
    # Q03 calls y=5 an answer to x=5, "policy; flag": another variable is another answer since.
    assert [name for expected, found, name in results if expected and not found] == ["Q03"]


def test_variants_of_math_answers(tools: Tools) -> None:
    wrong = [
        (row["gold"], row["candidate"])
        for row in rows("exam/math_variants.jsonl")
        if (compare_math(row["gold"], row["candidate"], "", tools.algebra).result == "equal") != row["expected_equal"]
    ]
    assert wrong == []


def test_triples_of_other_projects(tools: Tools) -> None:
    false_positives, found, positives = [], 0, 0
    for row in rows("exam/math_triples.jsonl"):
        label, gold, text = row["adjudicated"], row["gold"], row["candidate"]
        if label is None or row["kind"] == "mcq" or not isinstance(gold, str):
            continue
        answer = final_answer(text).answer if row["kind"] == "text" else text
        result = answer is not None and compare_math(gold, answer, "", tools.algebra).result == "equal"
        positives += label
        found += label and result
        if result and not label:
            false_positives.append((gold, text))
    assert false_positives == []
    assert found / positives >= 0.97
