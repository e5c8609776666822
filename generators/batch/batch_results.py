"""Read what became of each request out of a batch's output and error files."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from cotfactory.generators.teacher.completions import NOT_READABLE, read_completion
from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.generators.teacher.endpoint_errors import broken_off, not_a_completion, status_error
from cotfactory.generators.teacher.http_client import HttpReply
from cotfactory.schemas.errors import TeacherBadReply, TeacherError, TeacherRefused, TeacherUnavailable
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Completion

Outcome = Completion | TeacherError


def _expired(where: str) -> TeacherError:
    return TeacherUnavailable(f"{where}: the request was not reached within the day and not billed")


def _cancelled(where: str) -> TeacherError:
    # Somebody wanted it to end: asking again at once would be against their will.
    return TeacherRefused(f"{where} was cancelled at the endpoint", "run again to ask for the rest of it")


def _missing(where: str) -> TeacherError:
    return TeacherBadReply(f"{where} is over, and has neither an answer nor an error for this request")


def _failed(where: str) -> TeacherError:
    return TeacherUnavailable(f"{where} failed as a whole; nothing was billed")


NEVER_ANSWERED: Mapping[str, Callable[[str], TeacherError]] = {
    "completed": _missing,
    "expired": _expired,
    "cancelled": _cancelled,
    "failed": _failed,
}
"""What it means, by the status of a batch that is over, that it says nothing of a request."""


def read_results(
    file: BinaryIO, spec: TeacherSpec, endpoint: Endpoint, latency_ms: float
) -> Iterator[tuple[str, Outcome]]:
    """Yield (request id, completion or error) of each line that can be read so far as to name its request.

    `{"custom_id": "9f86", "response": null, "error": {"code": "batch_expired", "message": "too late"}}` is request
    9f86 and TeacherUnavailable: not billed, and worth asking again.
    """
    for line in file:
        try:
            said = json.loads(line)
            request = said["custom_id"]
            if not isinstance(request, str):
                continue
        except (*NOT_READABLE, RecursionError):
            continue
        yield request, _outcome(said, spec, endpoint, latency_ms)


def _outcome(said: Any, spec: TeacherSpec, endpoint: Endpoint, latency_ms: float) -> Outcome:
    try:
        response, error = said.get("response"), said.get("error")
        if response is None and error is not None:
            return _never_sent(error, endpoint)
        status, body = int(response["status_code"]), response["body"]
        if 200 <= status < 300:
            completion = endpoint.without_keys(read_completion(body, latency_ms))
            is_whole = completion.finish_reason != "error"
            return completion if is_whole else broken_off(f"{endpoint.shown}, in a batch,", completion)
        raw = json.dumps(body).encode()
        return status_error(
            f"{endpoint.shown}, in a batch,", spec, HttpReply(status, {}, raw), endpoint.masked_line(raw.decode(), 200)
        )
    except NOT_READABLE:
        return not_a_completion(endpoint.shown, endpoint.masked_line(str(said), 80))


def _never_sent(error: Any, endpoint: Endpoint) -> TeacherError:
    """Return the error of a request that has none of HTTP: its batch expired, or was cancelled, before its turn."""
    code = error.get("code")
    where = f"{endpoint.shown}: {endpoint.masked_line(str(error.get('message')), 200)}"
    if code == "batch_cancelled":
        return _cancelled(where)
    return _expired(where) if code == "batch_expired" else TeacherUnavailable(f"{where} ({code})")
