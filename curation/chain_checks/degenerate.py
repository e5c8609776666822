"""Chains that are no good to train on, however right their answer: cut short, never closed, without reasoning."""

import re

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import DropReason

FINISHED = ("stop", "unknown")
"""`unknown`: some servers leave the reason out."""

_OPENED = re.compile(r"<(?:think|thinking|reasoning|thought)>", re.IGNORECASE)
_CLOSED = re.compile(r"</(?:think|thinking|reasoning|thought)>", re.IGNORECASE)


def degenerate(candidate: Candidate, *, require_reasoning: bool) -> DropReason | None:
    """Return why a candidate's form rules it out, or None.

    `truncated`: the endpoint cut it at its token limit. `not_finished`: it ended for another reason than being
    done (a content filter, say). `unclosed_reasoning`: thinking without a response after it, or thinking that is
    opened in the response and not closed. `no_reasoning`: the recipe demands separate reasoning and there is none.
    """
    if candidate.is_truncated:
        return "truncated"
    if candidate.finish_reason not in FINISHED:
        return "not_finished"
    if not candidate.response or len(_OPENED.findall(candidate.response)) > len(_CLOSED.findall(candidate.response)):
        return "unclosed_reasoning"
    if require_reasoning and not candidate.reasoning:
        return "no_reasoning"
    return None
