"""The OpenAI-compatible teacher: one request in, a completion out; retries, errors sorted by kind."""

import asyncio
import random
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit, urlunsplit

from generators.limits import Limiter
from schemas.errors import (
    TeacherBadReply,
    TeacherError,
    TeacherRateLimited,
    TeacherRefused,
    TeacherRejected,
    TeacherUnavailable,
)
from schemas.recipe import TeacherSpec
from schemas.teaching import Completion, Message, Usage

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

FIRST_DELAY_S, LONGEST_DELAY_S = 0.5, 30.0
NO_KEY = "no-key"
MODELS_TRIES = 3
NOT_THE_API = "check that base_url ends in /v1 and is the API, not a web page"


@dataclass(frozen=True)
class Endpoint:
    """Where a teacher is asked: the base URL (ends in `/v1`) and the key, which is never shown or stored."""

    base_url: str
    api_key: str

    @property
    def shown(self) -> str:
        """The URL as it may be shown: a login or a query in it may hold a key."""
        parts = urlsplit(self.base_url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    def masked(self, text: str) -> str:
        """Return `text` without the key: some servers repeat the one they refuse."""
        return text.replace(self.api_key, "***")

    def __repr__(self) -> str:
        return f"Endpoint({self.shown!r})"


class Teacher(Protocol):
    """The seam: whatever answers a request with a completion."""

    async def complete(self, messages: Sequence[Message], sample_index: int) -> Completion:
        """Return one completion. Raises a TeacherError."""
        ...


class OpenAITeacher:
    """A teacher behind an OpenAI-compatible endpoint; an async context manager.

    The SDK's own retries are off: retrying is `ask_with_retries`'s, which the limiter must see.
    """

    def __init__(self, spec: TeacherSpec, endpoint: Endpoint) -> None:
        self._spec = spec
        self._endpoint = endpoint
        self._client = _client(endpoint, spec.limits.timeout_s, spec.limits.concurrency)

    async def __aenter__(self) -> "OpenAITeacher":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def complete(self, messages: Sequence[Message], sample_index: int) -> Completion:
        """Ask for one sample. Raises a TeacherError."""
        started = time.perf_counter()
        reply = await self._call(
            lambda: self._client.chat.completions.create(
                model=self._spec.model,
                messages=[{"role": message.role, "content": message.content} for message in messages],  # type: ignore[misc]
                **_sampling_arguments(self._spec, sample_index),
            )
        )
        try:
            return _completion(reply, (time.perf_counter() - started) * 1000)
        # What a server may put where is without end; none of it may take the run down.
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise self._not_a_completion(reply) from error

    async def models(self) -> tuple[str, ...]:
        """Return the models the endpoint lists; empty when it does not list any. Raises a TeacherError."""
        for attempt in range(MODELS_TRIES):
            try:
                page = await self._call(lambda: self._client.models.list())
                break
            except TeacherRefused as error:
                if error.status in (404, 405, 501):
                    return ()
                raise
            except TeacherError as error:
                if not error.retryable or attempt == MODELS_TRIES - 1:
                    raise
                await asyncio.sleep(FIRST_DELAY_S * 2**attempt)
        if not hasattr(page, "data"):
            raise self._not_a_completion(page)
        return tuple(str(model.id) for model in page.data or ())

    async def _call(self, call: Callable[[], Awaitable[Any]]) -> Any:
        import openai

        where, timeout_s = self._endpoint.shown, self._spec.limits.timeout_s
        try:
            # The SDK's time-out is for each read: a server that sends a space now and then would hold on for ever.
            async with asyncio.timeout(timeout_s):
                return await call()
        except TimeoutError as error:
            raise _timed_out(where, timeout_s) from error
        except openai.APIStatusError as error:
            raise _status_error(self._endpoint, self._spec, error) from error
        except (openai.APIConnectionError, ConnectionError) as error:
            raise _connection_error(where, timeout_s, error) from error
        # The SDK itself trips over a page that is no object, with an AttributeError.
        except (openai.APIResponseValidationError, ValueError, AttributeError) as error:
            said = self._endpoint.masked(str(error))[:200]
            raise TeacherBadReply(f"{where} answered what is not JSON: {said}", NOT_THE_API) from error

    def _not_a_completion(self, reply: object) -> TeacherBadReply:
        said = self._endpoint.masked(str(reply))[:80]
        return TeacherBadReply(f"{self._endpoint.shown} answered what is not a chat completion: {said!r}", NOT_THE_API)


@dataclass(frozen=True)
class Request:
    """One wanted sample; `tokens` is the estimate that the tokens-per-minute limit is charged with."""

    messages: Sequence[Message]
    sample_index: int
    tokens: int


class Sending(Protocol):
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
    teacher: Teacher, spec: TeacherSpec, limiter: Limiter, request: Request, sending: Sending
) -> Completion:
    """Ask inside the endpoint's limits, again after retryable errors, with growing jittered delays.

    Raises the last error once `limits.retries` are used up, and one that is not retryable at once.
    """
    for attempt in range(spec.limits.retries + 1):
        await sending.hold()
        try:
            async with limiter.slot(request.tokens):
                sending.sent()
                completion = await teacher.complete(request.messages, request.sample_index)
            limiter.succeeded()
            return completion
        except TeacherError as error:
            sending.failed(error)
            if not error.retryable:
                raise
            asked_to_wait = error.retry_after_s if isinstance(error, TeacherRateLimited) else None
            limiter.pushed_back(asked_to_wait)
            if attempt == spec.limits.retries:
                raise
        delay = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2**attempt)
        await asyncio.sleep(max(asked_to_wait or 0.0, delay * random.uniform(0.5, 1.0)))  # noqa: S311 - jitter
    raise AssertionError("unreachable: the last attempt returns or raises")


