"""Chains cut into steps with a label each, found by rollouts: for those who train process reward models."""

from collections.abc import Sequence

from cotfactory.publishing.products.announcements import states_something
from cotfactory.publishing.products.row_parts import Row, chain, provenance, thinking
from cotfactory.schemas.group import Group, LabelledChain
from cotfactory.schemas.recipe import Recipe


def steps_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return one row for each chain whose steps are labelled: a step is good when a rollout from its end was correct.

    That is the hard estimate of Math-Shepherd (arXiv 2312.08935); its soft one is `rollouts_c / rollouts_n`. A step
    that states nothing takes the label of the next: what became of its few rollouts is luck. `prompt` is text, not
    messages: trainers join it to the steps as it is.
    """
    return [
        {
            **provenance("steps", group, labelled.candidate_id),
            "candidate_id": labelled.candidate_id,
            "prompt": "\n\n".join(message.content for message in group.messages),
            "completions": list(labelled.steps),
            "labels": _labels(labelled, states),
            "states": states,
            "rollouts_n": [count.n for count in labelled.counts],
            "rollouts_c": [count.c for count in labelled.counts],
            "reasoning": thinking(candidates[labelled.candidate_id].candidate),
            "response": candidates[labelled.candidate_id].candidate.response,
            **chain(candidates[labelled.candidate_id], group, recipe),
        }
        for group in groups
        for candidates in [{graded.candidate.candidate_id: graded for graded in group.candidates}]
        for labelled in group.labelled
        for states in [[states_something(step) for step in labelled.steps[:-1]] + [True]]
    ]


def _labels(labelled: LabelledChain, states: Sequence[bool]) -> list[bool]:
    labels: list[bool] = []
    for count, says in zip(reversed(labelled.counts), reversed(states), strict=True):
        labels.append(count.c > 0 if says else labels[-1])
    return labels[::-1]
