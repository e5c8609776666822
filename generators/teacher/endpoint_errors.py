"""Sort what an endpoint said or did into the teacher errors, by kind."""

import json
from typing import Any

import aiohttp

from cotfactory.generators.teacher.http_client import HttpReply
from cotfactory.generators.teacher.rate_headers import retry_after_s
from cotfactory.schemas.errors import (
    TeacherBadReply,
    TeacherError,
    TeacherRateLimited,
    TeacherRefused,
    TeacherRejected,
    TeacherUnavailable,
)
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Completion

NOT_THE_API = "check that base_url ends in /v1 and is the API, not a web page"


def timed_out(where: str, timeout_s: float) -> TeacherUnavailable:
    """Return the error for an answer that did not come in time."""
    return TeacherUnavailable(
        f"{where} did not answer within {timeout_s:g} s",
        "raise limits.timeout_s of the teacher if its answers take longer",
        maybe_billed=True,
    )


def unreachable(where: str, error: Exception) -> TeacherUnavailable:
    """Return the error for a connection that could not be made or broke.

    Nothing was sent where none could be made; one that broke may have done so after the work was done.
    """
    unsent = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError)
    said = str(error) or type(error).__name__
    return TeacherUnavailable(
        f"{where} cannot be reached: {said}", "check base_url and that it is up", maybe_billed=not unsent
    )


def not_json(where: str, said: str) -> TeacherBadReply:
    """Return the error for a body that cannot be decoded."""
    return TeacherBadReply(f"{where} answered what is not JSON: {said!r}", NOT_THE_API)


def not_a_completion(where: str, said: str) -> TeacherBadReply:
    """Return the error for JSON that is something else."""
    return TeacherBadReply(f"{where} answered what is not a chat completion: {said!r}", NOT_THE_API)


def broken_off(where: str, completion: Completion) -> TeacherUnavailable:
    """Return the error for an answer that the endpoint did not bring to its end; it may bill what there was of it."""
    return TeacherUnavailable(
        f"{where} broke an answer off (finish_reason {completion.finish_reason_raw!r})", maybe_billed=True
    )


def not_a_batch(where: str, said: str) -> TeacherBadReply:
    """Return the error for JSON that is neither a batch nor a file of one."""
    return TeacherBadReply(f"{where} answered what is no part of the Batch API: {said!r}", NOT_THE_API)


def status_error(where: str, spec: TeacherSpec, reply: HttpReply, said: str) -> TeacherError:
    """Return the error for an HTTP status that is no success; `said` is its body, fit to be shown."""
    status = reply.status
    message = f"{where} answered {status}: {said}"
    if status == 429 and _code(reply.body) != "insufficient_quota":
        return TeacherRateLimited(message, "", retry_after_s(reply.headers))
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


def _code(body: bytes) -> Any:
    """Return the `code` of an error body, which is under `error` or at the top; None when there is none."""
    try:
        payload = json.loads(body)
        error = payload.get("error", payload)
        return error.get("code")
    except (AttributeError, RecursionError, ValueError):
        return None
