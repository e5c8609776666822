"""Conversations, turn by turn: a row is one answer with its thinking, after all that a model sees before it.

No row holds a whole conversation: chat templates take the thinking out of every answer but the last, so that whoever
renders one and trains on all of its answers teaches a model to answer without thinking.
"""

from collections.abc import Sequence

from cotfactory.publishing.products.row_parts import Row, chain, prompt_of, provenance, thinking
from cotfactory.publishing.products.who_may_appear import kept_turns
from cotfactory.schemas.group import GradedCandidate, Group
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.problem import ConversationTurn
from cotfactory.schemas.recipe import Recipe


def sft_turns_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return one row for each kept answer to a turn of a conversation."""
    return [
        {
            **provenance("sft_turns", group, graded.candidate.candidate_id),
            "candidate_id": graded.candidate.candidate_id,
            "conversation_id": _conversation_id(place, graded),
            "turn": place.number,
            "turns": place.turns,
            "prompt": prompt_of(graded, group),
            "completion": [_turn(graded)],
            **chain(graded, group, recipe),
        }
        for group in groups
        if (place := group.problem.turn) is not None
        for graded in kept_turns(group)
    ]


def _turn(graded: GradedCandidate) -> Row:
    candidate = graded.candidate
    return {"role": "assistant", "content": candidate.response, "reasoning_content": thinking(candidate)}


def _conversation_id(place: ConversationTurn, graded: GradedCandidate) -> str:
    """Return what the turns of one conversation share, as it was held once: its problems and its first answer."""
    first = graded
    while first.before is not None:
        first = first.before
    return content_id([place.conversation_id, first.candidate.candidate_id])
