"""Spending: what some requests bought - calls, tokens, money; Books: what was spent of a budget in all."""

from dataclasses import dataclass
from typing import Self

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.record import Record


@dataclass(frozen=True, slots=True)
class Spending:
    """What was bought, or may yet be; two of them are added with `+`. `calls` are answers, `rollouts` among them; the
    two kinds without an answer are apart: `failed_calls`, and `lost_in_flight` of a run that was killed.

    `cost_usd` is None while none of it has a price: a recipe may name prices for some teachers only, and what has none
    is not free. `unconfirmed_usd` stands apart: the most that sendings may have been billed whose answers never came.
    """

    calls: int = 0
    rollouts: int = 0
    failed_calls: int = 0
    lost_in_flight: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cost_usd: float | None = None
    unconfirmed_usd: float = 0.0

    @classmethod
    def of(cls, candidate: Candidate) -> Self:
        """Return what one answer took."""
        return cls(
            calls=1,
            rollouts=int(candidate.strategy == "rollout"),
            input_tokens=candidate.usage.input_tokens,
            output_tokens=candidate.usage.output_tokens,
            cached_input_tokens=candidate.usage.cached_input_tokens or 0,
            cost_usd=candidate.cost_usd,
        )

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Self) -> Self:
        """Return both together; a price that is not known leaves the other as it is."""
        costs = [cost for cost in (self.cost_usd, other.cost_usd) if cost is not None]
        return type(self)(
            calls=self.calls + other.calls,
            rollouts=self.rollouts + other.rollouts,
            failed_calls=self.failed_calls + other.failed_calls,
            lost_in_flight=self.lost_in_flight + other.lost_in_flight,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_input_tokens=self.cached_input_tokens + other.cached_input_tokens,
            cost_usd=sum(costs) if costs else None,
            unconfirmed_usd=self.unconfirmed_usd + other.unconfirmed_usd,
        )


NOTHING_SPENT = Spending()


class Books(Record):
    """What was spent of a budget, over all runs of all recipes that share it.

    `budget` is its id, `budget_usd` its size. `spent_usd` is what answers cost and settlements added. `unconfirmed_usd`
    is the most that was billed for sendings without an answer (time-outs, gateways that gave up, killed runs), and for
    what batches have under way.
    """

    budget: str
    budget_usd: float | None = None
    spent_usd: float
    spent_tokens: int
    unconfirmed_usd: float
    unconfirmed_tokens: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever spent of it."""
        return not (self.spent_tokens or self.unconfirmed_tokens)

    def text(self) -> str:
        """Return one line for people."""
        of = "" if self.budget_usd is None else f" of ${self.budget_usd:.2f}"
        held = f"; ${self.unconfirmed_usd:.4f} more at worst, unconfirmed (`cotfactory settle`)"
        return f"budget {self.budget}: ${self.spent_usd:.4f}{of} spent" + (held if self.unconfirmed_usd else "")
