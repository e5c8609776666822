"""Nothing exceeds the limits: not the concurrency, not the money, whatever the order of events."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.teacher.limits import Limiter, PromptOverhead, RunBudget, cost_usd, worst_case
from cotfactory.generators.teacher.rate_headers import Allowance, Allowances
from cotfactory.schemas.errors import BudgetReached
from cotfactory.schemas.recipe import Budget
from cotfactory.schemas.teacher_spec import EndpointLimits, Price
from cotfactory.schemas.teaching import Message, Sampling, Usage


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
    assert asyncio.run(_most_at_once(Limiter(EndpointLimits(concurrency=5)), 50)) == 5


def test_concurrency_backs_off_once_a_burst_and_recovers() -> None:
    async def run() -> tuple[int, int]:
        limiter = Limiter(EndpointLimits(concurrency=8))
        for _ in range(8):  # one burst of refusals: everything in flight is told the same
            limiter.pushed_back(None)
        after_burst = await _most_at_once(limiter, 50)
        for _ in range(200):
            limiter.succeeded()
        return after_burst, await _most_at_once(limiter, 50)

    assert asyncio.run(run()) == (4, 8)


@pytest.mark.parametrize(
    ("refused", "failed", "allowed"),
    [
        (0, 51, 256),  # a fifth of all requests fails: nothing is slowed down
        (20, 31, 256),
        (0, 86, 128),  # more than a third
        (33, 0, 128),  # an endpoint that refuses means it: more than an eighth
    ],
)
def test_what_is_sporadic_slows_nobody_down(refused: int, failed: int, allowed: int) -> None:
    async def run() -> int:
        limiter = Limiter(EndpointLimits(concurrency=256))
        for _ in range(refused):
            limiter.pushed_back(None, refused=True)
        for _ in range(failed):
            limiter.pushed_back(None)
        return await _most_at_once(limiter, 300)

    assert asyncio.run(run()) == allowed


async def _is_sent_within(limiter: Limiter, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds), limiter.slot(10):
            return True
    except TimeoutError:
        return False


@pytest.mark.parametrize(("refusals", "waits"), [(1, False), (3, True)])
def test_refusals_that_are_more_than_sporadic_pause_everybody(refusals: int, waits: bool) -> None:
    async def run() -> bool:
        limiter = Limiter(EndpointLimits(concurrency=8))
        for _ in range(refusals):
            limiter.pushed_back(60.0, refused=True)
        return await _is_sent_within(limiter, 0.2)

    assert asyncio.run(run()) is not waits


@pytest.mark.parametrize(
    ("remaining", "limit", "reset_s", "sent"),
    [
        (5, 60, 60.0, 5),  # five are left; the next one is refilled after about a second
        (0, 60, 60.0, 0),
        (0, None, 60.0, 0),  # nobody knows how fast it comes back: at the reset
        (2, None, 0.0, 9),  # the reset has passed
    ],
)
def test_what_an_endpoint_says_is_left_is_not_exceeded(
    remaining: int, limit: int | None, reset_s: float, sent: int
) -> None:
    async def run() -> int:
        limiter = Limiter(EndpointLimits(concurrency=64))
        async with limiter.slot(10):
            limiter.heed(Allowances(requests=Allowance(remaining, reset_s, limit), tokens=None))
        going = [asyncio.create_task(_is_sent_within(limiter, 0.3)) for _ in range(9)]
        return sum(await asyncio.gather(*going))

    assert asyncio.run(run()) == sent


def test_tokens_that_are_left_are_spent_at_what_requests_usually_take() -> None:
    async def run() -> int:
        limiter = Limiter(EndpointLimits(concurrency=64))
        limiter.succeeded(tokens=1000)
        async with limiter.slot(10):
            limiter.heed(Allowances(requests=None, tokens=Allowance(remaining=3500, reset_s=60.0, limit=None)))
        going = [asyncio.create_task(_is_sent_within(limiter, 0.3)) for _ in range(9)]
        return sum(await asyncio.gather(*going))

    assert asyncio.run(run()) == 3


def test_an_interrupted_wait_gives_its_place_to_the_next() -> None:
    """The place has been handed over, but whoever got it is cancelled before it knows."""

    async def run() -> int:
        limiter = Limiter(EndpointLimits(concurrency=1))
        async with limiter.slot(1):
            waiting = asyncio.create_task(_most_at_once(limiter, 1))
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return await asyncio.wait_for(_most_at_once(limiter, 3), 5)

    assert asyncio.run(run()) == 1


def test_a_place_is_free_again_after_an_error() -> None:
    async def run() -> int:
        limiter = Limiter(EndpointLimits(concurrency=1))
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


def test_tokens_stop_a_run_too() -> None:
    async def run() -> None:
        run_budget = RunBudget(Budget(tokens=100), spent_tokens=60)
        await run_budget.hold(0.0, 40)
        run_budget.settle(0.0, 40, 0.0, 40)
        await run_budget.hold(0.0, 1)

    with pytest.raises(BudgetReached, match="100 tokens"):
        asyncio.run(run())


def test_cost_and_worst_case() -> None:
    price = Price(input=1.0, output=2.0)
    assert cost_usd(price, Usage(input_tokens=1_000_000, output_tokens=500_000)) == 2.0
    assert cost_usd(None, Usage(input_tokens=1)) is None
    worst = worst_case(Sampling(max_tokens=50), (Message(role="user", content="é" * 100),))
    assert worst.input_tokens >= 200  # a tokenizer may make one token of each byte
    assert worst.output_tokens == 50


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


def test_sporadic_failures_of_a_long_run_never_add_up() -> None:
    """A window ends after as many outcomes as may be in flight, and what failed in it is forgotten."""

    async def run() -> int:
        limiter = Limiter(EndpointLimits(concurrency=32))
        for _ in range(20):  # a quarter of each window fails
            for _ in range(8):
                limiter.pushed_back(None)
            for _ in range(24):
                limiter.succeeded()
        return await _most_at_once(limiter, 100)

    assert asyncio.run(run()) == 32


def test_an_outage_after_another_slows_down_again() -> None:
    async def run() -> list[int]:
        limiter, allowed = Limiter(EndpointLimits(concurrency=32)), []
        for _ in range(2):
            for _ in range(32):
                limiter.pushed_back(None)
            allowed.append(await _most_at_once(limiter, 100))
        return allowed

    # The second time windows are of 16 outcomes each, the least there is: two of them, and each is more than sporadic.
    assert asyncio.run(run()) == [16, 4]
