"""Rows with labelled steps: what the counts say, beside the chain that the steps are of."""

from cotfactory.publishing.products.steps import steps_rows
from tests.publishing.made_groups import group_of, labelled, made_mixed_group, made_recipe

RECIPE = made_recipe("steps")


def test_a_row_for_each_labelled_chain() -> None:
    group = made_mixed_group(0)
    right, wrong = steps_rows([group], RECIPE)
    assert (right["verdict"], right["labels"], right["rollouts_c"]) == ("correct", [True, True], [2, 1])
    assert (wrong["verdict"], wrong["labels"], wrong["rollouts_c"]) == ("incorrect", [True, False], [2, 0])
    assert right["completions"] == ["It is 18, ", "as told."]
    assert "".join(right["completions"]) == right["reasoning"]
    assert right["prompt"] == group.messages[0].content
    assert right["candidate_id"] == group.candidates[0].candidate.candidate_id
    assert (right["pass_rate_n"], right["pass_rate_c"]) == (3, 2)
    assert right["row_id"] != wrong["row_id"]


def test_no_row_without_labels() -> None:
    assert steps_rows([group_of("correct", "incorrect")], RECIPE) == []
    assert len(steps_rows([labelled(group_of("correct", "incorrect"), 1), group_of("correct")], RECIPE)) == 1
