"""Chains to learn from: `sft`, and the same chains with the thinking in a field of its own or left out."""

from collections.abc import Sequence

from cotfactory.publishing.products.row_parts import Row, chain, prompt, provenance, thinking, turn_of
from cotfactory.publishing.products.who_may_appear import kept
from cotfactory.schemas.group import Group
from cotfactory.schemas.recipe import Recipe


def sft_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return one row for each kept candidate, its thinking in `<think>` tags."""
    return [
        {
            **provenance("sft", group, graded.candidate.candidate_id),
            "candidate_id": graded.candidate.candidate_id,
            "messages": [*prompt(group), turn_of(graded.candidate)],
            "reasoning": thinking(graded.candidate),
            "response": graded.candidate.response,
            **chain(graded, group, recipe),
        }
        for group in groups
        for graded in kept(group)
    ]


def reasoning_content_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return one row for each kept candidate, its thinking in `reasoning_content`."""
    rows = []
    for group in groups:
        asked = [{**message, "reasoning_content": None} for message in prompt(group)]
        for graded in kept(group):
            candidate = graded.candidate
            said = {"role": "assistant", "content": candidate.response, "reasoning_content": thinking(candidate)}
            rows.append(
                {
                    **provenance("sft_chat_reasoning_content", group, candidate.candidate_id),
                    "candidate_id": candidate.candidate_id,
                    "messages": [*asked, said],
                    **chain(graded, group, recipe),
                }
            )
    return rows


def no_reasoning_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return one row for each response of a kept candidate: of those that differ in their thinking alone, the first."""
    rows: dict[tuple[str, str], Row] = {}
    for group in groups:
        asked = prompt(group)
        for graded in kept(group):
            candidate = graded.candidate
            row = {
                **provenance("sft_chat_no_reasoning", group, candidate.candidate_id),
                "candidate_id": candidate.candidate_id,
                "messages": [*asked, {"role": "assistant", "content": candidate.response}],
                **chain(graded, group, recipe),
            }
            rows.setdefault((str(asked), candidate.response), row)
    return list(rows.values())
