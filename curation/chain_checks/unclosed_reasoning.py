"""Responses in which a reader could not tell what is thought and what is answered."""

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.reasoning_tags import MARKS


def unclosed_reasoning(candidate: Candidate) -> bool:
    """Return whether a response is empty, so that all was thinking, or holds a mark of thinking, closed or not."""
    return not candidate.response or MARKS.search(candidate.response) is not None
