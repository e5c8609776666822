"""Chains that say what must not leave the house: strings that look like credentials."""

from schemas.candidate import Candidate
from schemas.grade import DropReason
from schemas.key_like import count_key_like


def leaks(candidate: Candidate) -> DropReason | None:
    """Return `key_like` when the reasoning or the response holds what looks like a key, else None."""
    return "key_like" if count_key_like(f"{candidate.reasoning or ''}\n{candidate.response}") else None
