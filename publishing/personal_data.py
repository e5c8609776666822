"""Personal data on its way out: counted for the card, and masked in every chain that leaves, as the recipe says."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from cotfactory.curation.chain_checks.personal_data import PersonalKind, masked, personal_data
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.curation import Curation
from cotfactory.schemas.group import GradedCandidate, Group, LabelledChain, is_draft
from cotfactory.schemas.review import Review


@dataclass
class PersonalDataCount:
    """How many chains hold personal data that their question does not; `kinds` counts a chain once for each kind."""

    chains: int = 0
    found: int = 0
    kinds: Counter[PersonalKind] = field(default_factory=Counter)

    def merge(self, other: Self) -> None:
        """Add the counts of further chains."""
        self.chains += other.chains
        self.found += other.found
        self.kinds.update(other.kinds)


def without_personal_data(group: Group, curation: Curation, count: PersonalDataCount) -> Group:
    """Count the chains of a group that hold personal data, and return it as its chains may leave.

    Where the recipe says `label` that is as they are. Else all of it is masked: of a chain dropped for another reason,
    too, which a product may show as wrong.
    """
    prompt = group.problem.asked_text
    if group.reviews and curation.personal_data != "label":
        group = group.model_copy(update={"reviews": tuple(_masked_review(review, prompt) for review in group.reviews)})
    if curation.personal_data != "label" and group.earlier_steps:
        earlier = tuple(_masked(step, prompt) if is_draft(step) else step for step in group.earlier_steps)
        group = group.model_copy(update={"earlier_steps": earlier})
    if curation.personal_data != "label" and group.problem.follows is not None:
        group = group.model_copy(
            update={"candidates": tuple(_with_masked_conversation(graded, prompt) for graded in group.candidates)}
        )
    told = {graded.candidate.candidate_id for graded in group.candidates if _counted(graded, prompt, count)}
    if not told or curation.personal_data == "label":
        return group
    return group.model_copy(
        update={
            "candidates": tuple(
                _masked(graded, prompt) if graded.candidate.candidate_id in told else graded
                for graded in group.candidates
            ),
            "labelled": tuple(
                _masked_steps(chain, prompt) if chain.candidate_id in told else chain for chain in group.labelled
            ),
        }
    )


def _with_masked_conversation(graded: GradedCandidate, prompt: str) -> GradedCandidate:
    """Return a later turn with what was answered before it as it may leave."""
    asked = tuple(
        message.model_copy(update={"content": masked(message.content, prompt)})
        if message.role == "assistant"
        else message
        for message in graded.asked
    )
    return graded.model_copy(update={"asked": asked})


def _counted(graded: GradedCandidate, prompt: str, count: PersonalDataCount) -> bool:
    kinds = {string.kind for string in personal_data(graded.text, prompt)}
    count.chains += 1
    count.found += bool(kinds)
    count.kinds.update(kinds)
    return bool(kinds)


def _masked(graded: GradedCandidate, prompt: str) -> GradedCandidate:
    answer = graded.grade.extracted_answer
    return graded.model_copy(
        update={
            "candidate": _masked_answer(graded.candidate, prompt),
            "turns": tuple(_masked_answer(turn, prompt) for turn in graded.turns),
            "grade": graded.grade.model_copy(
                update={"extracted_answer": None if answer is None else masked(answer, prompt)}
            ),
        }
    )


def _masked_answer(candidate: Candidate, prompt: str) -> Candidate:
    reasoning = None if candidate.reasoning is None else masked(candidate.reasoning, prompt)
    return candidate.model_copy(
        update={
            "reasoning": reasoning,
            "response": masked(candidate.response, prompt),
            "tool_calls": tuple(
                call.model_copy(update={"arguments": masked(call.arguments, prompt)}) for call in candidate.tool_calls
            ),
            "tool_results": tuple(masked(result, prompt) for result in candidate.tool_results),
        }
    )


def _masked_review(review: Review, prompt: str) -> Review:
    own = None if review.own_answer is None else masked(review.own_answer, prompt)
    return review.model_copy(update={"reason": masked(review.reason, prompt), "own_answer": own})


def _masked_steps(chain: LabelledChain, prompt: str) -> LabelledChain:
    return chain.model_copy(update={"steps": tuple(masked(step, prompt) for step in chain.steps)})
