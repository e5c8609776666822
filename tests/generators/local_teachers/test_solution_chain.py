import gzip
import json
import os
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.local_teachers.solution_chain import solution_prose, worked_from_solution
from cotfactory.generators.problems.chains import evaluate, write_lines
from cotfactory.schemas.problem import AnswerKind, Problem

EGGS = "Mo sells 16 - 3 - 4 = <<16-3-4=9>>9 eggs.\nFor the 9 eggs Mo gets 9 * 2 = $<<9*2=18>>18.\n#### 18"


def problem(solution: str | None, answer: str = "18", kind: AnswerKind = "math") -> Problem:
    return Problem(
        problem_id="p",
        source="test",
        source_row_id="p",
        question="How much?",
        answer=answer,
        answer_kind=kind,
        solution=solution,
        split_group="p",
    )


def told(solution: str, answer: str, given_results: dict[int, int]) -> tuple[list[str], str]:
    worked = worked_from_solution(problem(solution, answer))
    assert worked is not None
    values = evaluate(worked.chain, {step: Fraction(value) for step, value in given_results.items()})
    return write_lines(worked.chain, values), worked.conclude(values)


def test_a_solution_is_read_and_written_again_without_notes_and_without_the_answer_line() -> None:
    lines, answer = told(EGGS, "18", {})
    assert lines == ["Mo sells 16 - 3 - 4 = 9 eggs.", "For the 9 eggs Mo gets 9 * 2 = 18."]
    assert answer == "18"


def test_a_changed_result_changes_every_later_mention() -> None:
    lines, answer = told(EGGS, "18", {0: 10})
    assert lines == ["Mo sells 16 - 3 - 4 = 10 eggs.", "For the 10 eggs Mo gets 10 * 2 = 20."]
    assert answer == "20"


@pytest.mark.parametrize(
    ("solution", "answer", "expected"),
    [
        # A note that says what the words do not is spelled out.
        ("60 jars * 1.5 kg = <<60*1.5=90>>90 kg.\n#### 90", "90", ["60 jars * 1.5 kg = 60 * 1.5 = 90 kg."]),
        # Thousands, currency, other signs; the x of a word is none.
        ("The box x 3: $1,200 x 3 = $3,600.", "3600", ["The box x 3: $1200 * 3 = 3600."]),
        ("He has 12 ÷ 3 = 4 left.", "4", ["He has 12 / 3 = 4 left."]),
        # Rounded or wrong: not an equation we could slip in, but its neighbours are.
        ("10 / 3 = 3.33, and 2 * 3 = 6", "6", ["10 / 3 = 3.33, and 2 * 3 = 6"]),
        # Percent is not plain arithmetic.
        ("20% * 50 = 10. 10 + 2 = 12.", "12", ["20% * 50 = 10. 10 + 2 = 12."]),
        ("(2 + 3) * 4 = 20", "20", ["(2 + 3) * 4 = 20"]),
    ],
)  # fmt: skip
def test_equations_are_found_in_prose(solution: str, answer: str, expected: list[str]) -> None:
    assert told(solution, answer, {}) == (expected, answer)


@pytest.mark.parametrize(
    ("solution", "answer", "kind"),
    [
        (None, "18", "math"),
        ("No sum in here.", "18", "math"),
        ("2 + 2 = 4", "18", "math"),  # the answer is not the result of any step
        ("2 * 9 = 18", "x + 1", "math"),
        ("2 * 9 = 18", "B", "choice"),  # a letter follows from no number
        ("1 / 0 = 18", "18", "math"),
    ],
)
def test_what_cannot_be_followed_gives_no_chain(solution: str | None, answer: str, kind: AnswerKind) -> None:
    assert worked_from_solution(problem(solution, answer, kind)) is None


def test_lines_that_state_the_answer_are_left_to_the_student() -> None:
    solution = "First, 2 * 9 = 18.\nThe answer is 18.\nSo $\\boxed{18}$.\n#### 18"
    assert solution_prose(problem(solution)) == ["First, 2 * 9 = 18."]


@given(st.text(alphabet="0123456789.,$()+-*/x×÷−= <>aé\n", max_size=200))
def test_any_text_is_read_without_an_error(solution: str) -> None:
    worked = worked_from_solution(problem(solution, "2"))
    if worked is not None:
        assert worked.conclude(evaluate(worked.chain)) == "2"


@pytest.mark.skipif("COTFACTORY_SHARED" not in os.environ, reason="needs the shared GSM8K problems")
def test_most_of_gsm8k_can_be_followed() -> None:
    path = Path(os.environ["COTFACTORY_SHARED"]) / "data/gsm8k/train.problems.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    followed = 0
    for row in rows:
        worked = worked_from_solution(problem(row["solution"], row["answer"]))
        if worked is not None:
            followed += 1
            assert Fraction(worked.conclude(evaluate(worked.chain))) == Fraction(row["answer"].replace(",", ""))
    assert followed > 0.9 * len(rows)
