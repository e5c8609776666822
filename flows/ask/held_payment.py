"""The money of one request: held before each sending, settled or kept held after it, written down in the journal."""

from typing import TYPE_CHECKING

from cotfactory.generators.teacher.budget import NOTHING_BILLED, added, cost_usd
from cotfactory.schemas.errors import TeacherError
from cotfactory.schemas.request_record import RequestRecord
from cotfactory.schemas.teaching import Usage
from cotfactory.warehouse.ledger import Journal

if TYPE_CHECKING:
    from cotfactory.flows.ask.shard import TeacherSession


class StoppedError(Exception):
    """The request was still waiting for its turn when sending was stopped."""


class HeldPayment:
    """The money of one request's sendings: held before each, settled after it, written down in the journal.

    `worst` is the most that one sending may be billed, as far as is known; it grows when other bills show more.
    """

    def __init__(self, session: "TeacherSession", journal: Journal, request: RequestRecord, worst: Usage) -> None:
        self._session, self._journal, self._request, self.worst = session, journal, request, worst
        self._is_held = self._is_sent = False

    @property
    def tokens(self) -> int:
        """Tokens in and out of the worst case."""
        return self.worst.input_tokens + self.worst.output_tokens

    async def hold(self) -> None:
        """Set the worst case of one sending aside. Raises BudgetReached, or StoppedError when all was stopped."""
        while not self._is_held:
            worst = self.worst
            await self._session.run_budget.hold(*self._amount(worst))
            self._is_held = worst is self.worst
            if not self._is_held:  # more was learned meanwhile
                self._session.run_budget.settle(*self._amount(worst), 0.0, 0)

    def hold_more(self, more: Usage) -> None:
        """Raise the worst case, and what is held for a sending that is under way."""
        self.worst = added(self.worst, more)
        if self._is_held:
            self._session.run_budget.hold_more(*self._amount(more))
        if self._is_sent:
            self._intend()

    def sent(self) -> None:
        """Write down that the request goes out now, unless all was stopped while it waited for its turn."""
        if self._session.stop.reason is not None:
            raise StoppedError
        if self._session.batches is None:
            self._intend()
            self._is_sent = True
            self._session.in_flight.sent(self._request.candidate_id)
        else:  # its batch is the intent: what is in one when the run dies is not lost
            self._session.batches.expect(self._request, self.worst, self._amount(self.worst)[0])

    def failed(self, error: TeacherError) -> None:
        """Write down a failure; one that may have been billed is charged at its worst case."""
        self._is_sent = False
        if self._session.batches is not None:
            self._intend()
        self._journal.failed(self._request.candidate_id, maybe_billed=error.maybe_billed)
        self._session.in_flight.over(self._request.candidate_id)
        if error.maybe_billed and self._is_held:
            self._is_held = False
            self._session.run_budget.keep_held(*self._amount(self.worst))
        else:
            self.settle(NOTHING_BILLED)

    def settle(self, paid: Usage) -> None:
        """Give back what was set aside, less what was paid."""
        if self._is_held:
            self._is_held = self._is_sent = False
            self._session.run_budget.settle(*self._amount(self.worst), *self._amount(paid))

    def _intend(self) -> None:
        self._journal.intend(self._request.candidate_id, *self._amount(self.worst))

    def _amount(self, usage: Usage) -> tuple[float, int]:
        return cost_usd(self._session.spec.price, usage) or 0.0, usage.input_tokens + usage.output_tokens
