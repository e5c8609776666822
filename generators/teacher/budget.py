"""RunBudget: the money and token stop of a run; what a request costs, and what it may cost at most."""

import asyncio
import math
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import NamedTuple, Protocol

from cotfactory.schemas.errors import BudgetReached
from cotfactory.schemas.recipe import Budget
from cotfactory.schemas.spending import Spending
from cotfactory.schemas.teacher_spec import Price
from cotfactory.schemas.teaching import Message, Sampling, Usage

MESSAGE_OVERHEAD_TOKENS = 16
NO_OVERRUN = Usage()
NOTHING_BILLED = Usage()


class Amount(NamedTuple):
    """Money and tokens."""

    usd: float = 0.0
    tokens: int = 0

    def plus(self, other: "Amount") -> "Amount":
        """Return both together."""
        return Amount(self.usd + other.usd, self.tokens + other.tokens)

    def minus(self, other: "Amount") -> "Amount":
        """Return what is left without the other."""
        return Amount(self.usd - other.usd, self.tokens - other.tokens)


NO_AMOUNT = Amount()


class Limited(NamedTuple):
    """Which of the two a budget limits."""

    usd: bool
    tokens: bool

    def only(self, amount: Amount) -> Amount:
        """Return an amount without what is not limited."""
        return Amount(amount.usd if self.usd else 0.0, amount.tokens if self.tokens else 0)


class RequestBudget(Protocol):
    """Whoever lets requests through, holds their worst case, and is told what they cost."""

    @property
    def is_limited(self) -> bool:
        """Whether there is anything to exceed."""
        ...

    async def hold(self, usd: float, tokens: int) -> None:
        """Set the worst case of one request aside. Raises BudgetReached."""
        ...

    def hold_more(self, usd: float, tokens: int) -> None:
        """Set more aside for a request in flight."""
        ...

    def settle(self, held_usd: float, held_tokens: int, paid_usd: float, paid_tokens: int) -> None:
        """Replace what was set aside by what was paid."""
        ...

    def keep_held(self, held_usd: float, held_tokens: int) -> None:
        """Count what was set aside as unconfirmed: nobody says whether it was billed."""
        ...


class RunBudget:
    """The money and token stop of one recipe, over all its teachers and runs.

    A request is let through only if everything spent so far, everything in flight at its worst case and
    its own worst case fit the budget. What was spent starts with what earlier runs paid; `unconfirmed_usd` is apart: it
    may have been billed without an answer, and counts at its worst all the same.
    """

    def __init__(
        self,
        budget: Budget,
        spent_usd: float = 0.0,
        spent_tokens: int = 0,
        unconfirmed_usd: float = 0.0,
        unconfirmed_tokens: int = 0,
    ) -> None:
        self._budget = budget
        self.spent_usd, self.spent_tokens = spent_usd, spent_tokens
        self.unconfirmed_usd, self.unconfirmed_tokens = unconfirmed_usd, unconfirmed_tokens
        self._held_usd = 0.0
        self._held_tokens = 0
        self._holders = 0
        self._settled = asyncio.Event()

    def hold_more(self, usd: float, tokens: int) -> None:
        """Set more aside for a request in flight, whose endpoint turns out to bill beyond the worst case of others."""
        self._held_usd += usd
        self._held_tokens += tokens

    async def hold(self, usd: float, tokens: int) -> None:
        """Set aside the worst case of one request, waiting for others to settle where that may help.

        Raises BudgetReached when nothing is in flight any more and it still does not fit.
        """
        while not self._fits(usd, tokens):
            if self._holders == 0:
                raise self.reached(Amount(usd, tokens))
            self._settled.clear()
            await self._settled.wait()
        self._held_usd += usd
        self._held_tokens += tokens
        self._holders += 1

    def settle(self, held_usd: float, held_tokens: int, paid_usd: float, paid_tokens: int) -> None:
        """Replace what was set aside by what was paid."""
        self._release(held_usd, held_tokens)
        self.spent_usd += paid_usd
        self.spent_tokens += paid_tokens

    def keep_held(self, held_usd: float, held_tokens: int) -> None:
        """Count what was set aside as unconfirmed: nobody says whether it was billed."""
        self._release(held_usd, held_tokens)
        self.unconfirmed_usd += held_usd
        self.unconfirmed_tokens += held_tokens

    def reached(self, needed: Amount) -> BudgetReached:
        """Return the error of a request that may need so much more than is left."""
        return BudgetReached(
            f"The budget stopped the run: spent {self.spent_usd:.4f} USD and {self.spent_tokens} tokens, "
            f"{self._held_back()}and the next request may cost up to {needed.usd:.4f} USD and {needed.tokens} tokens",
            "everything bought is saved; raise `budget:` in the recipe and run again to go on",
        )

    def left(self) -> Amount:
        """Return what is neither spent, unconfirmed nor held; without a limit it is without an end."""
        usd, tokens = self._budget.usd, self._budget.tokens
        return Amount(
            math.inf if usd is None else usd - self.spent_usd - self.unconfirmed_usd - self._held_usd,
            sys.maxsize if tokens is None else tokens - self.spent_tokens - self.unconfirmed_tokens - self._held_tokens,
        )

    def lease(self, amount: Amount) -> None:
        """Set aside what another process may hold of it; see `BudgetLeases`."""
        self.hold_more(*amount)

    def end_lease(self, leased: Amount, paid: Amount = NO_AMOUNT, unconfirmed: Amount = NO_AMOUNT) -> None:
        """Take back a part of what was leased: what was paid of it or may have been billed, and what was not needed."""
        self._held_usd -= leased.usd
        self._held_tokens -= leased.tokens
        self.spent_usd += paid.usd
        self.spent_tokens += paid.tokens
        self.unconfirmed_usd += unconfirmed.usd
        self.unconfirmed_tokens += unconfirmed.tokens

    def _release(self, held_usd: float, held_tokens: int) -> None:
        self._held_usd -= held_usd
        self._held_tokens -= held_tokens
        self._holders -= 1
        self._settled.set()

    def _held_back(self) -> str:
        if not self.unconfirmed_usd and not self.unconfirmed_tokens:
            return ""
        return (
            f"{self.unconfirmed_usd:.4f} USD and {self.unconfirmed_tokens} tokens more may have been billed without an "
            "answer (`cotfactory settle`), "
        )

    @property
    def is_limited(self) -> bool:
        """Whether there is anything to exceed."""
        return any(self.limits)

    @property
    def limits(self) -> Limited:
        """Which of the two it limits."""
        return Limited(self._budget.usd is not None, self._budget.tokens is not None)

    def _fits(self, usd: float, tokens: int) -> bool:
        budget = self._budget
        spent_usd, spent_tokens = self.spent_usd + self.unconfirmed_usd, self.spent_tokens + self.unconfirmed_tokens
        if budget.usd is not None and spent_usd + self._held_usd + usd > budget.usd + 1e-12:
            return False
        return budget.tokens is None or spent_tokens + self._held_tokens + tokens <= budget.tokens


