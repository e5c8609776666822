"""TeacherSpec: one teacher of a recipe - where and how it is asked, and within which limits."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from cotfactory.schemas.candidate import StrategyName
from cotfactory.schemas.reasoning_tags import ReasoningTags
from cotfactory.schemas.record import Record
from cotfactory.schemas.teaching import Limit, Sampling

PositiveInt = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class Price(Record):
    """USD per million tokens."""

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]


class EndpointLimits(Record):
    """What one teacher endpoint is sent at most; `timeout_s` is for one request.

    Samples of one prompt that are asked for at the same time go out as one request of up to `samples_per_request` (the
    API's `n`), whose prompt is billed once. Each still counts by itself in `concurrency` and `requests_per_minute`. An
    endpoint that does not return several is asked for one after all.
    """

    concurrency: PositiveInt = 64
    requests_per_minute: PositiveInt | None = None
    tokens_per_minute: PositiveInt | None = None
    timeout_s: Annotated[float, Field(gt=0)] = 600.0
    retries: Annotated[int, Field(ge=0)] = 6
    samples_per_request: PositiveInt = 1


class Batch(Record):
    """Ask through the OpenAI Batch API: cheaper, and answered within a day, in rounds.

    `requests` is how many are under way at most, and in one batch; the endpoint is asked every `poll_s` how far it is.
    A batch is sent when it is full, or when nothing has joined it for `poll_s`. A run keeps about
    `requests / shard_problems` shards open, each with 16 MB of disk in reserve: raise `shard_problems` along with
    `requests`. Under a budget the first batch holds one request, whose bill shows what the endpoint adds to prompts.
    """

    requests: Annotated[int, Field(ge=1, le=50_000)] = 10_000  # the endpoint's own limit
    poll_s: Annotated[float, Field(gt=0)] = 30.0


class StudentShares(Record):
    """How often the simulated teacher answers in which way; what is left of 1 is answered right.

    `slipped`: one step of the chain is wrong and so is the answer. `confident`: wrong without any step.
    `lucky`: a wrong step, yet the right answer. `truncated`: cut by the token limit. `hedged`: several
    final answers. `unanswered`: no final answer. Apart from these, `tagged` is the share of all chains
    that think inside `<think>` tags and `separate` the share that thinks in `reasoning_content`.
    """

    slipped: Share = 0.12
    confident: Share = 0.06
    lucky: Share = 0.04
    truncated: Share = 0.04
    hedged: Share = 0.04
    unanswered: Share = 0.04
    tagged: Share = 0.4
    separate: Share = 0.4

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        faults = self.slipped + self.confident + self.lucky + self.truncated + self.hedged + self.unanswered
        if faults > 1 or self.tagged + self.separate > 1:
            raise ValueError("the shares of a simulated teacher add up to more than 1")
        return self


class TeacherSpec(Record):
    """One teacher: an endpoint (`base_url`), a file of recorded completions, or the simulated student.

    Without any of the three, the endpoint is the environment's OPENAI_BASE_URL. `api_key_env` names the
    environment variable that holds the key; the key itself never enters a recipe. With `batch` the `price` is still
    what is paid: the endpoint's batch price, half of its usual one at OpenAI.

    `strategy` says how a sample is had (`generators/ask/strategies.py`); `budget` thinks for at most `think_tokens` and
    then answers within `sampling.max_tokens`. A sample cut at `sampling.max_tokens` is asked once more with
    `retry_truncated` tokens, where that is given; otherwise it stays as it is. `reasoning_tags` are the two marks that
    its thinking stands between, where they are none of the usual ones; what is stored already stays as it was split.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    model: str
    base_url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    recordings: str | None = None
    simulated: StudentShares | None = None
    api_key_env: str = "OPENAI_API_KEY"
    prompt: str = "solve"
    strategy: StrategyName = "solve"
    think_tokens: Limit | None = None
    sampling: Sampling = Sampling()
    retry_truncated: Limit | None = None
    price: Price | None = None
    limits: EndpointLimits = EndpointLimits()
    batch: Batch | None = None
    license: str | None = None
    reasoning_tags: ReasoningTags | None = None

    @field_validator("simulated", "batch", mode="before")
    @classmethod
    def _true_means_defaults(cls, value: object) -> object:
        return {"true": {}, "false": None}[str(value).lower()] if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _one_place_to_ask(self) -> Self:
        given = [name for name in ("base_url", "recordings", "simulated") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"teacher {self.name!r} has {' and '.join(given)}: expected at most one of them")
        return self

    @field_validator("reasoning_tags")
    @classmethod
    def _tags_differ(cls, tags: ReasoningTags | None) -> ReasoningTags | None:
        if tags is not None and (not all(tag.strip() for tag in tags) or tags.opening.lower() == tags.closing.lower()):
            raise ValueError(
                f"reasoning_tags are {list(tags)}: expected two different texts, such as [<ponder>, </ponder>]"
            )
        return tags

    @model_validator(mode="after")
    def _batches_go_to_an_endpoint(self) -> Self:
        if self.batch is None:
            return self
        if self.recordings is not None or self.simulated is not None:
            raise ValueError(f"teacher {self.name!r} has `batch`: expected an endpoint, not recordings or a simulation")
        rules = {"concurrency", "requests_per_minute", "tokens_per_minute", "samples_per_request"}
        paced = rules & self.limits.model_fields_set
        if paced:
            raise ValueError(
                f"teacher {self.name!r} has `batch` and limits.{min(paced)}: expected `batch.requests` alone to say "
                "how many are under way"
            )
        return self

    @model_validator(mode="after")
    def _strategy_can_be_followed(self) -> Self:
        if (self.strategy == "budget") != (self.think_tokens is not None):
            raise ValueError(f"teacher {self.name!r}: `strategy: budget` and `think_tokens` belong together")
        if self.retry_truncated is not None:
            if self.strategy not in ("solve", "hint"):
                raise ValueError(f"teacher {self.name!r}: retry_truncated goes with `strategy: solve` or `hint` only")
            if self.sampling.max_tokens is None or self.retry_truncated <= self.sampling.max_tokens:
                raise ValueError(
                    f"teacher {self.name!r}: retry_truncated is {self.retry_truncated}: expected more than "
                    f"sampling.max_tokens, which is {self.sampling.max_tokens}"
                )
        if self.recordings is not None and (self.strategy != "solve" or self.retry_truncated is not None):
            raise ValueError(
                f"teacher {self.name!r} replays recordings: it can only be asked to `solve`, once a sample"
            )
        return self

    @property
    def can_go_on(self) -> bool:
        """Whether it can be asked for rollouts of its chains."""
        return self.strategy == "solve" and self.recordings is None

    def first_requests(self) -> tuple[str, ...]:
        """Return what tells its requests for new conversations from other teachers' requests."""
        opening = self.strategy if self.strategy in ("plan_then_solve", "hint") else self.prompt
        limits = (self.think_tokens or self.sampling.max_tokens, self.retry_truncated)
        samplings = [self.sampling.model_copy(update={"max_tokens": limit}) for limit in limits[: 1 + bool(limits[1])]]
        return tuple(f"{self.model} {opening} {sampling.model_dump_json()}" for sampling in samplings)
