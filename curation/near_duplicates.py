"""Chains of one problem that say the same: the first by teacher and sample index survives."""

from schemas.candidate import Candidate
from schemas.ids import content_id


def text_key(candidate: Candidate) -> str:
    """Return a key that is equal for chains whose texts differ in case and white space only."""
    return content_id(" ".join(f"{candidate.reasoning or ''}\n{candidate.response}".casefold().split()))
