"""Sort what an endpoint said or did into the teacher errors, by kind."""

from datetime import timedelta

import aiohttp

from cotfactory.generators.teacher.error_body import ErrorBody, error_body
from cotfactory.generators.teacher.http_client import HttpReply
from cotfactory.generators.teacher.limiter import LONGEST_WAIT_S
from cotfactory.generators.teacher.parameter_advice import parameter_advice
from cotfactory.generators.teacher.rate_headers import retry_after_s
from cotfactory.generators.teacher.statuses import STATUSES, meaning_of
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
    error = TeacherUnavailable(
        f"{where} did not answer within {timeout_s:g} s",
        "raise limits.timeout_s of the teacher if its answers take longer",
        maybe_billed=True,
    )
    error.is_unreachable = True
    return error


def silent(where: str, silence_s: float) -> TeacherUnavailable:
    """Return the error for a streamed answer that never began, or for nothing at all."""
    return TeacherUnavailable(
        f"{where} sent nothing of its answer for {silence_s:g} s",
        "raise limits.silence_s of the teacher if it takes longer to begin",
        maybe_billed=True,
    )


def too_large(where: str, reply_mb: int) -> TeacherRejected:
    """Return the error for a reply that was cut off; asking again at once would bring as much."""
    error = TeacherRejected(
        f"{where} sent more than {reply_mb} MiB in one reply, which was cut off",
        "see what the endpoint sends; raise limits.reply_mb of the teacher if its answers are that long",
    )
    error.maybe_billed = True
    return error


def unreachable(where: str, error: Exception, said: str) -> TeacherUnavailable:
    """Return the error for a connection that could not be made or broke; `said` is its text, fit to be shown.

    Nothing was sent where none could be made; one that broke may have done so after the work was done.
    """
    unsent = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError)
    unavailable = TeacherUnavailable(
        f"{where} cannot be reached: {said}", "check base_url and that it is up", maybe_billed=not unsent
    )
    unavailable.is_unreachable = True
    return unavailable


def not_json(where: str, said: str, *, is_page: bool = False) -> TeacherBadReply:
    """Return the error for a body that cannot be decoded; a web page stands for no work of any model."""
    what = "a web page" if is_page else "what is not JSON"
    return TeacherBadReply(f"{where} answered {what}: {said!r}", NOT_THE_API, maybe_billed=not is_page)


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


def waited_in_vain(error: TeacherError) -> TeacherRefused:
    """Return the error for an endpoint that asks for a longer wait than a run sits out, or asks to wait on and on."""
    wait_s = error.retry_after_s or 0.0
    asked = f"it asks to wait {timedelta(seconds=round(wait_s))}" if wait_s > LONGEST_WAIT_S else "on and on"
    return TeacherRefused(
        f"{error.message}: {asked}", "what was bought is saved; run again when it answers, and only the rest is asked"
    )


def status_error(where: str, spec: TeacherSpec, reply: HttpReply, said: str, *, worked: bool = False) -> TeacherError:
    """Return the error for an HTTP status that is no success; `said` is its body, fit to be shown.

    `worked` is whether the reply took longer than a refusal takes: then a model may have been at work.
    """
    body, wait_s = error_body(reply.body), retry_after_s(reply.headers)
    error = _error_of(reply.status, body, body.wait_s if wait_s is None else wait_s, f"{where} answered", spec, said)
    error.maybe_billed = meaning_of(reply.status).maybe_billed(worked=worked)
    return error


def error_for(where: str, spec: TeacherSpec, body: ErrorBody, said: str) -> TeacherError:
    """Return the error that stood in place of an answer, inside a success: what the status says that it names.

    Nothing was answered, so that nothing is billed.
    """
    return _error_of(body.status, body, body.wait_s, f"{where} answered with an error inside a 200:", spec, said)


def _error_of(
    status: int, body: ErrorBody, wait_s: float | None, answered: str, spec: TeacherSpec, said: str
) -> TeacherError:
    message, meaning = f"{answered} {status}: {said}", meaning_of(status)
    hint = meaning.hint.format(key=spec.api_key_env, model=spec.model)
    if body.says_no_credit or (status == 429 and body.is_about_money):
        return TeacherRefused(message, STATUSES[402].hint, status)
    if meaning.about == "limit":
        return TeacherRateLimited(message, "", wait_s)
    if meaning.about == "passing":
        return TeacherUnavailable(message, hint, retry_after_s=wait_s)
    if meaning.about == "request":
        return TeacherRejected(message, parameter_advice(body.text) or hint, status)
    return TeacherRefused(message, hint or "check the teacher's recipe", status)
