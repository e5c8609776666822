"""Whether the text of a chain may leave the workspace: as a row, as a step, in the card or the report."""

from functools import lru_cache

from cotfactory.schemas.broken_text import count_broken_signs
from cotfactory.schemas.grade import Decision
from cotfactory.schemas.group import GradedCandidate
from cotfactory.schemas.key_like import count_key_like


def may_leave(graded: GradedCandidate, decision: Decision) -> bool:
    """Return whether a chain's text may be shown to anybody: no benchmark's, nothing like a key, and a text at all.

    A chain that is dropped for any other reason may be shown, as what it is: wrong, say. Not so one that goes on where
    another one was dropped: it would be shown with that.
    """
    return decision.reason not in ("contaminated", "earlier_turn") and _is_clean(graded.text)


@lru_cache(maxsize=256)
def _is_clean(text: str) -> bool:
    """Return whether a text has nothing like a key, and is a text at all; every product asks of a problem's chains."""
    return not count_key_like(text) and not count_broken_signs(text)
