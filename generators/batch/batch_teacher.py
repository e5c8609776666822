"""The teacher that answers in batches: requests gather, go out together at the batch price, and come back hours later.

It is a Teacher like any other: `complete` waits for the answer. What is new is that an answer may outlive the process
that asked for it. So a batch is written down, synced, before it is made and before it is followed, by a
BatchRecorder; and a request that is in a batch is never put into another one while that batch may still answer it.
"""

import asyncio
import secrets
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Protocol

from cotfactory.generators.batch.batch_api import BatchApi, BatchState, patiently
from cotfactory.generators.batch.batch_queue import BatchLine, BatchQueue, batch_line
from cotfactory.generators.batch.batch_results import Outcome
from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.generators.teacher.teacher import FIRST_DELAY_S, LONGEST_DELAY_S, Request
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import TeacherError, TeacherRateLimited, TeacherRefused, TeacherRejected, WorkspaceError
from cotfactory.schemas.teacher_spec import Batch, TeacherSpec
from cotfactory.schemas.teaching import Completion

TELL_EVERY_S = 60.0
HANDED_OUT_AT_ONCE = 64


class BatchRecorder(Protocol):
    """What whoever pays does around each batch. What a call says is on disk when it returns."""

    def intend(self, intent: str, file_id: str, requests: Sequence[str]) -> None:
        """Write down that a batch is about to be made. Raises what must stop it."""
        ...

    def submitted(self, intent: str, batch_id: str) -> None:
        """Write down the id of the batch that was made."""
        ...

    def over(self, intent: str, unanswered: Sequence[str]) -> None:
        """Write down that all answers of a batch were handed out, and which requests have none."""
        ...

    def drop(self, intent: str) -> None:
        """Forget a batch that was never made, or never begun: nothing was paid."""
        ...

    def stopped(self) -> Exception | None:
        """Return why nobody is to wait for batches any more, if so."""
        ...


