"""Spending: adding up answers, in any order and grouping, with and without prices."""

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from cotfactory.schemas.candidate import Candidate, RequestStrategy
from cotfactory.schemas.spending import Spending
from cotfactory.schemas.teaching import Usage
from tests.builders import a_candidate

COUNT = st.integers(0, 2**40)
MONEY = st.none() | st.integers(0, 10**6).map(lambda thousandths: thousandths / 1024)  # exact in binary: `+` is too
SPENDING = st.builds(
    Spending,
    calls=COUNT, rollouts=COUNT, failed_calls=COUNT, lost_in_flight=COUNT,
    input_tokens=COUNT, output_tokens=COUNT, cost_usd=MONEY,
)  # fmt: skip


def answer(strategy: RequestStrategy, cost_usd: float | None) -> Candidate:
    """Return an answer of 10 + 3 tokens, 2 of them reasoning."""
    usage = Usage(input_tokens=10, output_tokens=3, reasoning_tokens=2)
    return a_candidate(strategy=strategy, usage=usage, cost_usd=cost_usd)


def test_an_answer_is_a_call_and_its_reasoning_tokens_are_not_counted_twice() -> None:
    assert Spending.of(answer("solve", 0.5)) == Spending(calls=1, input_tokens=10, output_tokens=3, cost_usd=0.5)
    assert Spending.of(answer("rollout", None)) == Spending(calls=1, rollouts=1, input_tokens=10, output_tokens=3)
    assert Spending.of(answer("solve", None)).tokens == 13


def test_what_has_no_price_is_not_free_and_takes_no_price_away() -> None:
    priced, unpriced, free = (Spending.of(answer("solve", cost)) for cost in (0.5, None, 0.0))
    assert (unpriced + unpriced).cost_usd is None
    assert (unpriced + priced).cost_usd == (priced + unpriced).cost_usd == 0.5
    assert (unpriced + free).cost_usd == 0.0  # a price of nothing is a price


@given(SPENDING, SPENDING, SPENDING)
def test_nothing_is_lost_in_a_sum(first: Spending, second: Spending, third: Spending) -> None:
    assert first + Spending() == first
    assert first + second == second + first
    assert (first + second) + third == first + (second + third)
    for field in fields(Spending):  # also of a field that is added later
        if field.name != "cost_usd":
            assert getattr(first + second, field.name) == getattr(first, field.name) + getattr(second, field.name)
