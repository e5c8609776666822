"""AskingNode: what asks and grades on one node, with worker processes of its own; it keeps nothing but a buffer."""

import asyncio
import shutil
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cotfactory.flows.ask.grading_queue import GradingQueue
from cotfactory.flows.ask.shard import ShardOutcome, TeacherSession, run_shard
from cotfactory.flows.ask.teachers import Servers, declared_model, limiter_of, one_by_one, opened_teacher
from cotfactory.flows.host.grading_tools import opened_grading
from cotfactory.flows.host.interpreter import tuned_for_asking
from cotfactory.flows.nodes.messages import (
    NodeTerms,
    Orders,
    Report,
    ShardLease,
    ShardResult,
    TeacherReport,
    TeacherTerms,
)
from cotfactory.flows.nodes.reported import (
    ReportedBackPressure,
    ReportedProgress,
    ReportedSigns,
    ReportedStop,
    Reporting,
)
from cotfactory.flows.settings import remote_endpoints
from cotfactory.generators.teacher.budget import BillOverrun, RequestBudget, RunBudget
from cotfactory.generators.teacher.budget_leases import LeasedBudget
from cotfactory.generators.teacher.teacher import Request, Teacher
from cotfactory.generators.teacher.teacher_watch import SignReader
from cotfactory.graders.grading import grade_batch, grade_promptly
from cotfactory.schemas.errors import CotfactoryError, NodesError
from cotfactory.schemas.recipe import Budget
from cotfactory.schemas.teaching import Completion
from cotfactory.warehouse.shipped_journal import Shipment, ShippedJournal

GATHER_S = 0.015
"""How long a report waits for more once there is something to tell; what was bought meanwhile may be lost with us."""
HEARTBEAT_S = 0.5
SILENCE_S = 20.0
"""A head that has not been heard of for so long has given this node up: nothing more is sent."""


@dataclass(frozen=True)
class _OnNode:
    """A teacher that is open here, and what is to be told of it."""

    session: TeacherSession
    reporting: Reporting


class AskingNode:
    """Asks the shards that it is given. An async context manager; `exchange` is called over and over meanwhile.

    Its journals are in `folder`, where they stay when it is lost.
    """

    def __init__(self, terms: NodeTerms) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"cotfactory-node-{terms.run_id}-"))
        self._grading_terms = terms.grading
        self._teachers: dict[str, _OnNode] = {}
        self._notes: list[str] = []
        self._news = asyncio.Event()
        self._shipment = Shipment(self._news.set)
        self._lease = LeasedBudget(terms.limits) if any(terms.limits) else None
        self._stack = AsyncExitStack()
        self._heard_at = time.monotonic()

    async def __aenter__(self) -> Self:
        tools = self._stack.enter_context(opened_grading(self._grading_terms))
        self._sandbox = tools.sandbox
        self._grading = await self._stack.enter_async_context(
            GradingQueue(
                lambda problem, candidate: grade_promptly(problem, candidate, tools),
                lambda pairs: grade_batch(pairs, tools),
            )
        )
        self._stack.enter_context(tuned_for_asking())
        self._watching = asyncio.create_task(self._stop_in_silence())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watching.cancel()
        await self._stack.aclose()
        if not any(self.folder.glob("*.journal")):
            shutil.rmtree(self.folder, ignore_errors=True)

    async def open(self, terms: TeacherTerms) -> None:
        """Open a teacher, which must answer a first, free question. Raises a TeacherError or RecipeError."""
        spec, reporting = terms.spec, Reporting()
        progress = ReportedProgress(reporting, self._notes)
        limiter = limiter_of(spec, progress.note)
        limiter.take(terms.share)
        servers = Servers((terms.endpoint,) if terms.endpoint else remote_endpoints(spec))
        opened = await self._stack.enter_async_context(opened_teacher(spec, servers, progress.note, limiter.heed))
        await opened.models()
        teacher = one_by_one(spec, opened)
        session = TeacherSession(
            spec=spec,
            strategy=terms.strategy,
            teacher=AnnouncedTeacher(teacher, self._shipment),
            limiter=limiter,
            run_budget=self._budget(),
            overrun=BillOverrun(budgeted=self._lease is not None),
            grading=self._grading,
            progress=progress,
            stop=ReportedStop(reporting, terms.rejected_before),
            back_pressure=ReportedBackPressure(reporting),
            watch=ReportedSigns(SignReader(declared_model(spec)), reporting),
            sandbox=self._sandbox,
        )
        self._teachers[spec.name] = _OnNode(session, reporting)

    def _budget(self) -> RequestBudget:
        return RunBudget(Budget()) if self._lease is None else self._lease

    async def produce(self, lease: ShardLease) -> ShardResult:
        """Ask a shard; return what came of it when all that was bought for it has arrived at the head."""
        session = self._teachers[lease.teacher].session
        if lease.again:
            session.stop.try_again()
        journal = ShippedJournal(self.folder, lease.header, self._shipment)
        outcome = ShardOutcome()
        try:
            await run_shard(lease.assignments, session, journal, outcome)
        except CotfactoryError as error:
            outcome.stopped_by = error
        await self._shipment.next_arrival()  # what was graded last is told as well
        journal.arrived()
        return ShardResult(outcome.bought, outcome.grades, outcome.stopped_by)

    async def exchange(self, orders: Orders) -> Report:
        """Follow the head's orders and report, at once where there is something to tell, else as a sign of life."""
        self._heard_at = time.monotonic()
        self._follow(orders)
        try:
            await asyncio.wait_for(self._news.wait(), HEARTBEAT_S)
            await asyncio.sleep(GATHER_S)
        except TimeoutError:
            pass
        self._news.clear()
        notes = list(self._notes)
        self._notes.clear()
        lease = None if self._lease is None else self._lease.report()
        teachers = {name: _told(teacher) for name, teacher in self._teachers.items()}
        return Report(self._shipment.take(), lease, teachers, notes)

    def _follow(self, orders: Orders) -> None:
        self._shipment.arrived()
        for name, reason in orders.stops.items():
            self._teachers[name].session.stop.reason = reason
        for name, share in orders.shares.items():
            self._teachers[name].session.limiter.take(share)
        for name, wait_s in orders.pauses.items():
            self._teachers[name].session.limiter.pause(wait_s)
        if self._lease is not None and orders.lease is not None:
            self._lease.take(orders.lease)

    async def _stop_in_silence(self) -> None:
        """Have nothing more sent once the head is gone, or has given this node up while it stood still."""
        while time.monotonic() - self._heard_at < SILENCE_S:
            await asyncio.sleep(1.0)
        for teacher in self._teachers.values():
            teacher.session.stop.reason = NodesError("The head of this run has not been heard of", "run again")


def _told(teacher: _OnNode) -> TeacherReport:
    session, told = teacher.session, teacher.reporting.take()
    limiter = session.limiter
    told.in_flight, told.places, told.wanted = session.in_flight.count, limiter.in_flight, limiter.wanted
    told.paused_s, told.is_stopped = limiter.paused_s, session.stop.reason is not None
    return told


class AnnouncedTeacher:
    """A Teacher that is sent a request only once the head has it in its books: if this node or the head is lost,
    nothing may have been billed that nobody knows of."""

    def __init__(self, teacher: Teacher, shipment: Shipment) -> None:
        self._teacher, self._shipment = teacher, shipment

    async def complete(self, request: Request) -> Completion:
        """Return one sample. Raises a TeacherError."""
        await self._shipment.all_there()
        return await self._teacher.complete(request)
