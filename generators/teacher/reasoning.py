"""Split a completion into reasoning and response."""

from datetime import UTC, datetime

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.reasoning_tags import begins_with_thinking, split_thinking, without_wrapper
from cotfactory.schemas.request_record import RequestRecord
from cotfactory.schemas.teaching import Completion, Usage


def split(completion: Completion, own: tuple[str, str] | None = None) -> tuple[str | None, str]:
    """Return (reasoning, response) of a completion; reasoning is None when the teacher showed none.

    A field of the endpoint's own is the reasoning, and the content is then left alone unless it begins with a thought
    once more: an answer may well speak of `</think>`. Without such a field the content is split at its marks
    (`schemas/reasoning_tags.py`); `own` is a pair of the teacher's beside those of the table.
    """
    thought, response, _ = split_thinking(completion.content, own)
    if not completion.reasoning or not completion.reasoning.strip():
        return thought, response
    field = split_thinking(completion.reasoning, own)
    reasoning = "\n".join(part for part in (field.reasoning, field.response) if part)
    if not begins_with_thinking(completion.content, own):
        response = without_wrapper(completion.content.strip())
    return reasoning or None, response


def candidate_of(
    request: RequestRecord,
    completion: Completion,
    usage: Usage,
    cost_usd: float | None,
    own: tuple[str, str] | None = None,
) -> Candidate:
    """Return the attempt that a request brought.

    `usage` is what was billed or, where nobody said, the worst case; `own` the teacher's own pair of tags.
    """
    reasoning, response = split(completion, own)
    return Candidate(
        **vars(request),
        reasoning=reasoning,
        response=response,
        tool_calls=completion.tool_calls,
        finish_reason=completion.finish_reason,
        finish_reason_raw=completion.finish_reason_raw,
        usage=usage,
        cost_usd=cost_usd,
        latency_ms=completion.latency_ms,
        created_at=datetime.now(UTC),
    )
