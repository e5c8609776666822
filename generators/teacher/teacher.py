"""The OpenAI-compatible teacher: one request in, a completion out; retries, and how long before the next try."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import aiohttp

from cotfactory.generators.teacher.completions import NOT_READABLE, read_completion, read_completions, says_nothing
from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.generators.teacher.endpoint_errors import (
    broken_off,
    error_for,
    not_a_completion,
    not_json,
    silent,
    status_error,
    timed_out,
    too_large,
    unreachable,
    waited_in_vain,
)
from cotfactory.generators.teacher.error_body import error_in_success
from cotfactory.generators.teacher.http_client import HttpClient, HttpReply
from cotfactory.generators.teacher.limiter import Limiter
from cotfactory.generators.teacher.model_names import listed_models
from cotfactory.generators.teacher.rate_headers import Allowances, allowances
from cotfactory.generators.teacher.reply_body import ReplyTooLarge
from cotfactory.generators.teacher.reply_json import is_web_page, read_json
from cotfactory.generators.teacher.statuses import REFUSAL_TAKES_S
from cotfactory.generators.teacher.stream_choice import StreamChoice
from cotfactory.generators.teacher.tool_offer import offered, refuses_tools, without_tools
from cotfactory.schemas.errors import TeacherBadReply, TeacherError, TeacherRateLimited, TeacherUnavailable
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Completion, Message, Sampling

logger = logging.getLogger(__name__)

SPORADIC_DELAY_S, FIRST_DELAY_S, LONGEST_DELAY_S = 0.1, 0.5, 30.0
MOST_DOUBLINGS = 10
MODELS_TRIES = 3
T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """One wanted sample. `request_id` is the id of what it buys (the `candidate_id`); it is never sent.

    `tokens` is the estimate that the tokens-per-minute limit is charged with. `tool_choice` says whether the tool that
    is offered may be called; None: none is offered.
    """

    request_id: str
    messages: Sequence[Message]
    sampling: Sampling
    sample_index: int
    tokens: int
    tool_choice: Literal["auto", "none"] | None = None


class Teacher(Protocol):
    """The seam: whatever answers a request with a completion."""

    async def complete(self, request: Request) -> Completion:
        """Return one completion. Raises a TeacherError."""
        ...


class OpenAITeacher:
    """A teacher behind an OpenAI-compatible endpoint; an async context manager.

    It asks once: retrying is `ask_with_retries`'s. `on_allowances` hears what replies say about the endpoint's limits.
    """

    def __init__(
        self, spec: TeacherSpec, endpoint: Endpoint, on_allowances: Callable[[Allowances], None] = lambda _: None
    ) -> None:
        self._spec, self._endpoint, self._on_allowances = spec, endpoint, on_allowances
        self._refusal_takes_s = REFUSAL_TAKES_S
        self._stream_choice = StreamChoice(spec.stream)
        self._takes_tools = True
        self._http: HttpClient

    async def __aenter__(self) -> "OpenAITeacher":
        self._http = await HttpClient.opened(self._endpoint, self._spec.limits)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def complete(self, request: Request) -> Completion:
        """Ask for one sample. Raises a TeacherError."""
        completion = await self._ask(request, {}, read_completion)
        if says_nothing(completion):
            self._stream_choice.said_nothing()
        return self._whole([completion])[0]

    async def complete_several(self, request: Request, samples: int) -> tuple[Completion, ...]:
        """Ask for `samples` samples of one prompt at once; an endpoint may return fewer. Raises a TeacherError."""
        return self._whole(await self._ask(request, {"n": samples}, read_completions))

    def _whole(self, completions: Sequence[Completion]) -> tuple[Completion, ...]:
        """Return those that were not broken off, without our keys. Raises TeacherUnavailable where all were."""
        whole = tuple(
            self._endpoint.without_keys(completion) for completion in completions if completion.finish_reason != "error"
        )
        if completions and not whole:
            raise broken_off(self._endpoint.shown, completions[0])
        return whole

    async def _ask(self, request: Request, more: dict[str, object], read: Callable[[Any, float], T]) -> T:
        while True:
            offers_tool = self._takes_tools and request.tool_choice is not None
            body = {**chat_body(self._spec, request, offers_tool=offers_tool), **more}
            way, started = self._stream_choice.keys(body), time.perf_counter()
            with connection_errors(self._spec, self._endpoint, streamed=bool(way)):
                reply = await self._http.chat({**body, **way})
            if offers_tool and refuses_tools(reply.status, reply.body):
                self._takes_tools = False
                continue
            if reply.is_success or not self._stream_choice.refused(body, way, reply.status, reply.body):
                break
        took_s = time.perf_counter() - started
        payload = decoded(reply, self._spec, self._endpoint, self._on_allowances, worked=took_s > self._refusal_takes_s)
        if (error := error_in_success(payload)) is not None:
            said = self._endpoint.masked_line(str(payload), 200)
            raise error_for(self._endpoint.shown, self._spec, error, said)
        self._refusal_takes_s = min(self._refusal_takes_s, took_s / 2)
        try:
            return read(payload, (time.perf_counter() - started) * 1000)
        except NOT_READABLE as error:
            self._stream_choice.said_nothing()
            raise not_a_completion(self._endpoint.shown, self._endpoint.masked_line(str(payload), 80)) from error

    async def models(self) -> tuple[str, ...]:
        """Return the models the endpoint lists; empty when it does not, or not in a way that can be read.

        Only completions are needed: whatever it answers says that it is up. Raises TeacherUnavailable when it cannot be
        reached.
        """
        for attempt in range(MODELS_TRIES):
            is_last = attempt == MODELS_TRIES - 1
            try:
                return await self.ask_models()
            except TeacherUnavailable as error:
                if is_last and error.is_unreachable:
                    raise
            except TeacherRateLimited:
                pass
            except TeacherError:
                return ()
            if not is_last:
                await asyncio.sleep(FIRST_DELAY_S * 2**attempt)
        return ()

    async def ask_models(self) -> tuple[str, ...]:
        """Ask once which models there are. Raises a TeacherError."""
        with connection_errors(self._spec, self._endpoint):
            reply = await self._http.models()
        return listed_models(decoded(reply, self._spec, self._endpoint, self._on_allowances))


@contextmanager
def connection_errors(spec: TeacherSpec, endpoint: Endpoint, *, streamed: bool = False) -> Iterator[None]:
    """Raise the TeacherError for a reply that did not come."""
    try:
        yield
    except aiohttp.SocketTimeoutError as error:
        raise silent(endpoint.shown, spec.limits.silence_s) from error
    except TimeoutError as error:
        raise timed_out(endpoint.shown, spec.limits.total_s(streamed=streamed)) from error
    except ReplyTooLarge as error:
        raise too_large(endpoint.shown, spec.limits.reply_mb) from error
    except (aiohttp.ClientError, OSError) as error:
        # It may quote the URL, whose query may hold a key.
        said = endpoint.masked_line(str(error) or type(error).__name__, 300)
        raise unreachable(endpoint.shown, error, said) from error


def successful(
    reply: HttpReply,
    spec: TeacherSpec,
    endpoint: Endpoint,
    on_allowances: Callable[[Allowances], None] = lambda _: None,
    *,
    worked: bool = False,
) -> HttpReply:
    """Return a reply whose status is a success. Raises the TeacherError that any other stands for."""
    said = allowances(reply.headers)
    if said is not None:
        on_allowances(said)
    if not reply.is_success:
        text = endpoint.masked_line(reply.body.decode("utf-8", "replace"), 200)
        raise status_error(endpoint.shown, spec, reply, text, worked=worked)
    return reply


def decoded(
    reply: HttpReply,
    spec: TeacherSpec,
    endpoint: Endpoint,
    on_allowances: Callable[[Allowances], None] = lambda _: None,
    *,
    worked: bool = False,
) -> Any:
    """Return the JSON of a successful reply. Raises a TeacherError."""
    body = successful(reply, spec, endpoint, on_allowances, worked=worked).body
    if reply.joined is not None:
        return reply.joined
    try:
        return read_json(body)
    except (RecursionError, ValueError) as error:
        text = endpoint.masked_line(body.decode("utf-8", "replace"), 80)
        raise not_json(endpoint.shown, text, is_page=is_web_page(body)) from error


def chat_body(spec: TeacherSpec, request: Request, *, offers_tool: bool = False) -> dict[str, object]:
    """Return the body of the chat request that asks for one sample; sample i is asked with `seed + i`, if with any."""
    messages = request.messages if offers_tool else without_tools(request.messages)
    sampling = request.sampling
    seed = 0 if sampling.seed is None and spec.is_local else sampling.seed
    return {
        "model": spec.model,
        "messages": [message.sent() for message in messages],
        **(offered(request.tool_choice) if offers_tool else {}),
        **sampling.sent(),
        **({} if seed is None else {"seed": seed + request.sample_index}),
        **spec.extra_body,
    }


class RequestPayment(Protocol):
    """What whoever pays does around each sending of a request."""

    async def hold(self) -> None:
        """Set the money of one sending aside. Raises what must stop the run."""
        ...

    def sent(self) -> None:
        """Note that the request goes out now. Raises what must stop it."""
        ...

    def failed(self, error: TeacherError) -> None:
        """Note that this sending failed; there may be another."""
        ...


async def ask_with_retries(
    teacher: Teacher, spec: TeacherSpec, limiter: Limiter, request: Request, sending: RequestPayment
) -> Completion:
    """Ask inside the endpoint's limits, again after retryable errors.

    Raises the last error once `limits.retries` are used up, and one that is not retryable at once. An answer with
    nothing in it is asked again too; when the retries are used up, it is what the teacher has to say. An endpoint that
    asks to wait uses no retries up: TeacherRefused when it is not waited for any longer.
    """
    failures = waits = 0
    while True:
        await sending.hold()
        try:
            async with limiter.slot(request.tokens):
                sending.sent()
                completion = await teacher.complete(request)
            if says_nothing(completion) and failures < spec.limits.retries:
                raise TeacherBadReply(f"teacher {spec.name!r} answered with nothing")
            billed = completion.usage
            limiter.succeeded((billed.input_tokens or 0) + (billed.output_tokens or 0) if billed else 0)
            return completion
        except TeacherError as error:
            sending.failed(error)
            if not error.retryable:
                raise
            limiter.pushed_back(error.retry_after_s, refused=isinstance(error, TeacherRateLimited))
            if error.asks_to_wait and spec.batch is None:
                waits += 1
                if not limiter.waits(error.retry_after_s or 0.0, error.message):
                    raise waited_in_vain(error) from error
            elif (failures := failures + 1) > spec.limits.retries:
                raise
            wait_s = error.wait_s(_delay_s(failures + waits - 1, limiter))
            about = {"teacher": spec.name, "request_id": request.request_id, "attempt": failures + waits}
            logger.warning(
                "request failed, another try follows", extra={**about, "error": str(error), "wait_s": round(wait_s, 3)}
            )
        await asyncio.sleep(wait_s)


def _delay_s(attempt: int, limiter: Limiter) -> float:
    """Return how long a request waits before its next try, jittered.

    The delay doubles from try to try while the endpoint is in trouble. A request that fails while others succeed had
    bad luck, and waiting long would not help it; nor would it where all wait for their turn.
    """
    is_long = limiter.is_backing_off and not limiter.is_paced
    delay_s = FIRST_DELAY_S * 2 ** min(attempt, MOST_DOUBLINGS) if is_long else SPORADIC_DELAY_S
    return min(LONGEST_DELAY_S, delay_s) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
