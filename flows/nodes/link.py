"""NodeLink: the head's end of one node. It takes in what the node bought, answers it, and notices when it is gone."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from cotfactory.flows.nodes.messages import Orders, Report, ShardLease, ShardResult, TeacherTerms
from cotfactory.flows.nodes.on_nodes import TeacherOnNodes
from cotfactory.generators.teacher.budget import NO_AMOUNT, Amount
from cotfactory.generators.teacher.budget_leases import BudgetLeases
from cotfactory.schemas.errors import CotfactoryError, WorkspaceError
from cotfactory.warehouse.ledger import Journal

LOST_S = 15.0
"""A node reports twice a second; one that says nothing for so long is given up, and fenced."""
SHORTEST_PAUSE_S = 0.05
T = TypeVar("T")


class NodeGone(Exception):
    """A node cannot be reached: its process or its machine is gone, or the way to it."""


class Node(Protocol):
    """A node as the head calls it; every call raises NodeGone where there is nobody any more."""

    @property
    def name(self) -> str:
        """The machine's address, and the process."""
        ...

    async def open(self, terms: TeacherTerms) -> None:
        """Open a teacher on it. Raises a CotfactoryError."""
        ...

    async def produce(self, lease: ShardLease) -> ShardResult:
        """Have it ask a shard."""
        ...

    async def exchange(self, orders: Orders) -> Report:
        """Give orders and return its report."""
        ...

    def end(self) -> None:
        """End it, whatever it does."""
        ...


class NodeLost(Exception):
    """A node was given up while it asked a shard."""


class NodeLink:
    """One node, as long as it is not given up. `journals` are those of the shards that it asks, by name.

    What a node sends after it was given up is refused: nobody looks at it.
    """

    def __init__(
        self, node: Node, teachers: Mapping[str, TeacherOnNodes], leases: BudgetLeases, say: Callable[[str], None]
    ) -> None:
        self.node, self._teachers, self._leases, self._say = node, teachers, leases, say
        self.journals: dict[str, Journal] = {}
        self.problems = 0
        self._to_take_in, self._unconfirmed = 0, NO_AMOUNT
        self._ended: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self._told_to_stop: dict[str, CotfactoryError] = {}

    @property
    def name(self) -> str:
        """The node's name."""
        return self.node.name

    @property
    def is_lost(self) -> bool:
        """Whether it was given up."""
        return self._ended.done()

    async def run(self) -> None:
        """Exchange orders and reports until the node is gone or this is cancelled."""
        orders = Orders()
        error: Exception | None = None
        try:
            while True:
                async with asyncio.timeout(LOST_S):
                    report = await self.node.exchange(orders)
                await self._take(report)
                orders = self._orders()
        except (NodeGone, TimeoutError):
            pass
        except Exception as fault:  # raised by whoever waits for a shard from here: nobody waits for this task
            error = fault
        self._give_up(error)

    async def until_lost(self, work: asyncio.Task[T]) -> T:
        """Return what a call of the node comes to. Raises NodeLost, or what ended the link."""
        try:
            either: list[asyncio.Future[Any]] = [work, self._ended]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not self._ended.done():
                with suppress(NodeGone):
                    return work.result()
                # The call says so first: whoever exchanges finds out, and fences it.
                await asyncio.wait([self._ended])
        finally:
            work.cancel()
            work.add_done_callback(looked_at)
        if (error := self._ended.result()) is not None:
            raise error
        raise NodeLost

    def _give_up(self, error: Exception | None) -> None:
        self.node.end()
        for teacher in self._teachers.values():
            teacher.shares.lost(self.name)
            teacher.in_flight.lost(self.name)
        self._to_take_in = len(self.journals)
        if not self.journals:
            self._leases.lost(self.name, NO_AMOUNT)
        self._ended.set_result(error)
        if error is None:
            self._say(f"node {self.name} is lost: what it had not told is asked elsewhere")

    def taken_in(self, unconfirmed: Amount) -> None:
        """Note what a shard of a lost node may have been billed without an answer; after the last of them its lease is
        free again, but for that."""
        self._unconfirmed = self._unconfirmed.plus(unconfirmed)
        self._to_take_in -= 1
        if self._to_take_in == 0:
            self._leases.lost(self.name, self._unconfirmed)

    async def _take(self, report: Report) -> None:
        """Have everything on disk that a node bought, and count what it tells. Raises WorkspaceError."""
        pieces = [piece for piece in report.pieces if piece.shard in self.journals]
        await asyncio.gather(*(self.journals[piece.shard].take(piece.lines) for piece in pieces))
        if any(self.journals[piece.shard].full for piece in pieces if piece.shard in self.journals):
            raise WorkspaceError(
                "The disk of the ledger is full",
                "what was bought is saved; free space and run again, only what is missing will be asked",
            )
        if report.lease is not None:
            self._leases.reported(self.name, report.lease)
        for note in report.notes:
            self._say(f"node {self.name}: {note}")
        for name, told in report.teachers.items():
            teacher = self._teachers.get(name)
            if teacher is None:
                continue  # other nodes still open it: nothing was asked of it
            teacher.reported(self.name, told)
            if told.paused_s > SHORTEST_PAUSE_S:
                teacher.pauses.tell(self.name, told.paused_s)

    def _orders(self) -> Orders:
        stops, shares, pauses = {}, {}, {}
        for name, teacher in self._teachers.items():
            reason = teacher.asked.stop.reason
            if reason is None:
                self._told_to_stop.pop(name, None)
            elif self._told_to_stop.get(name) is not reason:
                stops[name] = self._told_to_stop[name] = reason
            if (share := teacher.shares.share_of(self.name)) is not None:
                shares[name] = share
            if (wait_s := teacher.pauses.of_others(self.name)) > SHORTEST_PAUSE_S:
                pauses[name] = wait_s
        lease = self._leases.answer(self.name) if self._leases.budget.is_limited else None
        return Orders(lease, stops, shares, pauses)


def looked_at(work: asyncio.Future[Any]) -> None:
    """Take note of how a call ended that nobody waits for: its node was given up, or its shard."""
    if not work.cancelled():
        work.exception()
