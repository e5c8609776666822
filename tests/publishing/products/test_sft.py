"""Chains to learn from say the same in all three forms, each with the thinking where its readers look for it."""

import re

import pytest

from cotfactory.publishing.products.sft import no_reasoning_rows, reasoning_content_rows, sft_rows
from tests.publishing.made_groups import (
    made_candidate,
    made_graded,
    made_group,
    made_mixed_group,
    made_problem,
    made_prompt,
    made_recipe,
)

RECIPE = made_recipe()


def test_only_kept_candidates_become_sft_rows() -> None:
    problem = made_problem()
    graded = [made_graded(made_candidate(problem, index)) for index in range(3)]
    rows = sft_rows([made_group(problem, graded, kept=[False, True, False])], RECIPE)
    assert [row["candidate_id"] for row in rows] == [graded[1].candidate.candidate_id]


def test_sft_row_carries_what_it_takes_to_walk_back() -> None:
    group = made_mixed_group(1)
    row = sft_rows([group], RECIPE)[0]
    assert row["candidate_id"] == group.candidates[0].candidate.candidate_id
    assert row["problem_id"] == group.problem.problem_id
    assert (row["teacher"], row["pass_rate_n"], row["pass_rate_c"]) == ("owl-7b", 3, 2)
    assert row["final_answer"] == "18"


@pytest.mark.parametrize(
    ("reasoning", "content"),
    [
        ("So 18.", "<think>\nSo 18.\n</think>\n\nIt is 18."),
        (None, "It is 18."),
        (" \n", "It is 18."),  # blank thinking is none
    ],
)
def test_turn_is_reasoning_and_response(reasoning: str | None, content: str) -> None:
    problem = made_problem()
    candidate = made_candidate(problem, reasoning=reasoning, response="It is 18.")
    row = sft_rows([made_group(problem, [made_graded(candidate)])], RECIPE)[0]
    assert row["messages"] == [
        {"role": "user", "content": made_prompt(problem)[0].content},
        {"role": "assistant", "content": content},
    ]
    assert row["reasoning"] == (reasoning if content.startswith("<think>") else None)
    assert row["response"] == "It is 18."


def test_turn_passes_trls_format_check() -> None:
    # The pattern of trl.rewards.think_format_reward.
    turn = sft_rows([made_mixed_group(1)], RECIPE)[0]["messages"][-1]["content"]
    assert re.match(r"^<think>(?!.*<think>)(.*?)</think>.*$", turn, re.DOTALL)


def test_thinking_goes_into_its_own_field_or_nowhere() -> None:
    groups = [made_mixed_group(1)]
    for row, with_tags in zip(reasoning_content_rows(groups, RECIPE), sft_rows(groups, RECIPE), strict=True):
        assert row["candidate_id"] == with_tags["candidate_id"]
        assert row["messages"][0] == with_tags["messages"][0] | {"reasoning_content": None}
        assert row["messages"][-1] == {
            "role": "assistant",
            "content": with_tags["response"],
            "reasoning_content": with_tags["reasoning"],
        }
    (row,) = no_reasoning_rows(groups, RECIPE)
    assert row["messages"][-1] == {"role": "assistant", "content": r"The answer is \boxed{18}."}


def test_chains_that_differ_in_their_thinking_alone_are_one_row_without_it() -> None:
    problem = made_problem()
    responses = ["It is 18.", "It is 18.", "18 it is."]
    graded = [
        made_graded(made_candidate(problem, index, reasoning=f"Thought {index}.", response=response))
        for index, response in enumerate(responses)
    ]
    rows = no_reasoning_rows([made_group(problem, graded)], RECIPE)
    assert [row["candidate_id"] for row in rows] == [graded[0].candidate.candidate_id, graded[2].candidate.candidate_id]


def test_row_tells_the_terms_of_its_teacher() -> None:
    teacher = RECIPE.teachers[0].model_copy(update={"license": "apache-2.0"})
    rows = sft_rows([made_mixed_group(1)], RECIPE.model_copy(update={"teachers": (teacher,)}))
    assert [row["teacher_license"] for row in rows] == ["apache-2.0", "apache-2.0"]
