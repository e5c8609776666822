"""The hot loop for one shard: ask, write down, grade, decide whether to ask again. Plain asyncio."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from cotfactory.flows.ask.alarms import AnswerWatch
from cotfactory.flows.ask.asked_teacher import AskedTeacher
from cotfactory.flows.ask.assignments import Assignment
from cotfactory.flows.ask.grading_queue import GradingQueue
from cotfactory.flows.ask.held_payment import HeldPayment, StoppedError
from cotfactory.flows.ask.tool_results import tool_results
from cotfactory.flows.grade_rows import grade_row
from cotfactory.generators.ask.stopping import next_samples
from cotfactory.generators.ask.strategies import Attempt, Strategy
from cotfactory.generators.teacher.budget import (
    NO_OVERRUN,
    NOTHING_BILLED,
    BillOverrun,
    RequestBudget,
    cost_usd,
    worst_case,
)
from cotfactory.generators.teacher.limiter import Limiter
from cotfactory.generators.teacher.reasoning import candidate_of
from cotfactory.generators.teacher.reported_usage import billed_usage
from cotfactory.generators.teacher.teacher import Request, Teacher, ask_with_retries
from cotfactory.graders.sandbox.execution import Sandbox
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import (
    CotfactoryError,
    SandboxError,
    TeacherError,
    WorkspaceError,
)
from cotfactory.schemas.grade import Grade, Verdict
from cotfactory.schemas.ids import prompt_id
from cotfactory.schemas.request_record import RequestRecord
from cotfactory.schemas.rubric import NOT_JUDGED
from cotfactory.schemas.spending import NOTHING_SPENT, Spending
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Message, Usage
from cotfactory.warehouse.batch_ledger import BatchLedger
from cotfactory.warehouse.ledger import Journal
from cotfactory.warehouse.seal import GradeRow

logger = logging.getLogger(__name__)

UNGRADED_IN_A_ROW = 50


@dataclass(frozen=True, kw_only=True)
class TeacherSession(AskedTeacher):
    """All that the shards of one teacher share in the process that asks.

    Of a teacher that is asked in batches `batches` writes down what is under way: its requests outlive this run. The
    calls of a teacher that has a tool are run in the `sandbox`.
    """

    strategy: Strategy
    teacher: Teacher
    limiter: Limiter
    run_budget: RequestBudget
    overrun: BillOverrun
    grading: GradingQueue
    watch: AnswerWatch
    batches: BatchLedger | None = None
    sandbox: Sandbox | None = None
    payments: set[HeldPayment] = field(default_factory=set)

    def learn(self, payment: HeldPayment, billed: Usage) -> None:
        """Learn from a bill how far the endpoint goes beyond the worst case, and hold as much more for all others."""
        more = self.overrun.learn(payment.worst, billed)
        if more is not NO_OVERRUN:
            for other in self.payments - {payment}:
                other.hold_more(more)


@dataclass
class ShardOutcome:
    """What came of one shard: what was bought for it, and its grades.

    `stopped_by` says why the shard left something unasked, if it did; `is_lost` that whoever asked it is gone, so that
    it is to be planned again and asked elsewhere.
    """

    bought: Spending = NOTHING_SPENT
    grades: list[GradeRow] = field(default_factory=list)
    stopped_by: CotfactoryError | None = None
    is_lost: bool = False


def most_in_flight(spec: TeacherSpec) -> int:
    """Return how many requests may be under way to a teacher."""
    return spec.batch.requests if spec.batch is not None else spec.limits.concurrency


async def run_shard(
    assignments: Sequence[Assignment], session: TeacherSession, journal: Journal, outcome: ShardOutcome
) -> None:
    """Buy and grade what the problems of a shard still want, until each is decided.

    Nothing in flight is ever cancelled by an error: whatever stops the shard only stops new requests, and
    every completion that arrives is written down first. A request that fails after its retries leaves
    its problem for the next run. `outcome` is filled in as the shard goes on.
    """
    waiting = iter(assignments)
    # A problem whose answer is being written down, or waits to be asked again, takes no place in flight.
    workers = min(2 * most_in_flight(session.spec), len(assignments))
    working = [_worker(waiting, session, journal, outcome) for _ in range(workers)]
    # All are waited for, whatever happens to one: the journal is closed after this.
    for error in await asyncio.gather(*working, return_exceptions=True):
        if error is not None:
            raise error


async def _worker(
    waiting: Iterator[Assignment], session: TeacherSession, journal: Journal, outcome: ShardOutcome
) -> None:
    for assignment in waiting:
        verdicts = assignment.known_prefix()
        while wave := next_samples(assignment.attempts, verdicts):
            if session.stop.reason is not None:
                outcome.stopped_by = session.stop.reason
                return
            samples = [_sample(assignment, index, session, journal, outcome) for index in wave]
            answers = [await samples[0]] if len(samples) == 1 else await asyncio.gather(*samples)
            decided = [answer for answer in answers if answer is not None]
            if len(decided) < len(answers):
                break
            verdicts.extend(decided)
        else:
            beyond = range(len(verdicts), len(assignment.request_ids))
            missing = (assignment.request_ids[index] for index in beyond if index not in assignment.known)
            session.progress.not_needed(
                sum(request_id not in assignment.begun for steps in missing for request_id in steps)
            )
        session.back_pressure.decided([assignment.prompt_id])


async def _sample(
    assignment: Assignment, index: int, session: TeacherSession, journal: Journal, outcome: ShardOutcome
) -> Verdict | None:
    """Return the verdict of one sample, whatever of it is missing bought; None when it could not be had."""
    if index in assignment.known:
        return assignment.known[index]
    earlier: list[Attempt] = []
    for step, request_id in enumerate(assignment.request_ids[index]):
        if earlier and not session.strategy.is_due(step, earlier[-1].outcome):
            session.progress.not_needed(len(assignment.request_ids[index]) - step)
            break
        said = [attempt.candidate for attempt in earlier]
        attempt = assignment.begun.get(request_id) or await _attempt(
            _Wanted(assignment, index, step, said), session, journal, outcome
        )
        if attempt is None:
            return None
        earlier.append(attempt)
    return earlier[-1].verdict


@dataclass(frozen=True)
class _Wanted:
    """One request: a step of a sample, after what was said in the `earlier` ones and what their calls gave back."""

    assignment: Assignment
    index: int
    step: int
    earlier: Sequence[Candidate]
    results: tuple[str, ...] = ()

    @property
    def request_id(self) -> str:
        return self.assignment.request_ids[self.index][self.step]

    def messages(self, strategy: Strategy) -> tuple[Message, ...]:
        if self.step == 0:
            return self.assignment.messages
        return strategy.messages(self.step, self.assignment.problem, self.earlier, self.results)


async def _attempt(wanted: _Wanted, session: TeacherSession, journal: Journal, outcome: ShardOutcome) -> Attempt | None:
    """Buy and grade the answer to one step; None when it could not be had."""
    try:
        wanted = await _with_results(wanted, session)
        candidate, model = await _buy(wanted, session, journal)
        session.stop.answered()  # before it is on disk: meanwhile others may be rejected
        await journal.record(candidate)
        if journal.full:
            session.stop.reason = WorkspaceError(
                f"The disk of {journal.path.parent} is full",
                "what was bought is saved; free space and run again, only what is missing will be asked",
            )
    except StoppedError:
        outcome.stopped_by = session.stop.reason
        return None
    except TeacherError as error:
        outcome.bought += Spending(failed_calls=1)
        session.progress.failed(str(error))
        logger.warning("request failed for good in this run", extra=_about(wanted, session, error))
        session.stop.failed(wanted.assignment.problem.problem_id, error, session.limiter.in_flight)
        outcome.stopped_by = session.stop.reason
        return None
    except CotfactoryError as error:
        logger.error("asking stops", extra=_about(wanted, session, error))
        outcome.stopped_by = session.stop.reason = session.stop.reason or error
        return None
    finally:
        session.in_flight.over(wanted.request_id)
    outcome.bought += Spending.of(candidate)
    if logger.isEnabledFor(logging.DEBUG):
        about = {"teacher": session.spec.name, "request_id": candidate.candidate_id}
        measured = {"latency_ms": candidate.latency_ms, "output_tokens": candidate.usage.output_tokens}
        logger.debug("answered", extra={**about, **measured})
    problem = wanted.assignment.problem
    grade = await session.grading.grade(problem, candidate)
    outcome.grades.append(grade_row(grade, problem, candidate))
    session.progress.graded(grade.verdict, candidate.cost_usd)
    _watch_graders(grade, session)
    session.watch.observe(candidate, model)
    return Attempt(candidate, grade.verdict)


async def _with_results(wanted: _Wanted, session: TeacherSession) -> _Wanted:
    """Return the request with what the calls of the answer before it give back. Raises SandboxError."""
    if not wanted.earlier or session.strategy.tool_choice(wanted.step) is None:
        return wanted
    if session.sandbox is None:
        raise SandboxError("no sandbox was opened for the tool python", "see to the Docker engine and run again")
    *earlier, answer = wanted.earlier
    results = await asyncio.to_thread(tool_results, earlier, answer, session.sandbox, session.strategy.most_calls)
    return replace(wanted, results=results)


async def _buy(wanted: _Wanted, session: TeacherSession, journal: Journal) -> tuple[Candidate, str]:
    """Ask for one step of a sample within budget and limits; return it, and the model that says it answered.

    Raises a TeacherError when the endpoint failed, BudgetReached, or StoppedError when sending was stopped first.
    """
    async with session.overrun.first_alone():
        messages, sampling = wanted.messages(session.strategy), session.strategy.samplings[wanted.step]
        record = _request_record(wanted, messages, session)
        sending = HeldPayment(session, journal, record, worst_case(sampling, messages, session.overrun.tokens))
        session.payments.add(sending)
        try:
            choice = session.strategy.tool_choice(wanted.step)
            request = Request(record.candidate_id, messages, sampling, record.sample_index, sending.tokens, choice)
            completion = await ask_with_retries(session.teacher, session.spec, session.limiter, request, sending)
            billed = billed_usage(completion, sending.worst)
            sending.settle(billed)
            session.learn(sending, billed)
        finally:
            sending.settle(NOTHING_BILLED)  # nothing, unless it was interrupted
            session.payments.discard(sending)
            if session.batches is not None:
                session.batches.settled(record.candidate_id)
    price_usd, own = cost_usd(session.spec.price, billed), session.spec.reasoning_tags
    candidate = candidate_of(record, completion, billed, price_usd, own)
    return session.strategy.received(candidate, wanted.assignment.problem), completion.model


def _about(wanted: _Wanted, session: TeacherSession, error: CotfactoryError) -> dict[str, str]:
    return {"teacher": session.spec.name, "request_id": wanted.request_id, "error": str(error)}


def _watch_graders(grade: Grade, session: TeacherSession) -> None:
    """Stop buying when our own graders fail time after time: nothing would ever be decided."""
    if grade.verdict != "ungraded" or grade.reason == NOT_JUDGED:
        session.stop.ungraded_in_a_row = 0
        return
    said = f"{grade.reason} {grade.evidence.detail or ''}".strip()
    logger.warning("a chain could not be graded", extra={"request_id": grade.candidate_id, "error": said})
    session.stop.ungraded_in_a_row += 1
    if session.stop.ungraded_in_a_row >= UNGRADED_IN_A_ROW and session.stop.reason is None:
        session.stop.reason = SandboxError(
            f"The last {UNGRADED_IN_A_ROW} chains could not be graded: {said}",
            "what was bought is saved; see to the grader or the Docker engine and run again",
        )


def _request_record(wanted: _Wanted, messages: Sequence[Message], session: TeacherSession) -> RequestRecord:
    return RequestRecord(
        candidate_id=wanted.request_id,
        problem_id=wanted.assignment.problem.problem_id,
        teacher=session.spec.name,
        prompt_id=wanted.assignment.prompt_id if wanted.step == 0 else prompt_id(messages),
        strategy=session.strategy.name_of(wanted.step),
        sampling=session.strategy.samplings[wanted.step],
        sample_index=wanted.assignment.first_index + wanted.index,
        parent_id=wanted.earlier[-1].candidate_id if wanted.earlier else wanted.assignment.parent_id,
        tool_results=wanted.results,
    )
