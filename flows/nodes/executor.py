"""OnNodes: the shards of a round are asked on the nodes of a cluster, while all that they buy is kept here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from types import TracebackType
from typing import Self

from cotfactory.flows.ask.asked_teacher import AskedTeacher
from cotfactory.flows.ask.assignments import Shard
from cotfactory.flows.ask.back_pressure import BackPressure
from cotfactory.flows.ask.batches import problems_to_open
from cotfactory.flows.ask.grading_queue import GradingQueue
from cotfactory.flows.ask.shard import ShardOutcome, most_in_flight
from cotfactory.flows.ask.stop import Stop
from cotfactory.flows.ask.teachers import alarms_of, servers_of
from cotfactory.flows.grade_rows import grade_row
from cotfactory.flows.host.interpreter import in_thread
from cotfactory.flows.job import Job
from cotfactory.flows.nodes.link import Node, NodeLink, NodeLost
from cotfactory.flows.nodes.messages import ShardLease, TeacherTerms
from cotfactory.flows.nodes.on_nodes import InFlightOnNodes, TeacherOnNodes
from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.generators.teacher.budget import Amount, RunBudget
from cotfactory.generators.teacher.budget_leases import BudgetLeases
from cotfactory.generators.teacher.limit_shares import LimitShares
from cotfactory.schemas.errors import NodesError
from cotfactory.schemas.spending import Spending
from cotfactory.warehouse.journal_reader import JournalReader, read_journal
from cotfactory.warehouse.ledger import Journal, JournalHeader
from cotfactory.warehouse.rejected import rejected_problems


class OnNodes:
    """Leases shards to nodes. One that is lost is fenced, what arrived of its shards is graded here, and the rest asked
    elsewhere."""

    def __init__(self, job: Job, run_budget: RunBudget, grading: GradingQueue, nodes: list[Node]) -> None:
        self._job, self._grading, self._nodes = job, grading, nodes
        self._leases = BudgetLeases(run_budget, len(nodes))
        self._teachers: dict[str, TeacherOnNodes] = {}
        self._links: list[NodeLink] = []
        self._exchanging: list[asyncio.Task[None]] = []

    @property
    def places(self) -> int:
        """How many nodes there were at the start."""
        return len(self._nodes)

    async def __aenter__(self) -> Self:
        say = self._job.run.progress.note
        self._links = [NodeLink(node, self._teachers, self._leases, say) for node in self._nodes]
        self._exchanging = [asyncio.create_task(link.run()) for link in self._links]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._exchanging:
            task.cancel()
        await asyncio.gather(*self._exchanging, return_exceptions=True)

    @asynccontextmanager
    async def opened(self, plan: TeacherPlan) -> AsyncIterator[AskedTeacher]:
        """Open the teacher on every node; a server of our own, or of the recipe's command, is here."""
        spec, run = plan.spec, self._job.run
        async with AsyncExitStack() as stack:
            endpoint = None
            if spec.is_local or spec.start is not None:
                endpoint = stack.enter_context(servers_of(spec, self._job.problems, run.workspace.logs)).endpoints[0]
            rejected_before = rejected_problems(run.workspace, spec.name)
            stop, in_flight = Stop(rejected_before=rejected_before), InFlightOnNodes()
            size = self._job.shard_problems
            asked = AskedTeacher(
                spec=spec,
                progress=run.progress,
                stop=stop,
                back_pressure=BackPressure(max(problems_to_open(spec, plan.attempts), size * len(self._nodes))),
                in_flight=in_flight,
            )
            limits = spec.limits.model_copy(update={"concurrency": most_in_flight(spec)})
            shares = LimitShares(limits, [link.name for link in self._links])
            teacher = TeacherOnNodes(asked, in_flight, alarms_of(plan, run, stop), shares)
            opening = [
                self._opened_on(
                    link, TeacherTerms(spec, plan.strategy, endpoint, rejected_before, shares.first(link.name))
                )
                for link in self._links
                if not link.is_lost
            ]
            await asyncio.gather(*opening)
            for link in self._links:
                if link.is_lost:
                    shares.lost(link.name)
            self._teachers[spec.name] = teacher
            yield asked

    async def _opened_on(self, link: NodeLink, terms: TeacherTerms) -> None:
        """Open a teacher on a node; one that is lost meanwhile is asked nothing. Raises a CotfactoryError."""
        with suppress(NodeLost):
            await link.until_lost(asyncio.create_task(link.node.open(terms)))

    async def produce(self, shard: Shard, header: JournalHeader, outcome: ShardOutcome, *, again: bool) -> None:
        """Lease the shard to the node that has least to do, and take in what it buys."""
        link = self._least_busy()
        journal = Journal(self._job.run.workspace.ledger, header)
        link.journals[header.shard] = journal
        link.problems += len(shard.assignments)
        lease = ShardLease(header, shard.plan.spec.name, shard.assignments, again)
        is_whole = False
        try:
            result = await link.until_lost(asyncio.create_task(link.node.produce(lease)))
            is_whole = True
            outcome.bought += result.bought
            outcome.grades += result.grades
            outcome.stopped_by = result.stopped_by
        except NodeLost:
            outcome.is_lost = True
        finally:
            link.problems -= len(shard.assignments)
            del link.journals[header.shard]  # fenced: whatever comes later is refused
            journal.close()
            if not is_whole:
                await self._take_in(link, shard, journal, outcome)

    def _least_busy(self) -> NodeLink:
        links = [link for link in self._links if not link.is_lost]
        if not links:
            raise NodesError(
                f"No node is left of {len(self._links):,}",
                "what was bought is saved; see to the nodes and run again, only what is missing will be asked",
            )
        return min(links, key=lambda link: link.problems)

    async def _take_in(self, link: NodeLink, shard: Shard, journal: Journal, outcome: ShardOutcome) -> None:
        """Count and grade what had arrived of a shard whose node is gone, or that was given up."""
        reader = JournalReader(journal.path)
        problems = {assignment.problem.problem_id: assignment.problem for assignment in shard.assignments}
        arrived = await in_thread(lambda: list(reader.answers()))
        for candidate in arrived:
            outcome.bought += Spending.of(candidate)
        if outcome.is_lost:
            pairs = [(problems[candidate.problem_id], candidate) for candidate in arrived]
            grades = await asyncio.gather(*(self._grading.grade(*pair) for pair in pairs))
            outcome.grades += [grade_row(grade, *pair) for grade, pair in zip(grades, pairs, strict=True)]
            entries = await in_thread(lambda: read_journal(journal.path))
            link.taken_in(Amount(entries.unconfirmed_usd, entries.unconfirmed_tokens))
