"""Teachers that are asked in batches: what is written down of them, and how a later run fetches what was left."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from cotfactory.flows.ask.held_payment import StoppedError
from cotfactory.flows.ask.stop import Stop
from cotfactory.flows.host.interpreter import in_thread
from cotfactory.flows.run_record import Run
from cotfactory.flows.settings import remote_endpoint
from cotfactory.generators.ask.stopping import next_samples
from cotfactory.generators.batch.batch_api import BatchApi, BatchState, patiently
from cotfactory.generators.batch.batch_results import Outcome
from cotfactory.generators.batch.batch_teacher import BatchTeacher, progress_of
from cotfactory.generators.teacher.budget import cost_usd
from cotfactory.generators.teacher.completions import says_nothing
from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.generators.teacher.reasoning import candidate_of
from cotfactory.generators.teacher.reported_usage import billed_usage
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.recipe import Attempts
from cotfactory.schemas.spending import Spending
from cotfactory.schemas.teacher_spec import Batch, TeacherSpec
from cotfactory.schemas.teaching import Completion
from cotfactory.warehouse.batch_ledger import (
    BatchBuyer,
    BatchLedger,
    OpenBatch,
    drop_batch,
    drop_sealed,
    missing,
    open_batches,
)
from cotfactory.warehouse.ledger import Journal, JournalHeader
from cotfactory.warehouse.seal import seal_own_journal
from cotfactory.warehouse.wanted import WantedSamples

WRITTEN_AT_ONCE = 256


def problems_to_open(spec: TeacherSpec, attempts: Attempts) -> int:
    """Return how many open problems keep a teacher busy."""
    if spec.batch is None:
        return 2 * spec.limits.concurrency
    return math.ceil(spec.batch.requests / len(next_samples(attempts, [])))


def shards_to_open(spec: TeacherSpec, attempts: Attempts, shard_problems: int) -> int:
    """Return how many shards it takes for a round of batches; one of a teacher that is not asked in batches."""
    return 1 if spec.batch is None else math.ceil(problems_to_open(spec, attempts) / shard_problems)


@dataclass(frozen=True)
class StoppableRecorder:
    """The ledger of a teacher's batches, which makes no new one once the run was stopped."""

    ledger: BatchLedger
    stop: Stop

    def intend(self, intent: str, file_id: str, requests: Sequence[str]) -> None:
        """Write down a batch that is about to be made. Raises StoppedError, WorkspaceError."""
        if (reason := self.stopped()) is not None:
            raise reason
        self.ledger.intend(intent, file_id, requests)

    def submitted(self, intent: str, batch_id: str) -> None:
        """Write down the id of the batch that was made."""
        self.ledger.submitted(intent, batch_id)

    def over(self, intent: str, unanswered: Sequence[str]) -> None:
        """Write down that all answers were handed out."""
        self.ledger.over(intent, unanswered)

    def drop(self, intent: str) -> None:
        """Forget a batch that was never made or never begun."""
        self.ledger.drop(intent)

    def stopped(self) -> Exception | None:
        """Return why nobody is to wait any more: batches go on by themselves, and the next run fetches them."""
        return StoppedError() if self.stop.reason is not None else None


@asynccontextmanager
async def asking_in_batches(
    spec: TeacherSpec, endpoint: Endpoint, run: Run, stop: Stop
) -> AsyncIterator[tuple[BatchTeacher, BatchLedger]]:
    """Yield a teacher that answers in batches, with the ledger that its requests are announced to."""
    buyer = BatchBuyer(
        recipe=run.recipe.name,
        teacher=spec.name,
        base_url=endpoint.shown,
        api_key_env=spec.api_key_env,
        price=spec.price,
    )
    ledger = BatchLedger(run.workspace.ledger, buyer)
    recorder = StoppableRecorder(ledger, stop)
    async with BatchTeacher(spec, endpoint, recorder, run.workspace.staging, run.progress.note) as teacher:
        yield teacher, ledger
    drop_sealed(run.workspace)


def has_batches(run: Run) -> bool:
    """Return whether earlier runs left batches behind."""
    return next(open_batches(run.workspace.ledger), None) is not None


async def collect_batches(run: Run, wanted: WantedSamples) -> None:
    """Fetch and seal what earlier runs left in batches at the endpoints of this recipe, whichever recipe it was for.

    A batch that is not over yet is waited for when it holds something this recipe wants: asking for that again would
    pay for it twice. Raises a TeacherError when an endpoint does not tell, WorkspaceError.
    """
    drop_sealed(run.workspace)
    for batch in open_batches(run.workspace.ledger):
        if batch.unanswered is None and not missing(run.workspace, [*batch.requests]):
            drop_batch(batch.path)
            continue
        found = next((spec for spec in run.recipe.teachers if _is_at(spec, batch)), None)
        if found is None:
            run.progress.note(
                f"a batch of recipe {batch.header.recipe!r} ({counted(len(batch.requests), 'request')}) is at "
                f"{batch.header.base_url}: a run with a teacher there fetches it"
            )
            continue
        async with BatchApi(found, remote_endpoint(found)) as api:
            await _collect(run, batch, api, is_wanted=wanted.wants_any([*batch.requests]))


