"""The OpenAI Batch API of one endpoint: files, batches, and what became of each request of a batch.

`POST /files` takes the requests, one JSON line each, `POST /batches` has them answered within a day, `GET /batches/ID`
tells how far it is, and `GET /files/ID/content` returns the answers, in any order.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import aiohttp

from cotfactory.generators.batch.batch_results import NEVER_ANSWERED, Outcome, read_results
from cotfactory.generators.teacher.completions import NOT_READABLE
from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.generators.teacher.endpoint_errors import not_a_batch
from cotfactory.generators.teacher.http_client import FileHttpClient
from cotfactory.generators.teacher.teacher import connection_errors, decoded, successful
from cotfactory.schemas.errors import TeacherError, TeacherRefused, TeacherRejected
from cotfactory.schemas.teacher_spec import TeacherSpec

ASKED_AT = "/v1/chat/completions"
WINDOW = "24h"  # the only one there is
OURS = "cotfactory"
"""The key of a batch's metadata under which our own name for it is found again."""
PAGE = 100
OVER = frozenset({"completed", "failed", "expired", "cancelled"})
CROWDED = frozenset({"token_limit_exceeded", "rate_limit_exceeded"})
PATIENCE, LONGEST_DELAY_S = 30, 60.0
T = TypeVar("T")


@dataclass(frozen=True)
class BatchFault:
    """Why a batch was not begun; `line` is the request's number in the file, from 1, if it is about one."""

    code: str
    message: str
    line: int | None


@dataclass(frozen=True)
class BatchState:
    """How far a batch is; `seconds` is how long it took, once it is over."""

    batch_id: str
    status: str
    output_files: tuple[str, ...]
    faults: tuple[BatchFault, ...]
    done: int
    total: int
    seconds: float

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in OVER

    @property
    def is_crowded_out(self) -> bool:
        """Whether the endpoint had no room for it, beside what else the account has in its queue."""
        return self.status == "failed" and any(fault.code in CROWDED for fault in self.faults)

    @property
    def why(self) -> str:
        """What the endpoint says against it."""
        return "; ".join(
            f"{fault.message} ({fault.code}{f', line {fault.line}' if fault.line else ''})" for fault in self.faults
        )