def cost_usd(price: Price | None, usage: Usage | Spending) -> float | None:
    """Return what a request, or several, cost; None without a price."""
    if price is None:
        return None
    cached = usage.cached_input_tokens or 0 if price.cached_input is not None else 0
    usd = (usage.input_tokens - cached) * price.input + usage.output_tokens * price.output
    return (usd + cached * (price.cached_input or 0.0)) / 1e6


def worst_case(sampling: Sampling, messages: Sequence[Message], overrun: Usage = NO_OVERRUN) -> Usage:
    """Return the most tokens a request can be billed for.

    A tokenizer makes at most one token of a byte, so the prompt's bytes bound its tokens; the answer is
    bounded by its limit (which a recipe with a budget must set; 0 stands for unknown without one).
    `overrun` is what the endpoint is known to bill beyond that (see BillOverrun).
    """
    prompt = sum(_bytes(message.text) + MESSAGE_OVERHEAD_TOKENS for message in messages)
    most = sampling.output_limit
    return Usage(
        input_tokens=prompt + overrun.input_tokens,
        output_tokens=0 if most is None else most + overrun.output_tokens,
    )


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


class BillOverrun:
    """How far an endpoint's bills go beyond the worst case of their requests, learned from what it bills.

    It may add to prompts (a hidden system prompt), or think beyond `max_tokens`, which some take as the limit of the
    answer alone. Nobody can know it before the first bill, so under a budget `first_alone` lets one request go ahead
    of all others.
    """

    def __init__(self, *, budgeted: bool) -> None:
        self.tokens = NO_OVERRUN
        self._is_known = not budgeted
        self._first = asyncio.Lock()

    def first_alone(self) -> AbstractAsyncContextManager[None]:
        """Return a context that holds everybody else back until the first request has been billed."""
        return nullcontext() if self._is_known else self._until_known()

    @asynccontextmanager
    async def _until_known(self) -> AsyncIterator[None]:
        async with self._first:
            if not self._is_known:
                yield
                return
        yield  # those who waited for the first bill go all at once

    def learn(self, bound: Usage, billed: Usage) -> Usage:
        """Note how far a bill exceeded the bound it was held against; return by how much more than was known.

        That is NO_OVERRUN where it did not; else what is in flight was held against a bound too low by as much.
        """
        self._is_known = True
        more_input = max(0, billed.input_tokens - bound.input_tokens)
        more_output = max(0, billed.output_tokens - bound.output_tokens) if bound.output_tokens else 0
        if not more_input and not more_output:
            return NO_OVERRUN
        more = Usage(input_tokens=more_input, output_tokens=more_output)
        self.tokens = added(self.tokens, more)
        return more


def added(usage: Usage, more: Usage) -> Usage:
    """Return `usage` with more tokens in and out."""
    return Usage(
        input_tokens=usage.input_tokens + more.input_tokens, output_tokens=usage.output_tokens + more.output_tokens
    )
