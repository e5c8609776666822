"""Split a completion into reasoning and response."""

import re
from datetime import UTC, datetime

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.request_record import RequestRecord
from cotfactory.schemas.teaching import Completion, Usage

OPEN, CLOSE = "<think>", "</think>"
_TAGS = re.compile(r"</?think>")


def split(completion: Completion) -> tuple[str | None, str]:
    """Return (reasoning, response) of a completion; reasoning is None when the teacher showed none.

    A field of the endpoint's own is the reasoning. Otherwise it is what stands between `<think>` and its
    `</think>`; some templates put the opening tag into the prompt, so a lone `</think>` also ends it.

    - `<think>3 + 4 = 7</think>The answer is 7.` -> (`3 + 4 = 7`, `The answer is 7.`)
    - `3 + 4 = 7</think>The answer is 7.` -> the same
    - `<think>3 + 4` (never closed: all of it is thinking) -> (`3 + 4`, ``)
    - `The answer is 7.` -> (None, `The answer is 7.`)

    Text before `<think>` is part of the response. With several thoughts the last closing tag counts, so that
    no piece of thinking is ever read as an answer.
    """
    thought, response = _split_content(completion.content)
    if completion.reasoning and completion.reasoning.strip():
        return _without_tags(completion.reasoning) or None, response
    return thought, response


def _split_content(content: str) -> tuple[str | None, str]:
    opened, closed = content.find(OPEN), content.rfind(CLOSE)
    if opened == -1 and closed == -1:
        return None, content.strip()
    first_closed = content.find(CLOSE)
    before = content[:opened] if opened != -1 and (first_closed == -1 or opened < first_closed) else ""
    if closed == -1:
        return _without_tags(content[opened:]), before.strip()
    thought = _without_tags(content[len(before) : closed])
    tail = content[closed + len(CLOSE) :]
    reopened = tail.find(OPEN)
    if reopened != -1:  # a second thought that was never closed
        thought, tail = f"{thought}\n{_without_tags(tail[reopened:])}", ""
    return thought or None, (before + tail).strip()


def candidate_of(request: RequestRecord, completion: Completion, usage: Usage, cost_usd: float | None) -> Candidate:
    """Return the attempt that a request brought; `usage` is what was billed or, where nobody said, the worst case."""
    reasoning, response = split(completion)
    return Candidate(
        **dict(request),
        reasoning=reasoning,
        response=response,
        finish_reason=completion.finish_reason,
        usage=usage,
        cost_usd=cost_usd,
        latency_ms=completion.latency_ms,
        created_at=datetime.now(UTC),
    )


def _without_tags(text: str) -> str:
    return _TAGS.sub("", text).strip()