def _is_at(spec: TeacherSpec, batch: OpenBatch) -> bool:
    if spec.is_local or spec.start is not None or spec.base_urls is not None:
        return False
    where = (remote_endpoint(spec).shown, spec.api_key_env)
    return where == (batch.header.base_url, batch.header.api_key_env)


async def _collect(run: Run, batch: OpenBatch, api: BatchApi, *, is_wanted: bool) -> None:
    rules = api.spec.batch or Batch()
    state = await _state_of(batch, api, rules.poll_s)
    if state is None:
        run.progress.note(f"a batch of {counted(len(batch.requests), 'request')} was never made; nothing was paid")
        drop_batch(batch.path)
        return
    with run.progress.stage(f"batch {state.batch_id}", len(batch.requests)):
        told = 0
        while not state.is_over:
            if not is_wanted:
                run.progress.note(f"{progress_of(state)}; nothing of it is wanted here, so it is left for later")
                return
            run.progress.advance(state.done - told)
            told = state.done
            await asyncio.sleep(rules.poll_s)
            batch_id = state.batch_id
            state = await patiently(lambda: api.get(batch_id), rules.poll_s)  # noqa: B023 - awaited at once
        if state.status != "failed" or state.output_files:
            await _file_answers(run, batch, api, state)
    drop_batch(batch.path)


async def _state_of(batch: OpenBatch, api: BatchApi, poll_s: float) -> BatchState | None:
    """Return the state of a batch, None if it was never made; the run that made it may have died before it knew."""
    batch_id = batch.batch_id
    if batch_id is not None:
        return await patiently(lambda: api.get(batch_id), poll_s)
    return await patiently(lambda: api.made_or_never(batch.header.intent, batch.header.input_file_id), poll_s)


async def _file_answers(run: Run, batch: OpenBatch, api: BatchApi, state: BatchState) -> None:
    """Seal the answers of a batch that are not sealed yet, as bought by the recipe that paid for them."""
    unsealed = missing(run.workspace, [*batch.requests])
    left = [name for name in batch.requests if name in unsealed]
    with _journal(run, batch) as journal:
        group: list[tuple[str, Outcome]] = []
        poll_s = (api.spec.batch or Batch()).poll_s
        async for name, outcome in api.results(state, left, run.workspace.staging, poll_s):
            group.append((name, outcome))
            if len(group) == WRITTEN_AT_ONCE:
                await _write_down(run, batch, group, journal, api.spec.reasoning_tags)
                group.clear()
        await _write_down(run, batch, group, journal, api.spec.reasoning_tags)
    sealed = await in_thread(lambda: seal_own_journal(run.workspace, journal.path))
    run.progress.note(
        f"batch {state.batch_id}: {sealed.candidates:,} of {counted(len(left), 'missing answer')} fetched"
    )


@contextmanager
def _journal(run: Run, batch: OpenBatch) -> Iterator[Journal]:
    shard = f"batch-{batch.header.intent}"
    journal = Journal(run.workspace.ledger, JournalHeader(recipe=batch.header.recipe, run_id=run.run_id, shard=shard))
    try:
        yield journal
    finally:
        journal.close()


async def _write_down(
    run: Run, batch: OpenBatch, group: Sequence[tuple[str, Outcome]], journal: Journal, own: tuple[str, str] | None
) -> None:
    """Write down what came of some requests. Raises WorkspaceError when the disk is full."""
    bought = []
    for name, outcome in group:
        batched = batch.requests[name]
        if isinstance(outcome, Completion) and not says_nothing(outcome):
            usage = billed_usage(outcome, batched.worst)
            bought.append(candidate_of(batched.request, outcome, usage, cost_usd(batch.header.price, usage), own))
        elif isinstance(outcome, Completion) or outcome.maybe_billed:
            journal.intend(name, batched.worst_usd, batched.worst.input_tokens + batched.worst.output_tokens)
            journal.failed(name, maybe_billed=True)
    await asyncio.gather(*(journal.record(candidate) for candidate in bought))
    for candidate in bought:
        run.bought += Spending.of(candidate)
    if journal.full:
        raise WorkspaceError(
            f"The disk of {journal.path.parent} is full", "what was fetched is saved; free space and run again"
        )
