"""Chains that are no good to train on, however right their answer: cut short, never closed, without reasoning."""

from schemas.candidate import Candidate
from schemas.grade import DropReason


def degenerate(candidate: Candidate, *, require_reasoning: bool) -> DropReason | None:
    """Return why a candidate's form rules it out, or None.

    `truncated`: the endpoint cut it at its token limit. `unclosed_reasoning`: thinking without a response
    after it. `no_reasoning`: the recipe demands separate reasoning and there is none.
    """
    if candidate.is_truncated:
        return "truncated"
    if not candidate.response:
        return "unclosed_reasoning"
    if require_reasoning and not candidate.reasoning:
        return "no_reasoning"
    return None
