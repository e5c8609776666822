"""Personal data of a chain is counted, and masked in everything that leaves unless the recipe wants it labelled."""

import pytest

from cotfactory.publishing.personal_data import PersonalDataCount, without_personal_data
from cotfactory.publishing.products.preference import preference_rows
from cotfactory.publishing.products.steps import steps_rows
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.group import Group, LabelledChain, StepCount
from tests.publishing.made_groups import (
    made_candidate,
    made_graded,
    made_group,
    made_problem,
    made_recipe,
    made_tools_group,
)

MINE = "jane.doe@mail.com"


def a_group() -> Group:
    problem = made_problem()
    right = made_graded(made_candidate(problem, 0, reasoning="It is 18."))
    wrong = made_candidate(problem, 1, reasoning=f"Ask {MINE}.", response=r"It is \boxed{17}.")
    group = made_group(problem, [right, made_graded(wrong, "incorrect", found="17", reason="different")])
    steps = LabelledChain(
        candidate_id=wrong.candidate_id,
        steps=("Ask ", f"{MINE}."),
        counts=(StepCount(n=4, c=2), StepCount(n=1, c=0)),
    )
    return group.model_copy(update={"labelled": (steps,)})


@pytest.mark.parametrize(("rule", "shown"), [("drop", "[email]"), ("mask", "[email]"), ("label", MINE)])
def test_what_leaves_is_masked_unless_it_is_labelled(rule: str, shown: str) -> None:
    count = PersonalDataCount()
    group = without_personal_data(a_group(), Curation.model_validate({"personal_data": rule}), count)
    (pair,) = preference_rows([group], made_recipe())
    (steps,) = steps_rows([group], made_recipe())
    # A chain that is wrong is dropped for that, and is shown all the same.
    assert f"Ask {shown}." in pair["rejected"][0]["content"]
    assert steps["completions"] == ["Ask ", f"{shown}."]
    assert steps["reasoning"] == "".join(steps["completions"])
    assert (count.chains, count.found, dict(count.kinds)) == (2, 1, {"email": 1})


def test_calls_and_what_they_give_back_are_masked_too() -> None:
    group = made_tools_group(1)
    (graded,) = group.candidates
    turn, call = graded.turns[0], graded.turns[0].tool_calls[0]
    asks = turn.model_copy(
        update={"tool_calls": (call.model_copy(update={"arguments": f'{{"code": "ask(\'{MINE}\')"}}'}),)}
    )
    told = graded.candidate.model_copy(update={"tool_results": (f"{MINE} says 18",)})
    held = group.model_copy(update={"candidates": (graded.model_copy(update={"turns": (asks,), "candidate": told}),)})
    (masked,) = without_personal_data(held, Curation(personal_data="mask"), PersonalDataCount()).candidates
    assert MINE not in masked.text
    assert masked.candidate.tool_results == ("[email] says 18",)
    assert masked.turns[0].tool_calls[0].arguments == '{"code": "ask(\'[email]\')"}'
