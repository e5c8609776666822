"""Recovering from a mistake: a teacher's own wrong attempt, the words that break it off, and its right attempt.

The mistake is one the teacher really made: supervised correction of injected mistakes does not carry over (arXiv
2512.02389), so nothing is made up here but the trigger. The prompt ends inside the assistant's turn, after the wrong
attempt, so that a trainer that takes no loss on prompts learns the correction alone.
"""

from collections.abc import Sequence

from cotfactory.publishing.products.row_parts import Row, assistant_turn, prompt, provenance, thinking, written_by
from cotfactory.publishing.products.who_may_appear import kept, own_corrections, rejected
from cotfactory.schemas.group import GradedCandidate, Group
from cotfactory.schemas.ids import seed_from
from cotfactory.schemas.reasoning_tags import PUBLISHED
from cotfactory.schemas.recipe import Recipe

TRIGGERS = (
    "Wait, that does not look right. Let me go through it again.",
    "Let me check this before I answer. Something is wrong here, so I start over.",
    "Hold on. I made a mistake somewhere above. Again, step by step.",
    "That cannot be right. Let me work it out afresh.",
)
OPENING = f"{PUBLISHED.opening}\n"


def self_correction_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return one row for each model that both failed and solved the problem: its first of each.

    A sample that corrected its own draft comes before two that know nothing of each other. One row, as more would
    teach that every first thought is wrong; also where a model was asked in several ways, each a teacher of the
    recipe.
    """
    rows: dict[str, Row] = {}
    for group in groups:
        pairs = own_corrections(group) or list(zip(rejected(group), kept(group), strict=False))
        for wrong, right in pairs[:1]:
            rows.setdefault(group.model, _row(group, recipe, wrong, right))
    return list(rows.values())


def _row(group: Group, recipe: Recipe, wrong: GradedCandidate, right: GradedCandidate) -> Row:
    ids = wrong.candidate.candidate_id, right.candidate.candidate_id
    attempt = thinking(wrong.candidate) or wrong.candidate.response
    trigger = TRIGGERS[seed_from(*ids) % len(TRIGGERS)]
    correction = thinking(right.candidate)
    # A teacher that shows no thinking corrects itself in the response: all of its right attempt is there.
    thought = "\n\n".join(part for part in (attempt, trigger, correction) if part is not None)
    turn = assistant_turn(thought, right.candidate.response)["content"]
    mask_end = len(OPENING) + len(attempt)
    return {
        **provenance("self_correction", group, *ids),
        "wrong_id": ids[0],
        "right_id": ids[1],
        "prompt": [*prompt(group), {"role": "assistant", "content": turn[:mask_end]}],
        "completion": [{"role": "assistant", "content": turn[mask_end:]}],
        "turn": turn,
        "wrong_attempt": attempt,
        "trigger": trigger,
        "correction": correction,
        "response": right.candidate.response,
        "mask_start": len(OPENING),
        "mask_end": mask_end,
        "wrong_verdict": wrong.grade.verdict,
        "right_verdict": right.grade.verdict,
        "weak": wrong.grade.evidence.weak or right.grade.evidence.weak,
        "wrong_finish_reason": wrong.candidate.finish_reason,
        "right_finish_reason": right.candidate.finish_reason,
        "wrong_answer": wrong.grade.extracted_answer,
        "final_answer": right.grade.extracted_answer,
        **written_by(group, recipe),
    }
