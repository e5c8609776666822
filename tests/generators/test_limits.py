"""Nothing exceeds the limits: not the concurrency, not the money, whatever the order of events."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.limits import Limiter, Wallet, cost_usd, worst_case
from schemas.errors import BudgetReached
from schemas.recipe import Budget, Limits, Price, TeacherSpec
from schemas.teaching import Message, Usage


async def _most_at_once(limiter: Limiter, requests: int) -> int:
    now = most = 0

    async def one() -> None:
        nonlocal now, most
        async with limiter.slot(1):
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1

    await asyncio.gather(*(one() for _ in range(requests)))
    return most


def test_concurrency_holds() -> None:
    assert asyncio.run(_most_at_once(Limiter(Limits(concurrency=5)), 50)) == 5


def test_concurrency_backs_off_once_a_burst_and_recovers() -> None:
    async def run() -> tuple[int, int]:
        limiter = Limiter(Limits(concurrency=8))
        for _ in range(8):  # one burst of refusals: everything in flight is told the same
            limiter.pushed_back(None)
        after_burst = await _most_at_once(limiter, 50)
        for _ in range(200):
            limiter.succeeded()
        return after_burst, await _most_at_once(limiter, 50)

    assert asyncio.run(run()) == (4, 8)


def test_a_place_is_free_again_after_an_error() -> None:
    async def run() -> int:
        limiter = Limiter(Limits(concurrency=1))
        for _ in range(3):
            with pytest.raises(ValueError, match="broken"):
                async with limiter.slot(1):
                    raise ValueError("broken")
        return await _most_at_once(limiter, 3)

    assert asyncio.run(run()) == 1


@given(
    st.floats(0.5, 5.0),
    st.lists(st.tuples(st.floats(0.1, 2.0), st.floats(0.0, 1.0)), min_size=1, max_size=30),
    st.floats(0.0, 1.0),
)
def test_the_budget_is_never_exceeded(budget: float, requests: list[tuple[float, float]], earlier: float) -> None:
    """Requests of any worst case and any real price, all at once: spent plus held stays inside the budget."""

    async def run() -> float:
        wallet = Wallet(Budget(usd=budget), spent_usd=earlier)

        async def one(worst: float, share: float) -> None:
            try:
                await wallet.hold(worst, 10)
            except BudgetReached:
                return
            assert wallet.spent_usd <= budget + 1e-9
            await asyncio.sleep(0)
            wallet.settle(worst, 10, worst * share, 5)

        await asyncio.gather(*(one(*request) for request in requests))
        return wallet.spent_usd

    assert asyncio.run(run()) <= max(budget, earlier) + 1e-9


def test_a_request_waits_for_others_to_settle_rather_than_stop_the_run() -> None:
    """Two requests of worst case 0.8 do not fit 1.0 together, but they cost 0.1 each: both are asked."""

    async def run() -> float:
        wallet = Wallet(Budget(usd=1.0))

        async def one() -> None:
            await wallet.hold(0.8, 0)
            await asyncio.sleep(0)
            wallet.settle(0.8, 0, 0.1, 0)

        await asyncio.gather(one(), one())
        return wallet.spent_usd

    assert asyncio.run(run()) == pytest.approx(0.2)


def test_tokens_stop_a_run_too() -> None:
    async def run() -> None:
        wallet = Wallet(Budget(tokens=100), spent_tokens=60)
        await wallet.hold(0.0, 40)
        wallet.settle(0.0, 40, 0.0, 40)
        await wallet.hold(0.0, 1)

    with pytest.raises(BudgetReached, match="100 tokens"):
        asyncio.run(run())


def test_cost_and_worst_case() -> None:
    price = Price(input=1.0, output=2.0)
    assert cost_usd(price, Usage(input_tokens=1_000_000, output_tokens=500_000)) == 2.0
    assert cost_usd(None, Usage(input_tokens=1)) is None
    teacher = TeacherSpec.model_validate({"name": "t", "model": "m", "sampling": {"max_tokens": 50}})
    worst = worst_case(teacher, (Message(role="user", content="é" * 100),))
    assert worst.input_tokens >= 200  # a tokenizer may make one token of each byte
    assert worst.output_tokens == 50
