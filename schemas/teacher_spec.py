"""TeacherSpec: one teacher of a recipe - where and how it is asked, and within which limits."""

import json
import re
import shlex
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from cotfactory.schemas.candidate import StrategyName
from cotfactory.schemas.endpoint_keys import KEY_HEADERS, BaseUrl, ExtraBody, Headers
from cotfactory.schemas.key_like import count_key_like
from cotfactory.schemas.record import RecipeKeys
from cotfactory.schemas.teaching import Limit, Sampling

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
LONG_RUN = re.compile(r"(?=[A-Za-z]*[0-9])[A-Za-z0-9]{24}")
"""Letters and digits as keys have them, and no name of a variable does."""
LONG_ANSWER_TOKENS = 8_192
"""With `stream: auto` answers that may be this long are streamed: gateways end a silence after one to ten minutes."""
PLAIN_TIMEOUT_S, STREAM_TIMEOUT_S = 600.0, 3600.0
PositiveInt = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
STARTING_S = 1800.0
"""What a large model may take to load from a slow disk."""


class Price(RecipeKeys):
    """USD per million tokens."""

    input: Annotated[float, Field(ge=0)]
    """Of a prompt."""
    output: Annotated[float, Field(ge=0)]
    """Of an answer, thinking included."""
    cached_input: Annotated[float, Field(ge=0)] | None = None
    """Of the part of a prompt that the endpoint says it had cached; null: as `input`."""

    @model_validator(mode="after")
    def _cached_is_cheaper(self) -> Self:
        if self.cached_input is not None and self.cached_input > self.input:
            raise ValueError(
                f"price.cached_input is {self.cached_input:g}: expected at most price.input, which is {self.input:g}"
            )
        return self


class EndpointLimits(RecipeKeys):
    """What one teacher endpoint is sent at most."""

    concurrency: PositiveInt = 64
    """Requests under way at the same time. It is halved when the endpoint says that it is too much, and recovers."""
    requests_per_minute: PositiveInt | None = None
    """Samples asked for within a minute; null: as many as `concurrency` lets through."""
    tokens_per_minute: PositiveInt | None = None
    """Tokens within a minute, prompts and answers, what is in flight at its worst case."""
    timeout_s: Annotated[float, Field(gt=0)] | None = None
    """How long one request may take, to the last byte of its answer; null: 600 s, and an hour for a streamed one. What
    had arrived of a streamed answer by then is kept as a truncated sample, and paid."""
    silence_s: Annotated[float, Field(gt=0)] = 300.0
    """How long a streamed answer may pause, before its first byte too; comments that keep the connection alive count as
    bytes. What had arrived by then is kept as with `timeout_s`."""
    reply_mb: PositiveInt = 64
    """The most that one reply may hold, in MiB, decompressed; one that holds more is cut off and is an error."""
    retries: Annotated[int, Field(ge=0)] = 6
    """How often a request is sent again after an error that may go away by itself."""
    samples_per_request: PositiveInt = 1
    """Samples of one prompt that are asked for at the same time go out as one request of up to so many (the API's `n`),
    whose prompt is billed once. Each still counts by itself in `concurrency` and `requests_per_minute`. An endpoint
    that does not return several is asked for one after all."""

    def total_s(self, *, streamed: bool = False) -> float:
        """Return how long one request may take in all."""
        return self.timeout_s or (STREAM_TIMEOUT_S if streamed else PLAIN_TIMEOUT_S)


class Batch(RecipeKeys):
    """Ask through the OpenAI Batch API: cheaper, and answered within a day, in rounds.

    A batch is sent when it is full, or when nothing has joined it for `poll_s`. Under a budget the first batch holds
    one request, whose bill shows what the endpoint adds to prompts.
    """

    requests: Annotated[int, Field(ge=1, le=50_000)] = 10_000  # the endpoint's own limit
    """How many are under way at most, and in one batch. A run keeps about `requests / shard_problems` shards open, each
    with 16 MiB of disk in reserve: raise `shard_problems` along with `requests`."""
    poll_s: Annotated[float, Field(gt=0)] = 30.0
    """Every so many seconds the endpoint is asked how far it is."""


