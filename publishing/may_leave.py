"""Whether the text of a chain may leave the workspace: as a row, as a step, in the card or the report."""

from cotfactory.schemas.grade import Decision
from cotfactory.schemas.group import GradedCandidate
from cotfactory.schemas.key_like import count_key_like


def may_leave(graded: GradedCandidate, decision: Decision) -> bool:
    """Return whether a chain's text may be shown to anybody: it is no benchmark's, and nothing in it looks like a key.

    A chain that is dropped for any other reason may be shown, as what it is: wrong, say.
    """
    return decision.reason != "contaminated" and not count_key_like(graded.candidate.text)
