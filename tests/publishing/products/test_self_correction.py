"""A wrong attempt and a right one of the same teacher in one turn, the wrong characters marked exactly."""

import pytest

from cotfactory.publishing.products.self_correction import TRIGGERS, self_correction_rows
from cotfactory.schemas.group import Group
from tests.publishing.made_groups import (
    group_of,
    made_candidate,
    made_graded,
    made_group,
    made_mixed_group,
    made_problem,
    made_recipe,
)

RECIPE = made_recipe()


@pytest.mark.parametrize(
    ("wrong_thought", "right_thought", "content"),
    [
        ("W 😀 é", "R", "<think>\nW 😀 é\n\n{}\n\nR\n</think>\n\nIt is 18."),
        # A teacher that shows no thinking: its wrong response is the attempt, its right one the answer.
        (None, None, "<think>\nIt is 17.\n\n{}\n</think>\n\nIt is 18."),
        ("W", None, "<think>\nW\n\n{}\n</think>\n\nIt is 18."),
        (None, "R", "<think>\nIt is 17.\n\n{}\n\nR\n</think>\n\nIt is 18."),
    ],
)
def test_turn_and_mask(wrong_thought: str | None, right_thought: str | None, content: str) -> None:
    problem = made_problem()
    wrong = made_candidate(problem, 0, reasoning=wrong_thought, response="It is 17.")
    right = made_candidate(problem, 1, reasoning=right_thought, response="It is 18.")
    group = made_group(problem, [made_graded(wrong, "incorrect", found="17"), made_graded(right)])
    (row,) = self_correction_rows([group], RECIPE)
    turn = row["turn"]
    assert turn == content.format(row["trigger"])
    # A trainer takes no loss on a prompt: this one ends with the mistake, inside the turn.
    begun, rest = row["prompt"][-1], row["completion"][0]
    assert (begun["role"], rest["role"]) == ("assistant", "assistant")
    assert begun["content"] == turn[: row["mask_end"]]
    assert begun["content"] + rest["content"] == turn
    assert turn[row["mask_start"] : row["mask_end"]] == row["wrong_attempt"] == (wrong_thought or "It is 17.")
    assert row["trigger"] in TRIGGERS
    assert (row["wrong_answer"], row["final_answer"]) == ("17", "18")


@pytest.mark.parametrize(
    ("group", "rows"),
    [
        (group_of("correct", "incorrect"), 1),  # whichever was asked first
        (group_of("correct", "incorrect", "correct", "incorrect"), 1),  # not every first thought is wrong
        (group_of("correct", "ungraded"), 0),  # our failure is nobody's mistake
        (group_of("correct", "no_answer"), 0),
        (group_of("incorrect", "incorrect"), 0),
        (group_of("correct", "incorrect", truncated=(1,)), 0),
    ],
)
def test_one_row_for_a_teacher_that_failed_and_solved(group: Group, rows: int) -> None:
    assert len(self_correction_rows([group], RECIPE)) == rows


def test_attempts_are_never_mixed_between_teachers() -> None:
    problem = made_problem()
    first = made_group(problem, [made_graded(made_candidate(problem), "incorrect")])
    other = made_group(problem, [made_graded(made_candidate(problem, model="elk"))], model="elk")
    assert self_correction_rows([first, other], RECIPE) == []


def test_triggers_vary_and_stay() -> None:
    rows = [self_correction_rows([made_mixed_group(number)], RECIPE)[0] for number in range(30)]
    assert {row["trigger"] for row in rows} == set(TRIGGERS)
    assert rows[0] == self_correction_rows([made_mixed_group(0)], RECIPE)[0]
