"""Decide every candidate of a problem: FILTERS in order, then duplicates, then the limit per problem."""

from collections.abc import Callable, Sequence

from curation.degenerate import degenerate
from curation.leaks import leaks
from curation.near_duplicates import text_key
from curation.steps import has_wrong_step
from schemas.grade import Decision, DropReason
from schemas.group import GradedCandidate, Group
from schemas.recipe import Curation

Filter = Callable[[GradedCandidate, Curation], DropReason | None]


def _by_verdict(graded: GradedCandidate, _: Curation) -> DropReason | None:
    verdict = graded.grade.verdict
    return None if verdict == "correct" else verdict


def _by_form(graded: GradedCandidate, curation: Curation) -> DropReason | None:
    return degenerate(graded.candidate, require_reasoning=curation.require_reasoning)


def _by_steps(graded: GradedCandidate, curation: Curation) -> DropReason | None:
    chain = f"{graded.candidate.reasoning or ''}\n{graded.candidate.response}"
    return "wrong_step" if curation.drop_wrong_steps and has_wrong_step(chain) else None


def _by_leaks(graded: GradedCandidate, _: Curation) -> DropReason | None:
    return leaks(graded.candidate)


FILTERS: tuple[Filter, ...] = (_by_form, _by_verdict, _by_leaks, _by_steps)
"""What one candidate is judged by on its own; the first reason to drop it is its reason."""


def decide(groups: Sequence[Group], curation: Curation) -> tuple[Group, ...]:
    """Return the groups of one problem with one Decision for each candidate.

    Duplicates and `max_per_problem` are counted over all teachers of the problem, in the order of the
    groups and of the sample index, so the outcome does not depend on the order of arrival.
    """
    seen: set[str] = set()
    kept = 0
    decided = []
    for group in groups:
        decisions = []
        for graded in group.candidates:
            reason = next((found for one in FILTERS if (found := one(graded, curation))), None)
            if reason is None:
                key = text_key(graded.candidate)
                if key in seen:
                    reason = "duplicate"
                elif curation.max_per_problem is not None and kept >= curation.max_per_problem:
                    reason = "over_limit"
                else:
                    seen.add(key)
                    kept += 1
            decisions.append(Decision(candidate_id=graded.candidate.candidate_id, kept=reason is None, reason=reason))
        decided.append(group.model_copy(update={"decisions": tuple(decisions)}))
    return tuple(decided)
