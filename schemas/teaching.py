"""Message, Sampling, Completion: what is sent to a teacher and the raw reply that comes back."""

from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from cotfactory.schemas.finish_reason import FinishReason
from cotfactory.schemas.python_tool import ToolCall
from cotfactory.schemas.record import RecipeKeys, Record

Limit = Annotated[int, Field(ge=1, lt=2**31)]
Tokens = Annotated[int, Field(ge=0, lt=2**53)]
"""Whole numbers that tables and JSON readers hold exactly."""


class Message(Record):
    """One chat message: of a rendered prompt, of the conversation that follows, or what the call of a tool gave."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    def identity(self) -> dict[str, object]:
        """Return what of it is part of a request's id: what is said in it."""
        return self.model_dump(exclude_defaults=True)

    def sent(self) -> dict[str, object]:
        """Return it as the OpenAI chat API takes it."""
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in self.tool_calls
        ]
        return {
            "role": self.role,
            "content": self.content,
            **({"tool_calls": calls} if calls else {}),
            **({"tool_call_id": self.tool_call_id} if self.tool_call_id is not None else {}),
        }

    @property
    def text(self) -> str:
        """All text of it, for whoever counts it."""
        return self.content + "".join(call.name + call.arguments for call in self.tool_calls)


class Sampling(RecipeKeys):
    """Sampling parameters, sent under these names. What is null is not sent, nor, but for the seed, part of an id."""

    temperature: Annotated[float, Field(ge=0)] | None = None
    """How freely the model samples; at 0 its attempts at a problem hardly differ."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    """Sample from the likeliest tokens that together have this probability."""
    top_k: Annotated[int, Field(ge=-1, lt=2**31)] | None = None
    """Sample from this many of the likeliest tokens, -1 for all of them; local servers know it, OpenAI does not."""
    max_tokens: Limit | None = None
    """The most output tokens of one request, thinking included. A budget needs it or the next key, for the worst case
    of a request."""
    max_completion_tokens: Limit | None = None
    """The same limit under its newer name, in place of `max_tokens`: OpenAI's reasoning models take no other."""
    reasoning_effort: str | None = None
    """How much a reasoning model should think, in the endpoint's own words (`low`, `medium`, `high`)."""
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    """A base: sample number i is asked with `seed + i`, so that a server that honours seeds gives different samples,
    and the same ones again. null: no seed is sent, since strict endpoints refuse the field; a request's id is then that
    of the base 0."""

    @field_validator("top_k")
    @classmethod
    def _some_are_likeliest(cls, top_k: int | None) -> int | None:
        if top_k == 0:
            raise ValueError("expected a number of tokens, or -1 for all")
        return top_k

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise ValueError(
                "max_tokens and max_completion_tokens are two names of one limit: expected the one that the endpoint "
                "takes"
            )
        return self

    @property
    def output_limit(self) -> int | None:
        """The most output tokens of one request, under whichever name it is sent."""
        return self.max_tokens or self.max_completion_tokens

    def limited_to(self, tokens: int) -> "Sampling":
        """Return the same with another limit, under the name that this one has."""
        name = "max_tokens" if self.max_completion_tokens is None else "max_completion_tokens"
        return self.model_copy(update={name: tokens})

    def sent(self) -> dict[str, float | int | str]:
        """Return the parameters that are set, by name."""
        return self.model_dump(exclude_none=True)

    def identity(self) -> dict[str, float | int | str]:
        """Return what of it is part of a request's id: a sample asked for without a seed is the one of base 0."""
        return {"seed": 0, **self.sent()}


class ReportedUsage(Record):
    """Tokens of one request as far as its endpoint said what it billed; None is what it did not say.

    `reasoning_tokens` are part of the output, `cached_input_tokens` of the input: what the endpoint had read before.
    """

    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    reasoning_tokens: Tokens = 0
    cached_input_tokens: Tokens | None = None


class Usage(ReportedUsage):
    """Tokens of one request as they count. `estimated`: the endpoint did not say all, so the worst case stands in."""

    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    estimated: bool = False


class Completion(NamedTuple):
    """The raw reply of a teacher to one request, before anything interprets it.

    `reasoning` is what the endpoint sent in a field of its own (`reasoning_content`, `reasoning`, ...); thinking that
    is written between tags is still inside `content` here. `finish_reason_raw` is the endpoint's own word. `model` is
    the name the endpoint answered with, `latency_ms` the wall time of the successful call, `usage` None when it did not
    say.
    """

    content: str
    finish_reason: FinishReason
    model: str
    usage: ReportedUsage | None
    latency_ms: float
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason_raw: str | None = None
