"""Chains that are no good to train on, however right their answer: cut short, never closed, without reasoning."""

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import DropReason
from cotfactory.schemas.reasoning_tags import MARKS


def degenerate(candidate: Candidate, *, require_reasoning: bool) -> DropReason | None:
    """Return why a candidate's form rules it out, or None.

    `truncated`: the endpoint cut it at its token limit. `not_finished`: it ended for another reason than being done (a
    content filter, say). `unclosed_reasoning`: thinking without a response after it, or a mark of thinking in the
    response, where a reader of our rows could not tell what is thought and what is answered. `no_reasoning`: the recipe
    demands separate reasoning and there is none.
    """
    if candidate.is_truncated:
        return "truncated"
    if not candidate.is_finished:
        return "not_finished"
    if not candidate.response or MARKS.search(candidate.response):
        return "unclosed_reasoning"
    if require_reasoning and not candidate.reasoning:
        return "no_reasoning"
    return None
