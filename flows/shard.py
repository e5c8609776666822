"""The hot loop for one shard: ask, write down, grade, decide whether to ask again. Plain asyncio."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from flows.grading_desk import GradingDesk
from flows.plan import Assignment, Shard
from flows.progress import Progress
from generators.limits import Limiter, Wallet, cost_usd, worst_case
from generators.reasoning import candidate_from
from generators.stopping import next_samples
from generators.teacher import Request, Teacher, ask_with_retries
from graders.grade import grader_name_and_version
from schemas.candidate import Candidate
from schemas.errors import CotfactoryError, TeacherError, TeacherRefused, WorkspaceError
from schemas.grade import Grade, Verdict
from schemas.ids import grade_id
from schemas.problem import Problem
from schemas.purchase import Purchase
from schemas.recipe import TeacherSpec
from schemas.teaching import Completion, Usage
from warehouse.ledger import Journal
from warehouse.seal import GradeRow

FAILURES_IN_A_ROW = 20


@dataclass
class Stop:
    """Why nothing more may be sent to a teacher: budget, refused key, endpoint down, full disk."""

    reason: CotfactoryError | None = None
    failures_in_a_row: int = 0


@dataclass(frozen=True)
class Desk:
    """All that the shards of one teacher share during a run."""

    spec: TeacherSpec
    teacher: Teacher
    limiter: Limiter
    wallet: Wallet
    grading: GradingDesk
    progress: Progress
    stop: Stop


@dataclass
class ShardOutcome:
    """What came of one shard: its grades, what was bought, and how many requests failed after their retries."""

    grades: list[GradeRow] = field(default_factory=list)
    calls: int = 0
    failed_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


class _StoppedError(Exception):
    """The request was still waiting for its turn when sending was stopped."""


async def run_shard(shard: Shard, desk: Desk, journal: Journal, outcome: ShardOutcome) -> None:
    """Buy and grade what a shard's problems still want, until each is decided.

    Nothing in flight is ever cancelled by an error: whatever stops the shard only stops new requests, and
    every completion that arrives is written down first. A request that fails after its retries leaves
    its problem for the next run. `outcome` is filled in as the shard goes on.
    """
    waiting = iter(shard.assignments)
    workers = min(desk.spec.limits.concurrency, len(shard.assignments))
    working = [_worker(waiting, desk, journal, outcome) for _ in range(workers)]
    # All are waited for, whatever happens to one: the journal is closed after this.
    for error in await asyncio.gather(*working, return_exceptions=True):
        if error is not None:
            raise error


async def _worker(waiting: Iterator[Assignment], desk: Desk, journal: Journal, outcome: ShardOutcome) -> None:
    for assignment in waiting:
        verdicts = assignment.known_prefix()
        while desk.stop.reason is None and (wave := next_samples(assignment.attempts, verdicts)):
            samples = (_sample(assignment, index, desk, journal, outcome) for index in wave)
            answers = await asyncio.gather(*samples)
            decided = [answer for answer in answers if answer is not None]
            if len(decided) < len(answers):
                break
            verdicts.extend(decided)


async def _sample(
    assignment: Assignment, index: int, desk: Desk, journal: Journal, outcome: ShardOutcome
) -> Verdict | None:
    """Return the verdict of one sample, bought if need be; None when it could not be had."""
    if index in assignment.known:
        return assignment.known[index]
    if desk.stop.reason is not None:
        return None
    try:
        completion = await _buy(assignment, index, desk, journal, outcome)
        if completion is None:
            return None
        purchase = _purchase(assignment, index, desk.spec, completion)
        await journal.record(purchase)
        if journal.full:
            desk.stop.reason = WorkspaceError(
                f"The disk of {journal.path.parent} is full",
                "what was bought is saved; free space and run again, only what is missing will be asked",
            )
    except CotfactoryError as error:
        desk.stop.reason = desk.stop.reason or error
        return None
    outcome.calls += 1
    outcome.input_tokens += completion.usage.input_tokens
    outcome.output_tokens += completion.usage.output_tokens
    outcome.cost_usd += purchase.cost_usd or 0.0
    candidate = candidate_from(purchase)
    grade = await desk.grading.grade(assignment.problem, candidate)
    outcome.grades.append(grade_row(grade, assignment.problem, candidate))
    desk.progress.graded(grade.verdict, purchase.cost_usd)
    return grade.verdict


async def _buy(
    assignment: Assignment, index: int, desk: Desk, journal: Journal, outcome: ShardOutcome
) -> Completion | None:
    """Ask for one sample within budget and limits; None when the endpoint failed. Raises what must stop the run."""
    worst = worst_case(desk.spec, assignment.messages)
    held_usd, held_tokens = cost_usd(desk.spec.price, worst) or 0.0, worst.input_tokens + worst.output_tokens
    await desk.wallet.hold(held_usd, held_tokens)
    paid = Usage()

    def on_send() -> None:
        if desk.stop.reason is not None:
            raise _StoppedError
        journal.intend(assignment.request_ids[index])

    try:
        request = Request(assignment.messages, index, held_tokens)
        completion = await ask_with_retries(desk.teacher, desk.spec, desk.limiter, request, on_send)
        paid = completion.usage
        desk.stop.failures_in_a_row = 0
        return completion
    except _StoppedError:
        return None
    except TeacherRefused:
        journal.give_up(assignment.request_ids[index])
        raise
    except TeacherError as error:
        journal.give_up(assignment.request_ids[index])
        outcome.failed_calls += 1
        desk.stop.failures_in_a_row += 1
        desk.progress.failed(str(error))
        if desk.stop.failures_in_a_row >= FAILURES_IN_A_ROW:
            raise  # it is down, not unlucky
        return None
    finally:
        paid_usd = cost_usd(desk.spec.price, paid) or 0.0
        desk.wallet.settle(held_usd, held_tokens, paid_usd, paid.input_tokens + paid.output_tokens)


def grade_row(grade: Grade, problem: Problem, candidate: Candidate) -> GradeRow:
    """Return a grade as the table keeps it: with its id, the problem it is held against, and when."""
    identity = grade_id(candidate.candidate_id, problem, *grader_name_and_version(problem))
    return GradeRow(grade, identity, problem.problem_id, datetime.now(UTC))


def grade_rows(grades: Sequence[Grade], pairs: Sequence[tuple[Problem, Candidate]]) -> list[GradeRow]:
    """Return the rows of a batch of grades."""
    return [grade_row(grade, *pair) for grade, pair in zip(grades, pairs, strict=True)]


def _purchase(assignment: Assignment, index: int, spec: TeacherSpec, completion: Completion) -> Purchase:
    return Purchase(
        candidate_id=assignment.request_ids[index],
        problem_id=assignment.problem.problem_id,
        teacher=spec.name,
        prompt_id=assignment.prompt_id,
        strategy="solve",
        sampling=spec.sampling,
        sample_index=index,
        parent_id=None,
        completion=completion,
        cost_usd=cost_usd(spec.price, completion.usage),
        created_at=datetime.now(UTC),
    )
