"""Rows with labelled steps: what the counts say, beside the chain that the steps are of."""

import pytest

from cotfactory.publishing.products.announcements import states_something
from cotfactory.publishing.products.steps import steps_rows
from cotfactory.schemas.group import LabelledChain, StepCount
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


def test_a_step_that_states_nothing_has_the_label_of_the_next() -> None:
    """Three rollouts from `Step by step:` are luck: what is good or bad is what comes after."""
    steps = ("Okay.\n", "Step by step:\n", "It is 18, ", "as told.")
    counts = tuple(StepCount(n=n, c=c) for n, c in ((3, 0), (3, 0), (3, 2), (1, 1)))
    group = made_mixed_group(0)
    chain = LabelledChain(candidate_id=group.candidates[0].candidate.candidate_id, steps=steps, counts=counts)
    (row,) = steps_rows([group.model_copy(update={"labelled": (chain,)})], RECIPE)
    assert row["states"] == [False, False, True, True]
    assert row["labels"] == [True, True, True, True]
    assert row["rollouts_c"] == [0, 0, 2, 1]


@pytest.mark.parametrize(
    ("step", "states"),
    [
        ("Step by step:\n", False),
        ("Let us see what is asked.\n", False),
        ("Okay, so, let me work this out. ", False),
        ("Alright!", False),
        ("Schauen wir, was gefragt ist:", False),
        ("The problem asks for the number of stickers.", False),
        ("First, we need to find the total.", False),
        # What can be wrong: a number, a formula, a sentence about the matter itself, even one that ends with a colon.
        ("Let x be 5.", True),
        ("We have x = y:", True),
        ("So Bob is the liar.", True),
        ("Now it is in Anna's hands.", True),
        ("Let us see. " * 40, True),  # nobody announces for so long
    ],
)
def test_what_states_something(step: str, states: bool) -> None:
    assert states_something(step) is states
