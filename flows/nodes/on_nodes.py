"""What the head of a run keeps of a teacher that is asked on nodes, and how a node's report changes it."""

import asyncio
import time
from dataclasses import dataclass, field

from cotfactory.flows.ask.alarms import TellAlarms
from cotfactory.flows.ask.asked_teacher import AskedTeacher
from cotfactory.flows.ask.in_flight import InFlight
from cotfactory.flows.nodes.messages import TeacherReport
from cotfactory.generators.teacher.limit_shares import LimitShares

SAME_PAUSE_S = 0.5
"""A pause comes back from the node that was told of it, a little later: it must not grow by going round."""


class InFlightOnNodes(InFlight):
    """How many requests of one teacher are on their way from all nodes, as far as they have told."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, tuple[int, bool]] = {}
        self._changed = asyncio.Event()

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(count for count, _ in self._counts.values())

    def reported(self, node: str, count: int, *, is_stopped: bool) -> None:
        """Note how many a node has, and whether it sends any more."""
        self._counts[node] = (count, is_stopped)
        self._changed.set()

    def lost(self, node: str) -> None:
        """Forget a node."""
        self._counts.pop(node, None)
        self._changed.set()

    async def none_left(self) -> None:
        """Wait until no node has any, and none sends any more."""
        while any(count or not is_stopped for count, is_stopped in self._counts.values()):
            self._changed.clear()
            await self._changed.wait()


class Pauses:
    """Until when each node sends nothing, because the endpoint asked it to wait: the others wait with it."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def tell(self, node: str, wait_s: float) -> None:
        """Note for how long a node waits."""
        self._until[node] = time.monotonic() + wait_s

    def of_others(self, node: str) -> float:
        """Return for how many more seconds another node waits; one that was told to by this head is no other."""
        mine = self._until.get(node, 0.0)
        longest = max((until for name, until in self._until.items() if name != node), default=0.0)
        return longest - time.monotonic() if longest > mine + SAME_PAUSE_S else 0.0


@dataclass(frozen=True)
class TeacherOnNodes:
    """One teacher, whose answers arrive from nodes."""

    asked: AskedTeacher
    in_flight: InFlightOnNodes
    alarms: TellAlarms
    shares: LimitShares
    pauses: Pauses = field(default_factory=Pauses)

    def reported(self, node: str, told: TeacherReport) -> None:
        """Count what a node tells of it."""
        asked = self.asked
        for verdict, cost_usd in told.graded:
            asked.progress.graded(verdict, cost_usd)
        if told.not_needed:
            asked.progress.not_needed(told.not_needed)
        for reason in told.failed:
            asked.progress.failed(reason)
        for problem_id, error, in_flight in told.failures:
            asked.stop.failed(problem_id, error, max(in_flight, self.in_flight.count))
        if told.has_answered:
            asked.stop.answered()
        for signs in told.signs:
            self.alarms.count(signs)
        asked.back_pressure.decided(told.decided)
        self.in_flight.reported(node, told.in_flight, is_stopped=told.is_stopped)
        self.shares.reported(node, told.wanted, told.places)
