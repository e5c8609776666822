"""Spending: what some requests bought - calls, tokens, money; two of them are added with `+`."""

from dataclasses import dataclass
from typing import Self

from cotfactory.schemas.candidate import Candidate


@dataclass(frozen=True, slots=True)
class Spending:
    """What was bought, or may yet be. `calls` are answers, the `rollouts` among them; the two kinds without an answer
    are apart: `failed_calls`, and `lost_in_flight` of a run that was killed.

    `cost_usd` is None while none of it has a price: a recipe may name prices for some teachers only, and what has none
    is not free.
    """

    calls: int = 0
    rollouts: int = 0
    failed_calls: int = 0
    lost_in_flight: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cost_usd: float | None = None

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
        )


NOTHING_SPENT = Spending()
