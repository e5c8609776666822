"""No run spends more than its budget, whatever the order of events, and what an endpoint adds is learned."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.teacher.budget import BillOverrun, RunBudget, cost_usd, worst_case
from cotfactory.schemas.errors import BudgetReached
from cotfactory.schemas.recipe import Budget
from cotfactory.schemas.teacher_spec import Price
from cotfactory.schemas.teaching import Message, Sampling, Usage


@given(
    st.floats(0.5, 5.0),
    st.lists(st.tuples(st.floats(0.1, 2.0), st.floats(0.0, 1.0)), min_size=1, max_size=30),
    st.floats(0.0, 1.0),
)
def test_the_budget_is_never_exceeded(budget: float, requests: list[tuple[float, float]], earlier: float) -> None:
    """Requests of any worst case and any real price, all at once: spent plus held stays inside the budget."""

    async def run() -> float:
        run_budget = RunBudget(Budget(usd=budget), spent_usd=earlier)

        async def pay(worst: float, share: float) -> None:
            try:
                await run_budget.hold(worst, 10)
            except BudgetReached:
                return
            assert run_budget.spent_usd <= budget + 1e-9
            await asyncio.sleep(0)
            run_budget.settle(worst, 10, worst * share, 5)

        await asyncio.gather(*(pay(*request) for request in requests))
        return run_budget.spent_usd

    assert asyncio.run(run()) <= max(budget, earlier) + 1e-9


def test_a_request_waits_for_others_to_settle_rather_than_stop_the_run() -> None:
    """Two requests of worst case 0.8 do not fit 1.0 together, but they cost 0.1 each: both are asked."""

    async def run() -> float:
        run_budget = RunBudget(Budget(usd=1.0))

        async def pay() -> None:
            await run_budget.hold(0.8, 0)
            await asyncio.sleep(0)
            run_budget.settle(0.8, 0, 0.1, 0)

        await asyncio.gather(pay(), pay())
        return run_budget.spent_usd

    assert asyncio.run(run()) == pytest.approx(0.2)


def test_what_fits_to_the_last_cent_is_asked() -> None:
    """0.1 + 0.1 + 0.1 is a little more than 0.3 in binary fractions."""

    async def run() -> None:
        run_budget = RunBudget(Budget(usd=0.3))
        for _ in range(3):
            await run_budget.hold(0.1, 0)
        for _ in range(3):
            run_budget.settle(0.1, 0, 0.1, 0)
        await run_budget.hold(0.0001, 0)

    with pytest.raises(BudgetReached, match=r"up to 0\.0001 USD"):
        asyncio.run(run())


def test_tokens_stop_a_run_too() -> None:
    async def run() -> None:
        run_budget = RunBudget(Budget(tokens=100), spent_tokens=60)
        await run_budget.hold(0.0, 40)
        run_budget.settle(0.0, 40, 0.0, 40)
        await run_budget.hold(0.0, 1)

    with pytest.raises(BudgetReached, match="100 tokens"):
        asyncio.run(run())


@given(st.lists(st.tuples(st.integers(1, 60), st.floats(0.0, 1.0)), min_size=1, max_size=20), st.integers(0, 90))
def test_the_tokens_in_flight_and_those_spent_never_exceed_the_budget(
    requests: list[tuple[int, float]], earlier: int
) -> None:
    async def run() -> None:
        run_budget = RunBudget(Budget(tokens=100), spent_tokens=earlier)
        held = 0

        async def pay(worst: int, share: float) -> None:
            nonlocal held
            try:
                await run_budget.hold(0.0, worst)
            except BudgetReached:
                return
            held += worst
            assert run_budget.spent_tokens + held <= 100
            await asyncio.sleep(0)
            held -= worst
            run_budget.settle(0.0, worst, 0.0, int(worst * share))

        await asyncio.gather(*(pay(*request) for request in requests))

    asyncio.run(run())


def test_cost_and_worst_case() -> None:
    price = Price(input=1.0, output=2.0)
    assert cost_usd(price, Usage(input_tokens=1_000_000, output_tokens=500_000)) == 2.0
    assert cost_usd(None, Usage(input_tokens=1)) is None
    worst = worst_case(Sampling(max_tokens=50), (Message(role="user", content="é" * 100),))
    assert worst.input_tokens >= 200  # a tokenizer may make one token of each byte
    assert worst.output_tokens == 50


def test_what_an_endpoint_adds_is_part_of_the_worst_case() -> None:
    message, sampling = (Message(role="user", content="x"),), Sampling(max_tokens=50)
    plain, longer = (
        worst_case(sampling, message),
        worst_case(sampling, message, Usage(input_tokens=300, output_tokens=200)),
    )
    assert (longer.input_tokens - plain.input_tokens, longer.output_tokens) == (300, 250)
    assert worst_case(Sampling(max_tokens=None), message).output_tokens == 0  # unknown, as without a budget


def test_those_who_waited_for_the_first_bill_go_all_at_once() -> None:
    """They queued up before anything was known: one after the other they would take as long as if alone."""

    async def run() -> tuple[int, int]:
        overrun = BillOverrun(budgeted=True)
        inside, most = 0, [0, 0]
        everybody = asyncio.Event()

        async def ask(number: int) -> None:
            nonlocal inside
            async with overrun.first_alone():
                inside += 1
                most[number > 0] = max(most[number > 0], inside)
                if number == 0:
                    await asyncio.sleep(0)
                    overrun.learn(Usage(), Usage())
                elif inside == 5:
                    everybody.set()
                else:
                    await asyncio.wait_for(everybody.wait(), 10)
                inside -= 1

        await asyncio.gather(*(ask(number) for number in range(6)))
        return most[0], most[1]

    assert asyncio.run(run()) == (1, 5)


async def _entered(overrun: BillOverrun, requests: int) -> tuple[int, int]:
    """Return how many requests go out before the first bill, and how many in all."""
    inside = 0
    billed = asyncio.Event()

    async def request() -> None:
        nonlocal inside
        async with overrun.first_alone():
            inside += 1
            await billed.wait()
            overrun.learn(Usage(input_tokens=10), Usage(input_tokens=25))

    going = [asyncio.create_task(request()) for _ in range(requests)]
    for _ in range(50):
        await asyncio.sleep(0)
    before = inside
    billed.set()
    await asyncio.gather(*going)
    return before, inside


@pytest.mark.parametrize(("budgeted", "before"), [(True, 1), (False, 5)])
def test_under_a_budget_everybody_waits_for_the_first_bill(budgeted: bool, before: int) -> None:
    """Nobody knows what an endpoint adds to a prompt: five at once could overspend five times."""
    assert asyncio.run(_entered(BillOverrun(budgeted=budgeted), 5)) == (before, 5)


def test_what_an_endpoint_bills_beyond_the_bound_is_learned_and_never_unlearned() -> None:
    overrun = BillOverrun(budgeted=True)

    def learned(bound: tuple[int, int], billed: tuple[int, int]) -> tuple[int, int]:
        more = overrun.learn(_tokens(bound), _tokens(billed))
        return more.input_tokens, more.output_tokens

    assert learned((100, 50), (130, 50)) == (30, 0)  # a hidden system prompt
    assert learned((130, 50), (60, 90)) == (0, 40)  # thinks beyond its limit
    assert learned((130, 90), (60, 10)) == (0, 0)  # a bill below its bound teaches nothing
    assert learned((130, 90), (135, 95)) == (5, 5)
    assert overrun.tokens == _tokens((35, 45))
    assert learned((130, 0), (130, 95)) == (0, 0)  # there was no limit


def _tokens(tokens: tuple[int, int]) -> Usage:
    return Usage(input_tokens=tokens[0], output_tokens=tokens[1])


def test_more_is_held_for_what_is_in_flight() -> None:
    """Two requests are held at 0.2 of 1.0 USD when the first bill says 0.5 each: no third one fits, one of 0.1 does."""

    async def run() -> None:
        run_budget = RunBudget(Budget(usd=1.0))
        await run_budget.hold(0.2, 0)
        await run_budget.hold(0.2, 0)
        run_budget.settle(0.2, 0, 0.4, 0)
        run_budget.hold_more(0.3, 0)
        waiting = asyncio.create_task(run_budget.hold(0.3, 0))
        await asyncio.sleep(0)
        assert not waiting.done()
        await run_budget.hold(0.1, 0)
        waiting.cancel()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("cached_price", "cached", "usd"),
    [(0.25, 900_000, 0.325), (0.25, None, 1.0), (None, 900_000, 1.0), (0.0, 1_000_000, 0.0)],
)
def test_cached_prompt_tokens_have_a_price_of_their_own(cached_price: float, cached: int, usd: float) -> None:
    price = Price(input=1.0, output=2.0, cached_input=cached_price)
    assert cost_usd(price, Usage(input_tokens=1_000_000, cached_input_tokens=cached)) == pytest.approx(usd)


@pytest.mark.parametrize(
    ("budget", "limited"),
    [(Budget(), False), (Budget(usd=1.0), True), (Budget(tokens=5), True), (Budget(usd=1.0, tokens=5), True)],
)
def test_a_budget_in_dollars_or_in_tokens_limits(budget: Budget, limited: bool) -> None:
    assert RunBudget(budget).is_limited is limited
