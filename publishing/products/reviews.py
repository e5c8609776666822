"""What people said, answer by answer: for those who train reward models on human labels."""

from collections.abc import Mapping, Sequence

from cotfactory.publishing.products.row_parts import Row, prompt, prompt_of, provenance, turn_of
from cotfactory.publishing.products.who_may_appear import publishable
from cotfactory.schemas.broken_text import count_broken_signs
from cotfactory.schemas.group import GradedCandidate, Group
from cotfactory.schemas.key_like import count_key_like
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.review import Review

WITHHELD = "(withheld)"


def reviews_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return one row for each answer, changed minds included; none of planted items, whose chains nobody wrote.

    An answer about a chain that may not be published is left out.
    """
    shown = {graded.candidate.candidate_id: graded for group in groups for graded in publishable(group)}
    licenses = {teacher.name: teacher.license for teacher in recipe.teachers}
    return [
        _row(group, review, shown, licenses.get(group.teacher))
        for group in groups
        for review in group.reviews
        if review.kind != "planted"
        if all(name in shown for name in (review.candidate_id, review.other_id) if name is not None)
    ]


def _row(group: Group, review: Review, shown: Mapping[str, GradedCandidate], terms: str | None) -> Row:
    graded = shown.get(review.candidate_id or "")
    return {
        **provenance("reviews", group, review.review_id),
        "review_id": review.review_id,
        "question": review.question,
        "answer": review.answer,
        "first_wrong_step": review.first_wrong_step,
        "reason": _told(review.reason),
        "own_answer": _told(review.own_answer),
        "person": review.person,
        "seen": review.seen,
        "sampled": review.kind,
        "guidelines_id": review.guidelines_id,
        "seconds": review.seconds,
        "candidate_id": review.candidate_id,
        "other_id": review.other_id,
        "prompt": prompt_of(graded, group) if graded is not None else prompt(group),
        "completion": _turn(graded),
        "other": _turn(shown.get(review.other_id or "")),
        "verdict": graded.grade.verdict if graded is not None else None,
        "teacher": group.model if graded is not None else None,
        "teacher_license": terms if graded is not None else None,
    }


def _turn(graded: GradedCandidate | None) -> list[Row]:
    return [turn_of(graded.candidate)] if graded is not None else []


def _told(text: str | None) -> str | None:
    """Return what a person wrote, unless it looks like a key or is no text; None for nothing."""
    if not text:
        return None
    return WITHHELD if count_key_like(text) or count_broken_signs(text) else text