class StudentShares(RecipeKeys):
    """How often the simulated teacher answers in which way; what the first six leave of 1 is answered right.

    The first six add up to 1 at most, and so do `tagged` and `separate`.
    """

    slipped: Share = 0.12
    """One step of the chain is wrong, and so is the answer."""
    confident: Share = 0.06
    """Wrong without any step."""
    lucky: Share = 0.04
    """A wrong step, yet the right answer."""
    truncated: Share = 0.04
    """Cut by the token limit."""
    hedged: Share = 0.04
    """Several final answers."""
    unanswered: Share = 0.04
    """No final answer."""
    tagged: Share = 0.4
    """Of all chains: thinks inside `<think>` tags."""
    separate: Share = 0.4
    """Of all chains: thinks in the field `reasoning_content`. The rest shows no thinking."""

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        faults = self.slipped + self.confident + self.lucky + self.truncated + self.hedged + self.unanswered
        if faults > 1 or self.tagged + self.separate > 1:
            raise ValueError("the shares of a simulated teacher add up to more than 1")
        return self


class TeacherSpec(RecipeKeys):
    """One teacher: an endpoint (`base_url`, `base_urls` or `start`), recorded completions, the stored rollouts of a
    policy, or the simulated student.

    Without any of these, the endpoint is the environment's OPENAI_BASE_URL.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """How this teacher is called in your tables; no two of a recipe share it."""
    model: str
    """The model that the endpoint is asked for. It is part of each request's id: another model is asked anew. With
    `recordings`, only completions of this model are replayed, or all of them where the file has none of it."""
    base_url: BaseUrl | None = None
    """Where the OpenAI chat API begins, as a rule ending in `/v1`; a query (`?api-version=2024-10-21`) goes with every
    request. No part of an id: an endpoint may move. `${NAME}` stands for the environment variable, and is published as
    it is written."""
    base_urls: Annotated[tuple[BaseUrl, ...], Field(min_length=1)] | None = None
    """Several servers of the same model, in place of `base_url`: each request goes to the one with least in flight, and
    one that fails rests and is tried again. They give one set of samples, and `limits` are those of all together."""
    start: Annotated[str, Field(min_length=1)] | None = None
    """In place of `base_url`, a command that serves the teacher: `vllm serve MODEL --port {port}`. It is started on a
    free port, without a shell, waited for (`wait_for_s`), and ended with the run; what it says is in
    `logs/server-NAME.log` of the workspace. `${NAME}` stands for the environment variable."""
    wait_for_s: Annotated[float, Field(ge=0, le=86_400)] | None = None
    """How long to wait at the start for a server that is still loading its model: it refuses connections, or answers
    503. null: half an hour with `start`, else not at all."""
    recordings: str | None = None
    """A file of recorded completions, which a local server replays; a relative path starts at the recipe's folder."""
    stored: Literal[True, "written"] | None = None
    """`true`: nobody is asked. Its chains are the rollouts of the policy `model` (left out: of the policy `name`) that
    [`cotfactory serve`](serving.md) has kept in the workspace, the first `attempts.max` of each problem. `written`:
    they are those that people wrote or corrected with [`cotfactory review`](reviewing.md)."""
    simulated: StudentShares | None = None
    """`true`, or the shares of its mistakes: a local server that answers like a fallible student."""
    rounds: bool = False
    """Whether this is the teacher that learns in the `rounds` of the recipe."""
    api_key_env: str = "OPENAI_API_KEY"
    """The environment variable that holds the key; the key itself never enters a recipe. A server on this machine
    needs none, unless this key is set, nor does a teacher whose `headers` carry one."""
    headers: Headers = Field(default_factory=dict)
    """Headers that go with every request; `${NAME}` in a value stands for the environment variable. The values are
    never written or shown anywhere, and are no part of an id."""
    ca_bundle: str | None = None
    """A file of certificates (PEM) that the endpoint's own must be signed by; a relative path starts at the recipe's
    folder. null: REQUESTS_CA_BUNDLE or SSL_CERT_FILE of the environment, else the usual authorities."""
    prompt: str = "solve"
    """How a problem is put: the name of a template of ours (`generators/prompts/NAME.j2`), a file of your own
    (`./mine.j2`, from the recipe's folder), or the [template](prompts.md) itself. What it makes of a problem is part
    of each request's id, and the template is published with the recipe."""
    system: Annotated[str, Field(min_length=1)] | None = None
    """What the system message says before every conversation. It is part of each request's id, and published with the
    chains as the first of their messages."""
    strategy: StrategyName = "solve"
    """How a sample is had: asked plainly (`solve`), for a plan first (`plan_then_solve`), for a draft, a critique and a
    revision (`refine`), another way after a wrong answer (`retry_with_feedback`), with the reference answer as a hint
    (`hint`), with a limit on its thinking (`budget`), with a [tool that runs Python](tools.md) (`python`), or with the
    recipe's [policies](policies.md) to reason over (`deliberate`)."""
    max_calls: Annotated[int, Field(ge=1, le=64)] | None = None
    """With `strategy: python`, and only then: how often a sample may call the tool."""
    think_tokens: Limit | None = None
    """With `strategy: budget`, and only then: think for at most so many tokens, then answer within
    `sampling.max_tokens`."""
    sampling: Sampling = Sampling()
    """How the model samples. It is part of each request's id: other sampling is asked anew."""
    extra_body: ExtraBody = Field(default_factory=dict)
    """Further fields of each request's body, whatever JSON the endpoint takes: `chat_template_kwargs`, `thinking`,
    `reasoning`, `min_p`, `stop`, a gateway's routing. Part of each request's id, and published with the recipe."""
    retry_truncated: Limit | None = None
    """A sample cut at `sampling.max_tokens` is asked once more with so many tokens, which must be more; null: it stays
    as it is. With the strategies `solve` and `hint`."""
    price: Price | None = None
    """What the endpoint bills. Needed with `budget.usd`, and the other way round. With `batch` it is the batch price,
    half of the usual one at OpenAI."""
    limits: EndpointLimits = EndpointLimits()
    """What the endpoint is sent at most. With `batch` only `timeout_s` and `retries` may be given."""
    stream: bool | Literal["auto"] = "auto"
    """Whether answers come piece by piece (`true`) or at once (`false`); what is stored is the same, and it is no part
    of an id. `auto`: at once, apart from those that `sampling` lets grow to 8,192 tokens or more, and from an endpoint
    that says that it only streams or whose gateway gave up on a silent answer. Streamed answers outlive gateways that
    cut a silence, and what had arrived when the time is over is kept."""
    batch: Batch | None = None
    """`true`, or how to ask through the OpenAI Batch API; of endpoints only."""
    license: str | None = None
    """The terms that this teacher's chains are under; card and rows name them."""
    reasoning_tags: tuple[str, str] | None = None
    """The two marks that its thinking stands between, where they are none of the usual ones, such as
    `["<ponder>", "</ponder>"]`. They are not sent and no part of an id; what is stored stays as it was split."""

    @model_validator(mode="before")
    @classmethod
    def _stored_by_its_name(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("stored") in (True, "written") and "name" in given:
            return {"model": given["name"], **given}
        return given

    @field_validator("api_key_env")
    @classmethod
    def _names_a_variable(cls, name: str) -> str:
        if not VARIABLE.fullmatch(name) or count_key_like(name) or LONG_RUN.search(name):
            raise ValueError(
                "expected the name of an environment variable, such as OPENAI_API_KEY; a key itself is written nowhere"
            )
        return name

    @field_validator("simulated", "batch", mode="before")
    @classmethod
    def _true_means_defaults(cls, value: object) -> object:
        return {"true": {}, "false": None}[str(value).lower()] if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _one_place_to_ask(self) -> Self:
        places = ("base_url", "base_urls", "start", "recordings", "stored", "simulated")
        given = [name for name in places if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"teacher {self.name!r} has {' and '.join(given)}: expected at most one of them")
        return self

    @field_validator("base_urls")
    @classmethod
    def _servers_differ(cls, urls: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if urls is not None and len({url.rstrip("/") for url in urls}) < len(urls):
            raise ValueError("a server is named twice: expected each once")
        return urls

    @field_validator("start")
    @classmethod
    def _command_can_be_started(cls, command: str | None) -> str | None:
        if command is None:
            return None
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise ValueError(f"start is no command: {error}; expected words as a shell reads them") from error
        if not words or "{port}" not in command:
            raise ValueError("start has no {port}: expected the port that the server is told, as in `--port {port}`")
        return command

    @field_validator("reasoning_tags")
    @classmethod
    def _tags_differ(cls, tags: tuple[str, str] | None) -> tuple[str, str] | None:
        if tags is not None and (not all(tag.strip() for tag in tags) or tags[0].lower() == tags[1].lower()):
            raise ValueError(
                f"reasoning_tags are {list(tags)}: expected two different texts, such as [<ponder>, </ponder>]"
            )
        return tags

    @model_validator(mode="after")
    def _endpoints_alone_are_told_more(self) -> Self:
        keys = [key for key in ("headers", "ca_bundle", "wait_for_s") if getattr(self, key)] if self.is_local else []
        if keys:
            raise ValueError(
                f"teacher {self.name!r} has `{keys[0]}`: expected an endpoint, not recordings or a simulation"
            )
        return self

    @model_validator(mode="after")
    def _batches_go_to_an_endpoint(self) -> Self:
        if self.batch is None:
            return self
        if self.is_local:
            raise ValueError(f"teacher {self.name!r} has `batch`: expected an endpoint, not recordings or a simulation")
        if self.base_urls is not None:
            raise ValueError(f"teacher {self.name!r} has `batch` and base_urls: a batch lies at one endpoint")
        others = self.limits.model_dump(exclude_defaults=True).keys() - {"timeout_s", "retries"}
        if others:
            raise ValueError(
                f"teacher {self.name!r} has `batch` and limits.{min(others)}: expected `batch.requests` alone to say "
                "how many are under way, and of `limits` only timeout_s and retries"
            )
        if self.stream is True:
            raise ValueError(f"teacher {self.name!r} has `batch` and `stream: true`: expected one of them")
        return self

    @model_validator(mode="after")
    def _strategy_can_be_followed(self) -> Self:
        if (self.strategy == "budget") != (self.think_tokens is not None):
            raise ValueError(f"teacher {self.name!r}: `strategy: budget` and `think_tokens` belong together")
        if (self.strategy == "python") != (self.max_calls is not None):
            raise ValueError(f"teacher {self.name!r}: `strategy: python` and `max_calls` belong together")
        if self.strategy == "python" and self.batch is not None:
            raise ValueError(
                f"teacher {self.name!r}: `strategy: python` asks on from what calls give: leave `batch` out"
            )
        if self.retry_truncated is not None:
            if self.strategy not in ("solve", "hint"):
                raise ValueError(f"teacher {self.name!r}: retry_truncated goes with `strategy: solve` or `hint` only")
            limit = self.sampling.output_limit
            if limit is None or self.retry_truncated <= limit:
                raise ValueError(
                    f"teacher {self.name!r}: retry_truncated is {self.retry_truncated}: expected more than "
                    f"sampling.max_tokens, which is {limit}"
                )
        is_there = self.recordings is not None or self.stored
        if is_there and (self.strategy != "solve" or self.retry_truncated is not None):
            raise ValueError(f"teacher {self.name!r} is not asked anew: it can only `solve`, once a sample")
        return self

    @property
    def has_own_prompt(self) -> bool:
        """Whether `prompt` is a template, and not the name of one of ours."""
        return re.fullmatch(r"[\w-]+", self.prompt) is None

    @property
    def is_local(self) -> bool:
        """Whether no endpoint is asked: it is stored, or a local server of ours finds sample i by the seed."""
        return self.recordings is not None or self.stored is not None or self.simulated is not None

    @property
    def loading_s(self) -> float:
        """How long a model may take to load."""
        return (STARTING_S if self.start is not None else 0.0) if self.wait_for_s is None else self.wait_for_s

    @property
    def brings_its_key(self) -> bool:
        """Whether a header carries the key, so that none is looked for in the environment unless one is named."""
        return "api_key_env" not in self.model_fields_set and bool(
            KEY_HEADERS & {name.lower() for name in self.headers}
        )

    @property
    def can_go_on(self) -> bool:
        """Whether it can be asked for rollouts of its chains."""
        return self.strategy == "solve" and self.recordings is None and self.stored is None

    def first_requests(self) -> tuple[str, ...]:
        """Return what tells its requests for new conversations from other teachers' requests."""
        opening = self.strategy if self.strategy in ("plan_then_solve", "hint", "python", "deliberate") else self.prompt
        limits = [limit for limit in (self.think_tokens, self.retry_truncated) if limit is not None]
        samplings = [self.sampling.limited_to(limit) for limit in limits]
        if self.think_tokens is None:
            samplings.insert(0, self.sampling)
        same = [self.model, self.system, opening, self.extra_body]
        return tuple(json.dumps([*same, sampling.identity()], sort_keys=True) for sampling in samplings)