class BatchTeacher:
    """A teacher behind the Batch API; an async context manager.

    `report` hears how far batches are; `scratch` is a folder for files that are being sent or read. Leaving the context
    leaves the batches alone that are not over: the recorder has them.
    """

    def __init__(
        self,
        spec: TeacherSpec,
        endpoint: Endpoint,
        recorder: BatchRecorder,
        scratch: Path,
        report: Callable[[str], None],
    ) -> None:
        self._spec, self._rules = spec, spec.batch or Batch()
        self._api = BatchApi(spec, endpoint)
        self._recorder, self._scratch, self._report = recorder, scratch, report
        self._queue = BatchQueue(self._rules.requests, self._rules.poll_s)
        self._waiting: dict[str, asyncio.Future[Outcome | Exception]] = {}
        self._under_way: set[str] = set()
        self._early: dict[str, Outcome] = {}  # answers that came when nobody waited for them
        self._down: Exception | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "BatchTeacher":
        await self._api.__aenter__()
        try:
            await self._api.check()
        except BaseException:
            await self._api.__aexit__()
            raise
        self._start(self._collect())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._api.__aexit__()

    async def complete(self, request: Request) -> Completion:
        """Return the answer to one request, in its time. Raises a TeacherError, or why nobody is to wait any more."""
        name = request.request_id
        while (twin := self._waiting.get(name)) is not None:
            await asyncio.wait([twin])
        if self._down is not None:
            raise self._down.with_traceback(None)
        outcome: Outcome | Exception | None = self._early.pop(name, None)
        if outcome is None:
            answer: asyncio.Future[Outcome | Exception] = asyncio.get_running_loop().create_future()
            self._waiting[name] = answer
            if name not in self._under_way:
                self._queue.join([batch_line(self._spec, request)])
            try:
                outcome = await answer
            finally:
                if self._waiting.get(name) is answer:
                    del self._waiting[name]
        if isinstance(outcome, Exception):
            raise outcome.with_traceback(None)
        return outcome

    async def _collect(self) -> None:
        """Send what has gathered, batch after batch."""
        while True:
            lines = await self._queue.next(lambda name: name in self._waiting and name not in self._under_way)
            self._under_way.update(line.request_id for line in lines)
            self._start(self._ask(lines))

    async def _ask(self, lines: Sequence[BatchLine]) -> None:
        """Make a batch, follow it, and hand out what came of it."""
        requests = [line.request_id for line in lines]
        may_exist = False
        try:
            if (reason := self._recorder.stopped()) is not None:
                raise reason
            made = await self._made(lines)
            may_exist = True
            intent, state = made
            state = await self._followed(state, requests)
            if state.status == "failed" and not state.output_files:
                self._recorder.drop(intent)
                self._sort_out(lines, state)
            else:
                await self._hand_out(intent, state, requests)
        except Exception as error:
            reason = _writable(error, self._scratch)
            if may_exist or isinstance(error, _InDoubtError):
                self._down = reason
            for name in requests:
                self._answer(name, reason)
        finally:
            self._under_way.difference_update(requests)

    async def _made(self, lines: Sequence[BatchLine]) -> tuple[str, BatchState]:
        """Return our name of a batch that was made, and its state; written down before and after its making."""
        for attempt in range(self._spec.limits.retries + 1):
            try:
                return await self._try_to_make(lines)
            except TeacherError as error:
                if not error.retryable or attempt == self._spec.limits.retries:
                    # The endpoint is meant. Were each request answered, each would come again by itself.
                    hint = "nothing was sent; run again when the endpoint is up"
                    raise TeacherRefused(f"A batch could not be made: {error}", hint) from error
                delay_s = error.wait_s(min(LONGEST_DELAY_S, FIRST_DELAY_S * 2**attempt))
            await asyncio.sleep(delay_s)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _try_to_make(self, lines: Sequence[BatchLine]) -> tuple[str, BatchState]:
        file_id = await self._uploaded(lines)
        intent = secrets.token_hex(16)
        self._recorder.intend(intent, file_id, [line.request_id for line in lines])
        try:
            state = await self._api.create(file_id, intent)
        except TeacherError as error:
            # Refused is refused; after anything else it may have been made all the same.
            maybe = error.retryable and not isinstance(error, TeacherRateLimited)
            made = await self._made_or_never(intent, file_id) if maybe else None
            if made is None:
                self._recorder.drop(intent)
                raise
            state = made
        self._recorder.submitted(intent, state.batch_id)
        self._report(f"batch {state.batch_id}: {counted(len(lines), 'request')} sent")
        return intent, state

    async def _made_or_never(self, intent: str, file_id: str) -> BatchState | None:
        try:
            return await patiently(lambda: self._api.made_or_never(intent, file_id), self._rules.poll_s)
        except TeacherRefused as error:
            raise _InDoubtError(error.message, error.hint, error.status) from error

    async def _uploaded(self, lines: Sequence[BatchLine]) -> str:
        with tempfile.NamedTemporaryFile(dir=self._scratch) as file:
            file.writelines(line.text for line in lines)
            file.flush()
            return await self._api.upload(Path(file.name))

    async def _followed(self, state: BatchState, requests: Sequence[str]) -> BatchState:
        """Wait until a batch is over, and tell how far it is now and then."""
        shown, shown_at, batch_id = state.status, time.monotonic(), state.batch_id
        while not state.is_over:
            if (reason := self._recorder.stopped()) is not None:
                for name in requests:  # should they come again, they wait for this same batch
                    self._answer(name, reason)
            await asyncio.sleep(self._rules.poll_s)
            state = await patiently(lambda: self._api.get(batch_id), self._rules.poll_s)
            if state.status != shown or time.monotonic() - shown_at >= TELL_EVERY_S:
                shown, shown_at = state.status, time.monotonic()
                self._report(progress_of(state))
        return state

    async def _hand_out(self, intent: str, state: BatchState, requests: Sequence[str]) -> None:
        """Give everybody what came of their request, a few at a time so that they can be written down meanwhile."""
        unanswered: list[str] = []
        count = 0
        async for name, outcome in self._api.results(state, requests, self._scratch, self._rules.poll_s):
            if isinstance(outcome, TeacherError):
                unanswered.append(name)
            self._answer(name, outcome)
            count += 1
            if count % HANDED_OUT_AT_ONCE == 0:
                await asyncio.sleep(0)
        self._queue.had_room()
        self._recorder.over(intent, unanswered)

    def _sort_out(self, lines: Sequence[BatchLine], state: BatchState) -> None:
        """Deal with a batch that was not begun: wait for room, leave out the lines at fault, or give up."""
        why = self._api.endpoint.masked_line(state.why or "no reason given", 300)
        said = f"{self._api.endpoint.shown}, batch {state.batch_id}, was not begun: {why}"
        if state.is_crowded_out and len(lines) > 1:
            self._queue.had_no_room(len(lines))
            self._report(f"{said}; next is one of {counted(self._queue.largest, 'request')} instead of {len(lines):,}")
            self._put_back(lines)
            return
        at_fault = {fault.line for fault in state.faults if fault.line is not None} & set(range(1, len(lines) + 1))
        error: TeacherError = TeacherRefused(said, "check the model, the prompt and the sampling")
        if state.is_crowded_out:
            error = TeacherRateLimited(said)
        elif 0 < len(at_fault) < len(lines):
            error = TeacherRejected(said, "check the prompt's length and the teacher's sampling")
            self._put_back([line for number, line in enumerate(lines, 1) if number not in at_fault])
            lines = [line for number, line in enumerate(lines, 1) if number in at_fault]
        for line in lines:
            self._answer(line.request_id, error)

    def _put_back(self, lines: Sequence[BatchLine]) -> None:
        self._under_way.difference_update(line.request_id for line in lines)
        self._queue.join(lines)

    def _answer(self, name: str, outcome: Outcome | Exception) -> None:
        waiter = self._waiting.pop(name, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(outcome)
        elif isinstance(outcome, Completion):
            self._early[name] = outcome

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _InDoubtError(TeacherRefused):
    """Nobody can tell whether a batch was made."""


def progress_of(state: BatchState) -> str:
    """Return how far a batch is, for people."""
    return f"batch {state.batch_id}: {state.status}, {state.done:,} of {state.total:,} done"


def _writable(error: Exception, folder: Path) -> Exception:
    """Return an error of the disk as one of the workspace, and any other as it is."""
    if not isinstance(error, OSError):
        return error
    return WorkspaceError(
        f"The folder {folder} cannot be written: {error.strerror or error}",
        "free space and run again: what the batches hold is fetched then",
    )
