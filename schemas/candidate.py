"""Candidate: one attempt of one teacher - reasoning, response, sampling, usage, finish reason."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from cotfactory.schemas.finish_reason import FINISHED, FinishReason, finish_reason_of
from cotfactory.schemas.python_tool import ToolCall
from cotfactory.schemas.reasoning_tags import MARKS, split_thinking
from cotfactory.schemas.record import Record
from cotfactory.schemas.teaching import Sampling, Usage

StrategyName = Literal[
    "solve", "plan_then_solve", "refine", "retry_with_feedback", "hint", "budget", "python", "deliberate"
]
"""How a teacher is asked; `generators/ask/strategies.py` says what each does."""
RequestStrategy = Literal[StrategyName, "rollout", "judgement", "problem", "written"]
"""The same, or that it goes on from the beginning of one of its chains, judges another's or writes a problem, which no
recipe asks a teacher for alone, or that a person wrote it."""


class Candidate(Record):
    """One parsed attempt at a problem.

    `candidate_id` is the id of the request that bought it (`schemas.ids.request_id`). `reasoning` is the thinking (None
    when the teacher showed none), `response` what follows it; a response that is empty while there is reasoning means
    that the thinking was never closed. `cost_usd` is None when the recipe names no price. `finish_reason_raw` is the
    endpoint's own word for why it ended. `created_at` is in UTC. `strategy` is `solve` for an answer to the plain
    prompt, whatever came after; `training_step` and `checkpoint` say how far a policy under training was, where its
    trainer says so; `parent_id` is the candidate that the conversation, or of a rollout the solution, goes on from,
    or that a judgement judges.
    `tool_calls` are the calls that the answer makes, `tool_results` what the calls of its parent gave back, as the
    teacher was told before it said this.
    """

    candidate_id: Annotated[str, Field(min_length=1)]
    problem_id: str
    teacher: str
    prompt_id: str
    strategy: RequestStrategy = "solve"
    sampling: Sampling
    sample_index: Annotated[int, Field(ge=0)]
    parent_id: str | None = None
    reasoning: str | None
    response: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_results: tuple[str, ...] = ()
    finish_reason: Annotated[FinishReason, BeforeValidator(finish_reason_of)]
    finish_reason_raw: str | None = None
    usage: Usage
    cost_usd: Annotated[float, Field(ge=0)] | None
    latency_ms: Annotated[float, Field(ge=0)]
    created_at: datetime
    training_step: int | None = None
    checkpoint: str | None = None

    @property
    def text(self) -> str:
        """Reasoning and response as one text: the whole chain, as every check of it reads it."""
        return f"{self.reasoning or ''}\n{self.response}"

    @property
    def is_truncated(self) -> bool:
        """Whether the endpoint cut the attempt at its token limit."""
        return self.finish_reason == "length"

    @property
    def is_finished(self) -> bool:
        """Whether the teacher came to its end: nobody cut, filtered or broke it off."""
        return self.finish_reason in FINISHED


NULLABLE = frozenset({"parent_id", "reasoning", "finish_reason_raw", "cost_usd"})
"""Columns that may hold nothing; others are null where they are younger than the row."""


def stored_candidate(row: Mapping[str, Any]) -> Candidate:
    """Return a candidate as a table holds it; its fields are the columns, whatever older versions wrote there.

    Those knew one pair of tags: thinking that a chain of theirs has left in its response is told apart here.
    """
    candidate = Candidate.model_validate(
        {name: value for name, value in row.items() if value is not None or name in NULLABLE}
    )
    if candidate.reasoning is not None or not MARKS.search(candidate.response):
        return candidate
    thought, response, _ = split_thinking(candidate.response)
    return candidate.model_copy(update={"reasoning": thought, "response": response})
