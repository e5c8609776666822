"""Budget leases: the head of a run on several nodes lends parts of its budget, and takes back what was not needed.

A node holds its requests against its lease without asking. It asks for more when that is used up, in the message that
brings its answers; what it needs waits at the head while others may settle, and is refused once nothing is out any
more.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from cotfactory.generators.teacher.budget import NO_AMOUNT, Amount, Limited, RunBudget
from cotfactory.schemas.errors import BudgetReached

BLOCKS_PER_NODE = 4
"""A lease is this part of a node's share of what is left, so that none runs dry while another holds too much."""
NOTHING_USD = 1e-9


@dataclass(frozen=True)
class LeaseReport:
    """What became of a node's lease since its last report.

    `needed` is what all that waits on the node needs, `next_needed` the first of it. `returned` is no longer leased.
    """

    paid: Amount = NO_AMOUNT
    unconfirmed: Amount = NO_AMOUNT
    grown: Amount = NO_AMOUNT
    returned: Amount = NO_AMOUNT
    needed: Amount = NO_AMOUNT
    next_needed: Amount | None = None


@dataclass(frozen=True)
class LeaseAnswer:
    """What the head has for a node: more, an end, or the wish to have back what nothing holds (`recalls`)."""

    granted: Amount = NO_AMOUNT
    refused: BudgetReached | None = None
    recalls: bool = False


class LeasedBudget:
    """A node's part of the budget, as its requests see it; what has no limit needs no lease."""

    is_limited = True

    def __init__(self, limits: Limited) -> None:
        self._limited = limits.only
        self._free = self._paid = self._unconfirmed = self._grown = NO_AMOUNT
        self._waiting: deque[tuple[Amount, asyncio.Future[None]]] = deque()
        self._recalled = False

    async def hold(self, usd: float, tokens: int) -> None:
        """Set the worst case of one request aside, waiting for the head where the lease is used up."""
        amount = self._limited(Amount(usd, tokens))
        if not self._waiting and _fits(amount, self._free):
            self._free = self._free.minus(amount)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((amount, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._free = self._free.plus(amount)
            raise

    def hold_more(self, usd: float, tokens: int) -> None:
        """Set more aside for a request in flight: the lease grows by it, without being asked for."""
        self._grown = self._grown.plus(self._limited(Amount(usd, tokens)))

    def settle(self, held_usd: float, held_tokens: int, paid_usd: float, paid_tokens: int) -> None:
        """Replace what was set aside by what was paid."""
        held, paid = Amount(held_usd, held_tokens), Amount(paid_usd, paid_tokens)
        self._free = self._free.plus(self._limited(held.minus(paid)))
        self._paid = self._paid.plus(paid)
        self._serve()

    def keep_held(self, held_usd: float, held_tokens: int) -> None:
        """Count what was set aside as unconfirmed."""
        self._unconfirmed = self._unconfirmed.plus(Amount(held_usd, held_tokens))

    def take(self, answer: LeaseAnswer) -> None:
        """Take what the head says."""
        self._recalled = answer.recalls
        self._free = self._free.plus(answer.granted)
        self._serve()
        if answer.refused is not None:
            for _, turn in self._waiting:
                if not turn.done():
                    turn.set_exception(answer.refused)
            self._waiting.clear()

    def report(self) -> LeaseReport:
        """Return what became of the lease since the last report; what is free is returned by who waits or is told."""
        self._waiting = deque(waiting for waiting in self._waiting if not waiting[1].done())
        needed = NO_AMOUNT
        for amount, _ in self._waiting:
            needed = needed.plus(amount)
        returned = self._free if self._waiting or self._recalled else NO_AMOUNT
        told = LeaseReport(
            self._paid,
            self._unconfirmed,
            self._grown,
            returned,
            needed,
            self._waiting[0][0] if self._waiting else None,
        )
        self._free = self._free.minus(returned)
        self._paid = self._unconfirmed = self._grown = NO_AMOUNT
        return told

    def _serve(self) -> None:
        while self._waiting and (self._waiting[0][1].done() or _fits(self._waiting[0][0], self._free)):
            amount, turn = self._waiting.popleft()
            if not turn.done():
                self._free = self._free.minus(amount)
                turn.set_result(None)


@dataclass
class _Lease:
    out: Amount = NO_AMOUNT
    needed: Amount = NO_AMOUNT
    next_needed: Amount | None = None
    asked: int = 0


@dataclass
class BudgetLeases:
    """What the head has lent of a run's budget, by node; spent, unconfirmed and lent together never exceed it.

    `asked` counts the times that a node came for more.
    """

    budget: RunBudget
    nodes: int
    _leases: dict[str, _Lease] = field(default_factory=dict)

    @property
    def asked(self) -> int:
        """How often nodes came for more."""
        return sum(lease.asked for lease in self._leases.values())

    def reported(self, node: str, told: LeaseReport) -> None:
        """Count what a node says of its lease."""
        lease = self._leases.setdefault(node, _Lease())
        self.budget.lease(told.grown)
        gone = self.budget.limits.only(told.paid.plus(told.unconfirmed)).plus(told.returned)
        self.budget.end_lease(gone, told.paid, told.unconfirmed)
        lease.out = lease.out.plus(told.grown).minus(gone)
        lease.asked += told.next_needed is not None and lease.next_needed is None
        lease.needed, lease.next_needed = told.needed, told.next_needed

    def answer(self, node: str) -> LeaseAnswer:
        """Return what a node is granted of what it needs, if it needs anything."""
        lease = self._leases.setdefault(node, _Lease())
        left = self.budget.left()
        if lease.next_needed is None:
            return LeaseAnswer(recalls=self._somebody_is_short(left))
        if not _fits(lease.next_needed, left):
            if not self._is_anything_out():
                return LeaseAnswer(refused=self.budget.reached(lease.next_needed))
            return LeaseAnswer(recalls=True)
        block = Amount(left.usd / (BLOCKS_PER_NODE * self.nodes), left.tokens // (BLOCKS_PER_NODE * self.nodes))
        most = Amount(max(lease.needed.usd, block.usd), max(lease.needed.tokens, block.tokens))
        granted = self.budget.limits.only(Amount(min(left.usd, most.usd), min(left.tokens, most.tokens)))
        self.budget.lease(granted)
        lease.out, lease.needed, lease.next_needed = lease.out.plus(granted), NO_AMOUNT, None
        return LeaseAnswer(granted, recalls=self._somebody_is_short(self.budget.left()))

    def lost(self, node: str, unconfirmed: Amount) -> None:
        """Take back the lease of a node that is gone, less what its requests on their way may have been billed."""
        lease = self._leases.pop(node, _Lease())
        self.budget.end_lease(lease.out, unconfirmed=unconfirmed)

    def _somebody_is_short(self, left: Amount) -> bool:
        return any(
            lease.next_needed is not None and not _fits(lease.next_needed, left) for lease in self._leases.values()
        )

    def _is_anything_out(self) -> bool:
        return any(lease.out.usd > NOTHING_USD or lease.out.tokens > 0 for lease in self._leases.values())


def _fits(amount: Amount, room: Amount) -> bool:
    return amount.usd <= room.usd + NOTHING_USD / 1e3 and amount.tokens <= room.tokens