def _client(endpoint: Endpoint, timeout_s: float, concurrency: int) -> "AsyncOpenAI":
    import openai
    from httpx2 import Limits as ConnectionLimits

    http = openai.DefaultAioHttpClient(
        limits=ConnectionLimits(max_connections=concurrency, max_keepalive_connections=concurrency)
    )
    return openai.AsyncOpenAI(
        api_key=endpoint.api_key,
        base_url=endpoint.base_url,
        timeout=timeout_s,
        max_retries=0,
        http_client=http,
    )


def _sampling_arguments(spec: TeacherSpec, sample_index: int) -> dict[str, Any]:
    arguments: dict[str, Any] = spec.sampling.sent()
    if "seed" in arguments:
        arguments["seed"] += sample_index
    if "top_k" in arguments:  # not in OpenAI's own API, but in most servers'
        arguments["extra_body"] = {"top_k": arguments.pop("top_k")}
    return arguments


def _completion(reply: Any, latency_ms: float) -> Completion:
    choice = reply.choices[0]
    message, usage = choice.message, reply.usage
    content, thought_parts = _text_and_thought(message.content)
    reasoning = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None) or thought_parts
    return Completion(
        content=_storable(content),
        reasoning=_storable(reasoning) if isinstance(reasoning, str) and reasoning else None,
        finish_reason=str(choice.finish_reason or "unknown"),
        model=str(reply.model),
        usage=_usage(usage) if usage is not None else None,
        latency_ms=latency_ms,
    )


def _text_and_thought(content: Any) -> tuple[str, str]:
    """Return the text and the thinking of a message's content: a string, nothing, or a list of typed parts."""
    if content is None or isinstance(content, str):
        return content or "", ""
    parts = [part if isinstance(part, dict) else part.model_dump() for part in content]
    text = "".join(str(part["text"]) for part in parts if part.get("type") == "text")
    return text, "".join(str(part["thinking"]) for part in parts if part.get("type") == "thinking")


def _usage(usage: Any) -> Usage:
    details = getattr(usage, "completion_tokens_details", None)
    return Usage(
        input_tokens=usage.prompt_tokens or 0,
        output_tokens=usage.completion_tokens or 0,
        reasoning_tokens=getattr(details, "reasoning_tokens", 0) or 0,
    )


def _storable(text: str) -> str:
    r"""Return `text` as valid UTF-8: a lone surrogate (JSON allows `"\ud800"`) becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text


def _timed_out(where: str, timeout_s: float) -> TeacherUnavailable:
    return TeacherUnavailable(
        f"{where} did not answer within {timeout_s:g} s",
        "raise limits.timeout_s of the teacher if its answers take longer",
        maybe_billed=True,
    )


def _connection_error(where: str, timeout_s: float, error: Exception) -> TeacherUnavailable:
    """Tell a time-out from a refusal or a reset: the SDK's aiohttp transport calls all of them time-outs."""
    cause: BaseException = error
    while (earlier := cause.__cause__ or cause.__context__) is not None:
        cause = earlier
    if isinstance(cause, TimeoutError | asyncio.CancelledError):
        return _timed_out(where, timeout_s)
    # Nothing was sent to who refuses the connection or has no address; a reset may come after the work was done.
    unsent = isinstance(cause, ConnectionRefusedError | socket.gaierror)
    return TeacherUnavailable(
        f"{where} cannot be reached: {cause}", "check base_url and that it is up", maybe_billed=not unsent
    )


def _status_error(endpoint: Endpoint, spec: TeacherSpec, error: "APIStatusError") -> TeacherError:
    status, said = error.status_code, " ".join(endpoint.masked(error.response.text).split())[:200]
    message = f"{endpoint.shown} answered {status}: {said}"
    if status == 429 and error.code != "insufficient_quota":
        return TeacherRateLimited(message, "", _retry_after_s(error))
    if status in (408, 409, 425) or (status >= 500 and status != 501):
        return TeacherUnavailable(message)
    if status in (400, 413, 422):
        return TeacherRejected(message, "check the prompt's length and the teacher's sampling")
    hints = {
        429: "the account has no credit left: waiting does not help",
        401: f"put a valid key into the environment variable {spec.api_key_env}",
        403: f"the key in {spec.api_key_env} may not use this model",
        404: f"check base_url and model {spec.model!r}",
    }
    return TeacherRefused(message, hints.get(status, "check the teacher's recipe"), status)


def _retry_after_s(error: "APIStatusError") -> float | None:
    try:
        return float(error.response.headers["retry-after"])
    except (KeyError, ValueError):  # absent, or a date: our own delay then
        return None
