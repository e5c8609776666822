"""No run spends more than its budget, whatever the order of events, and what an endpoint adds is learned."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.teacher.budget import PromptOverhead, RunBudget, cost_usd, worst_case
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

        async def one(worst: float, share: float) -> None:
            try:
                await run_budget.hold(worst, 10)
            except BudgetReached:
                return
            assert run_budget.spent_usd <= budget + 1e-9
            await asyncio.sleep(0)
            run_budget.settle(worst, 10, worst * share, 5)

        await asyncio.gather(*(one(*request) for request in requests))
        return run_budget.spent_usd

    assert asyncio.run(run()) <= max(budget, earlier) + 1e-9


def test_a_request_waits_for_others_to_settle_rather_than_stop_the_run() -> None:
    """Two requests of worst case 0.8 do not fit 1.0 together, but they cost 0.1 each: both are asked."""

    async def run() -> float:
        run_budget = RunBudget(Budget(usd=1.0))

        async def one() -> None:
            await run_budget.hold(0.8, 0)
            await asyncio.sleep(0)
            run_budget.settle(0.8, 0, 0.1, 0)

        await asyncio.gather(one(), one())
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

        async def one(worst: int, share: float) -> None:
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

        await asyncio.gather(*(one(*request) for request in requests))

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
    plain, longer = worst_case(sampling, message), worst_case(sampling, message, 300)
    assert (longer.input_tokens - plain.input_tokens, longer.output_tokens) == (300, 50)
    assert worst_case(Sampling(max_tokens=None), message).output_tokens == 0  # unknown, as without a budget


def test_those_who_waited_for_the_first_bill_go_all_at_once() -> None:
    """They queued up before anything was known: one after the other they would take as long as if alone."""

    async def run() -> tuple[int, int]:
        overhead = PromptOverhead(budgeted=True)
        inside, most = 0, [0, 0]
        everybody = asyncio.Event()

        async def ask(number: int) -> None:
            nonlocal inside
            async with overhead.first_alone():
                inside += 1
                most[number > 0] = max(most[number > 0], inside)
                if number == 0:
                    await asyncio.sleep(0)
                    overhead.learn(Usage(), Usage())
                elif inside == 5:
                    everybody.set()
                else:
                    await asyncio.wait_for(everybody.wait(), 10)
                inside -= 1

        await asyncio.gather(*(ask(number) for number in range(6)))
        return most[0], most[1]

    assert asyncio.run(run()) == (1, 5)


async def _entered(overhead: PromptOverhead, requests: int) -> tuple[int, int]:
    """Return how many requests go out before the first bill, and how many in all."""
    inside = 0
    billed = asyncio.Event()

    async def request() -> None:
        nonlocal inside
        async with overhead.first_alone():
            inside += 1
            await billed.wait()
            overhead.learn(Usage(input_tokens=10), Usage(input_tokens=25))

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
    assert asyncio.run(_entered(PromptOverhead(budgeted=budgeted), 5)) == (before, 5)


def test_what_an_endpoint_adds_to_prompts_is_learned_and_never_unlearned() -> None:
    overhead = PromptOverhead(budgeted=True)
    overhead.learn(Usage(input_tokens=100), Usage(input_tokens=130))
    assert overhead.tokens == 30
    overhead.learn(Usage(input_tokens=130), Usage(input_tokens=60))  # a bill below its bound teaches nothing
    assert overhead.tokens == 30
    overhead.learn(Usage(input_tokens=130), Usage(input_tokens=135))
    assert overhead.tokens == 35


@pytest.mark.parametrize(
    ("budget", "limited"),
    [(Budget(), False), (Budget(usd=1.0), True), (Budget(tokens=5), True), (Budget(usd=1.0, tokens=5), True)],
)
def test_a_budget_in_dollars_or_in_tokens_limits(budget: Budget, limited: bool) -> None:
    assert RunBudget(budget).is_limited is limited