class BatchApi:
    """An async context manager. All calls raise TeacherErrors; that an endpoint has no batches is a TeacherRefused."""

    def __init__(self, spec: TeacherSpec, endpoint: Endpoint) -> None:
        self.spec, self.endpoint = spec, endpoint
        self._http: FileHttpClient

    async def __aenter__(self) -> "BatchApi":
        self._http = await FileHttpClient.opened(self.endpoint, self.spec.limits.total_s())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def check(self) -> None:
        """Ask for one batch, whichever: an endpoint that has none of this is told apart before anything is sent."""
        try:
            await self._page(None, 1)
        except TeacherRejected as error:
            raise TeacherRefused(
                error.message, "take `batch` out: this endpoint has no Batch API", error.status
            ) from error

    async def upload(self, lines: Path) -> str:
        """Send the requests of a batch and return the id of their file; nothing is billed for it."""
        with lines.open("rb") as file:
            form = aiohttp.FormData()
            form.add_field("purpose", "batch")
            form.add_field("file", file, filename="requests.jsonl", content_type="application/jsonl")
            uploaded = await self._call("POST", "files", form=form)
        return self._read(uploaded, lambda said: str(said["id"]))

    async def create(self, file_id: str, intent: str) -> BatchState:
        """Have the requests of a file answered. From here on it costs money."""
        body = {
            "input_file_id": file_id,
            "endpoint": ASKED_AT,
            "completion_window": WINDOW,
            "metadata": {OURS: intent},
        }
        return self._read(await self._call("POST", "batches", body=body), _state)

    async def get(self, batch_id: str) -> BatchState:
        """Return how far a batch is."""
        return self._read(await self._call("GET", f"batches/{batch_id}"), _state)

    async def find(self, intent: str) -> BatchState | None:
        """Return the batch that was made for an intent, if it was: the newest are looked through first."""
        after = None
        while True:
            page = await self._page(after, PAGE)
            batches = self._read(page, lambda said: list(said["data"]))
            for batch in batches:
                if self._read(batch, lambda said: (said.get("metadata") or {}).get(OURS)) == intent:
                    return self._read(batch, _state)
            if not batches or not page.get("has_more"):
                return None
            after = self._read(batches[-1], lambda said: str(said["id"]))

    async def made_or_never(self, intent: str, file_id: str) -> BatchState | None:
        """Return the batch of an intent of which nobody knows whether it arrived; None: it never will.

        A request to make it may still be on its way. So the file is removed before the second look: a batch that is
        made after that finds no requests and costs nothing.
        """
        made = await self.find(intent)
        if made is None:
            await self.delete(file_id)
            made = await self.find(intent)
        return made

    async def delete(self, file_id: str) -> None:
        """Remove a file, if the endpoint lets us."""
        try:
            await self._call("DELETE", f"files/{file_id}")
        except (TeacherRefused, TeacherRejected) as error:
            if error.status not in (403, 404, 405, 501):
                raise

    async def results(
        self, state: BatchState, requests: Sequence[str], scratch: Path, poll_s: float
    ) -> AsyncIterator[tuple[str, Outcome]]:
        """Yield what became of each request of a batch that is over, once; `scratch` is where files are put meanwhile.

        Of two answers to a request the first counts. One without any is an error that the batch's status decides.
        """
        left = dict.fromkeys(requests)
        for file_id in state.output_files:
            with tempfile.TemporaryFile(dir=scratch) as file:
                await patiently(lambda: self._download(file_id, file), poll_s)  # noqa: B023 - awaited at once
                file.seek(0)
                for request, outcome in read_results(file, self.spec, self.endpoint, state.seconds * 1000):
                    if request in left:
                        del left[request]
                        yield request, outcome
        for request in left:
            yield request, NEVER_ANSWERED[state.status](f"{self.endpoint.shown}, batch {state.batch_id}")

    async def _download(self, file_id: str, into: BinaryIO) -> None:
        into.seek(0)
        into.truncate()
        with connection_errors(self.spec, self.endpoint):
            reply = await self._http.download(f"files/{file_id}/content", into)
        successful(reply, self.spec, self.endpoint)

    async def _page(self, after: str | None, limit: int) -> Any:
        query = {"limit": str(limit), **({"after": after} if after else {})}
        return await self._call("GET", "batches", query=query)

    async def _call(self, method: str, path: str, **sent: Any) -> Any:
        with connection_errors(self.spec, self.endpoint):
            reply = await self._http.call(method, path, **sent)
        return decoded(reply, self.spec, self.endpoint)

    def _read(self, said: Any, read: Callable[[Any], T]) -> T:
        try:
            return read(said)
        except NOT_READABLE as error:
            raise not_a_batch(self.endpoint.shown, self.endpoint.masked_line(str(said), 80)) from error


async def patiently(call: Callable[[], Awaitable[T]], poll_s: float) -> T:
    """Return what a call about a batch returns, over half an hour of trouble at the endpoint if need be.

    Raises TeacherRefused in the end, whatever was the matter: what the batch holds must not be asked anywhere else.
    """
    for attempt in range(PATIENCE):
        try:
            return await call()
        except TeacherError as error:
            if not error.retryable or attempt == PATIENCE - 1:
                status = error.status if isinstance(error, TeacherRefused | TeacherRejected) else 0
                hint = "nothing of the batch is lost: run again, with the key it was made with, and it is fetched"
                raise TeacherRefused(f"A batch cannot be followed: {error}", hint, status) from error
            await asyncio.sleep(error.wait_s(min(LONGEST_DELAY_S, poll_s * 2**attempt)))
    raise AssertionError("unreachable: the last attempt returns or raises")


def _state(said: Any) -> BatchState:
    counts = said.get("request_counts") or {}
    errors = (said.get("errors") or {}).get("data") or ()
    ended_at = said.get("completed_at") or said.get("expired_at") or said.get("cancelled_at")
    return BatchState(
        batch_id=str(said["id"]),
        status=str(said["status"]),
        # Some say "" where there is none.
        output_files=tuple(str(said[name]) for name in ("output_file_id", "error_file_id") if said.get(name)),
        faults=tuple(
            BatchFault(str(error.get("code")), str(error.get("message")), error["line"] if error.get("line") else None)
            for error in errors
        ),
        done=int(counts.get("completed") or 0) + int(counts.get("failed") or 0),
        total=int(counts.get("total") or 0),
        seconds=max(0.0, float(ended_at) - float(said["created_at"])) if ended_at else 0.0,
    )
