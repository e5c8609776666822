"""The OpenAI-compatible teacher: one request in, a completion out; retries, errors sorted by kind."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from generators.limits import Limiter
from schemas.errors import (
    TeacherBadReply,
    TeacherError,
    TeacherRateLimited,
    TeacherRefused,
    TeacherUnavailable,
)
from schemas.recipe import TeacherSpec
from schemas.teaching import Completion, Message, Usage

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

FIRST_DELAY_S, LONGEST_DELAY_S = 0.5, 30.0
NO_KEY = "no-key"


@dataclass(frozen=True)
class Endpoint:
    """Where a teacher is asked: the base URL (ends in `/v1`) and the key, which is never shown or stored."""

    base_url: str
    api_key: str

    def __repr__(self) -> str:
        return f"Endpoint({self.base_url!r})"


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
        """Ask for one sample. Raises TeacherUnavailable, TeacherRateLimited, TeacherBadReply or TeacherRefused."""
        started = time.perf_counter()
        reply = await self._call(
            lambda: self._client.chat.completions.create(
                model=self._spec.model,
                messages=[{"role": message.role, "content": message.content} for message in messages],  # type: ignore[misc]
                **_sampling_arguments(self._spec, sample_index),
            )
        )
        return _completion(reply, self._endpoint.base_url, (time.perf_counter() - started) * 1000)

    async def models(self) -> tuple[str, ...]:
        """Return the models the endpoint lists; empty when it does not list any. Raises a TeacherError."""
        try:
            page = await self._call(lambda: self._client.models.list())
        except TeacherRefused as error:
            if "404" in error.message:
                return ()
            raise
        if not hasattr(page, "data"):
            raise _not_a_completion(self._endpoint.base_url, page)
        return tuple(str(model.id) for model in page.data or ())

    async def _call(self, call: Callable[[], Awaitable[Any]]) -> Any:
        import openai

        try:
            return await call()
        except openai.APIStatusError as error:
            raise _status_error(self._endpoint, self._spec, error) from error
        except (openai.APIConnectionError, ConnectionError) as error:
            raise _connection_error(self._endpoint.base_url, self._spec.limits.timeout_s, error) from error
        # The SDK itself trips over a page that is no object, with an AttributeError.
        except (openai.APIResponseValidationError, ValueError, AttributeError) as error:
            raise TeacherBadReply(
                f"{self._endpoint.base_url} answered what is not JSON: {error}",
                "check that base_url ends in /v1 and is the API, not a web page",
            ) from error


@dataclass(frozen=True)
class Request:
    """One wanted sample; `tokens` is the estimate that the tokens-per-minute limit is charged with."""

    messages: Sequence[Message]
    sample_index: int
    tokens: int


async def ask_with_retries(
    teacher: Teacher, spec: TeacherSpec, limiter: Limiter, request: Request, on_send: Callable[[], None]
) -> Completion:
    """Ask inside the endpoint's limits, again after retryable errors, with growing jittered delays.

    `on_send` is called right before each sending. Raises the last error once `limits.retries` are used up,
    and one that is not retryable at once.
    """
    for attempt in range(spec.limits.retries + 1):
        try:
            async with limiter.slot(request.tokens):
                on_send()
                completion = await teacher.complete(request.messages, request.sample_index)
            limiter.succeeded()
            return completion
        except TeacherError as error:
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


def _completion(reply: Any, base_url: str, latency_ms: float) -> Completion:
    choices = getattr(reply, "choices", None)
    if not choices or choices[0].message is None:
        raise _not_a_completion(base_url, reply)
    message, usage = choices[0].message, reply.usage
    details = getattr(usage, "completion_tokens_details", None)
    reasoning = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
    return Completion(
        content=_storable(message.content or ""),
        reasoning=_storable(reasoning) if isinstance(reasoning, str) else None,
        finish_reason=choices[0].finish_reason or "unknown",
        model=str(reply.model),
        usage=Usage(
            input_tokens=getattr(usage, "prompt_tokens", 0) or 0,
            output_tokens=getattr(usage, "completion_tokens", 0) or 0,
            reasoning_tokens=getattr(details, "reasoning_tokens", 0) or 0,
        ),
        latency_ms=latency_ms,
    )


def _storable(text: str) -> str:
    r"""Return `text` as valid UTF-8: a lone surrogate (JSON allows `"\ud800"`) becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text


def _not_a_completion(base_url: str, reply: object) -> TeacherBadReply:
    return TeacherBadReply(
        f"{base_url} answered what is not a chat completion: {str(reply)[:80]!r}",
        "check that base_url ends in /v1 and is the API, not a web page",
    )


def _connection_error(base_url: str, timeout_s: float, error: Exception) -> TeacherUnavailable:
    """Tell a time-out from a refusal or a reset: the SDK's aiohttp transport calls all of them time-outs."""
    cause: BaseException = error
    while (earlier := cause.__cause__ or cause.__context__) is not None:
        cause = earlier
    if isinstance(cause, TimeoutError | asyncio.CancelledError):
        return TeacherUnavailable(
            f"{base_url} did not answer within {timeout_s:g} s",
            "raise limits.timeout_s of the teacher if its answers take longer",
        )
    return TeacherUnavailable(f"{base_url} cannot be reached: {cause}", "check base_url and that it is up")


def _status_error(endpoint: Endpoint, spec: TeacherSpec, error: "APIStatusError") -> TeacherError:
    base_url, status = endpoint.base_url, error.status_code
    # Some servers repeat the key they refuse.
    said = " ".join(error.response.text.replace(endpoint.api_key, "***").split())[:200]
    if status == 429 and error.code != "insufficient_quota":
        return TeacherRateLimited(f"{base_url} answered 429: {said}", "", _retry_after_s(error))
    if status in (408, 409, 425) or status >= 500:
        return TeacherUnavailable(f"{base_url} answered {status}: {said}", "")
    hints = {
        429: "the account has no credit left: waiting does not help",
        401: f"put a valid key into the environment variable {spec.api_key_env}",
        403: f"the key in {spec.api_key_env} may not use this model",
        404: f"check base_url and model {spec.model!r}",
    }
    return TeacherRefused(f"{base_url} answered {status}: {said}", hints.get(status, "check the teacher's recipe"))


def _retry_after_s(error: "APIStatusError") -> float | None:
    try:
        return float(error.response.headers["retry-after"])
    except (KeyError, ValueError):  # absent, or a date: our own delay then
        return None
