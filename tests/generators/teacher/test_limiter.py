"""An endpoint is sent no more than it bears: concurrency, rates, and what it says is left."""

import asyncio
from dataclasses import dataclass

import pytest

from cotfactory.generators.teacher.limiter import Limiter
from cotfactory.generators.teacher.rate_headers import Allowance, Allowances
from cotfactory.schemas.teacher_spec import EndpointLimits


async def _most_at_once(limiter: Limiter, requests: int) -> int:
    now = most = 0

    async def hold_slot() -> None:
        nonlocal now, most
        async with limiter.slot(1):
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1

    await asyncio.gather(*(hold_slot() for _ in range(requests)))
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
            limiter.pushed_back(0.0, refused=True)
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


@pytest.mark.parametrize(("successes", "allowed"), [(10, 8), (11, 16)])
def test_a_window_is_of_as_many_outcomes_as_may_be_in_flight(successes: int, allowed: int) -> None:
    """Five failures of sixteen are sporadic and six are not: the sixth is the last of this window or the next one's."""

    async def run() -> int:
        limiter = Limiter(EndpointLimits(concurrency=16))
        for _ in range(5):
            limiter.pushed_back(None)
        for _ in range(successes):
            limiter.succeeded()
        limiter.pushed_back(None)
        return await _most_at_once(limiter, 50)

    assert asyncio.run(run()) == allowed


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


def test_concurrency_grows_back_by_one_per_round_of_successes() -> None:
    async def run() -> list[int]:
        limiter = Limiter(EndpointLimits(concurrency=8))
        for _ in range(8):
            limiter.pushed_back(None)
        allowed = []
        for _ in range(3):
            assert limiter.is_backing_off
            allowed.append(await _most_at_once(limiter, 20))
            for _ in range(allowed[-1] + 1):
                limiter.succeeded()
        return allowed

    assert asyncio.run(run()) == [4, 5, 6]
    assert not Limiter(EndpointLimits(concurrency=8)).is_backing_off


@dataclass
class MadeClock:
    """A clock that only sleeping moves, so that hours of limits are tested to the second, at once."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += max(0.0, seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MadeClock:
    clock = MadeClock()
    monkeypatch.setattr("cotfactory.generators.teacher.limiter.time", clock)
    monkeypatch.setattr("cotfactory.generators.teacher.learned_pace.time", clock)
    monkeypatch.setattr(asyncio, "sleep", clock.sleep)
    return clock


async def _sent_at(limiter: Limiter, clock: MadeClock, requests: int, tokens: int = 10) -> list[float]:
    """Return after how many seconds each of some requests goes out, one after the other."""
    started, sent = clock.now, []
    for _ in range(requests):
        async with limiter.slot(tokens):
            sent.append(clock.now - started)
    return sent


@pytest.mark.parametrize(
    ("limits", "idle_s", "sent"),
    [
        ({}, 0.0, [0, 0, 0, 0]),
        ({"requests_per_minute": 60}, 0.0, [0, 1, 2, 3]),
        ({"requests_per_minute": 120}, 0.0, [0, 0, 0.5, 1]),  # one second's worth at once
        ({"requests_per_minute": 120}, 3600.0, [0, 0, 0.5, 1]),  # an idle hour is not saved up
        ({"requests_per_minute": 30}, 0.0, [1, 3, 5, 7]),  # half a request a second
        ({"tokens_per_minute": 600}, 0.0, [0, 1, 2, 3]),  # ten tokens each
        ({"tokens_per_minute": 150}, 0.0, [3, 7, 11, 15]),  # more than a second's worth is paid back by waiting
        ({"requests_per_minute": 60, "tokens_per_minute": 300}, 0.0, [1, 3, 5, 7]),  # the tighter of two
    ],
)
def test_rates_per_minute(limits: dict[str, int], idle_s: float, sent: list[float], clock: MadeClock) -> None:
    limiter = Limiter(EndpointLimits(concurrency=8, **limits))
    clock.now += idle_s
    assert asyncio.run(_sent_at(limiter, clock, 4)) == pytest.approx(sent)


@pytest.mark.parametrize(
    ("left", "waited_s", "sent"),
    [
        (Allowance(2, 58.0, 60), 0.0, [0, 0, 1, 2]),  # then at the pace of the refill
        (Allowance(0, 60.0, 60), 2.5, [0, 0, 0.5, 1.5]),  # what was refilled meanwhile is there
        (Allowance(2, 58.0, None), 0.0, [0, 0, 58, 58]),  # nobody knows the pace: at the reset, then freely
        (Allowance(0, 60.0, None), 20.0, [40, 40, 40, 40]),  # and until then nothing comes back
        (Allowance(0, 60.0, None), 60.0, [0, 0, 0, 0]),  # the reset has passed
        (Allowance(0, 1.0, 2), 0.0, [0.5, 1, 1, 1]),  # never later than the reset
        (Allowance(60, 60.0, 60), 0.0, [0, 0, 0, 0]),
    ],
)
def test_an_endpoint_that_says_what_is_left(
    left: Allowance, waited_s: float, sent: list[float], clock: MadeClock
) -> None:
    async def run() -> list[float]:
        limiter = Limiter(EndpointLimits(concurrency=8))
        async with limiter.slot(10):
            limiter.heed(Allowances(requests=left, tokens=None))
        clock.now += waited_s
        return await _sent_at(limiter, clock, 4)

    assert asyncio.run(run()) == pytest.approx(sent)


def test_what_else_is_in_flight_is_taken_off_what_is_left(clock: MadeClock) -> None:
    """The endpoint had not counted it yet when it wrote its reply."""

    async def run() -> tuple[list[float], list[float]]:
        limiter, other = Limiter(EndpointLimits(concurrency=8)), Limiter(EndpointLimits(concurrency=8))
        async with limiter.slot(1), limiter.slot(1), limiter.slot(1):
            limiter.heed(Allowances(requests=Allowance(4, 30.0, None), tokens=None))
        other.succeeded(tokens=100)
        async with other.slot(1), other.slot(1), other.slot(1):
            other.heed(Allowances(requests=None, tokens=Allowance(400, 30.0, None)))
        return await _sent_at(limiter, clock, 3), await _sent_at(other, clock, 1)

    requests, tokens = asyncio.run(run())
    assert requests == [0, 0, 30]  # two of four
    assert tokens == [0]


@pytest.mark.parametrize(
    ("billed", "left", "sent"),
    [
        ((1000,), 2000, [0, 0, 60]),
        ((1000, 2000), 2100, [0, 0, 60]),  # 1050: a twentieth of the way from 1000 to 2000
        ((1000, 2000), 2099, [0, 60, 60]),
        ((1000, 0), 1900, [0, 0, 60]),  # 950
        ((), 0, [0, 0, 0]),  # nobody knows yet what a request takes
    ],
)
def test_what_a_request_usually_takes_is_a_slow_mean_of_the_bills(
    billed: tuple[int, ...], left: int, sent: list[float], clock: MadeClock
) -> None:
    async def run() -> list[float]:
        limiter = Limiter(EndpointLimits(concurrency=8))
        for tokens in billed:
            limiter.succeeded(tokens)
        async with limiter.slot(1):
            limiter.heed(Allowances(requests=None, tokens=Allowance(left, 60.0, None)))
        return await _sent_at(limiter, clock, 3)

    assert asyncio.run(run()) == pytest.approx(sent)


@pytest.mark.parametrize(
    ("asked_s", "pause_s"),
    [
        ((60.0,), 0.0),  # sporadic
        ((5.0, 60.0, 10.0), 60.0),  # the longest that any of them asked for
        ((5.0, 6.0, 7.0, 90.0), 90.0),  # one more of the same burst
        ((5.0, 6.0, 90.0, 7.0), 90.0),
        ((0.0, 0.0, 0.0), 0.0),
    ],
)
def test_a_pause_is_as_long_as_was_asked_for(
    asked_s: tuple[float | None, ...], pause_s: float, clock: MadeClock
) -> None:
    limiter = Limiter(EndpointLimits(concurrency=8))
    for seconds in asked_s:
        limiter.pushed_back(seconds, refused=True)
    assert asyncio.run(_sent_at(limiter, clock, 2)) == [pause_s, pause_s]


class MinuteLimit:
    """An endpoint that answers so many requests within any minute and refuses all others, without saying more."""

    def __init__(self, most: int, clock: MadeClock) -> None:
        self._most, self._clock = most, clock
        self._answered: list[float] = []
        self.refusals = 0

    def answers(self) -> bool:
        recent = [at for at in self._answered if at > self._clock.now - 60]
        if len(recent) < self._most:
            self._answered.append(self._clock.now)
            return True
        self.refusals += 1
        return False


async def _all_answered(limiter: Limiter, endpoint: MinuteLimit, requests: int) -> None:
    while requests:
        async with limiter.slot(10):
            if endpoint.answers():
                limiter.succeeded()
                requests -= 1
            else:
                limiter.pushed_back(None, refused=True)


def test_the_pace_of_a_silent_limit_is_learned(clock: MadeClock) -> None:
    """Ten a minute: 24 answers take a little more than two minutes, and few refusals."""
    limiter, endpoint = Limiter(EndpointLimits(concurrency=8)), MinuteLimit(10, clock)
    started = clock.now
    asyncio.run(_all_answered(limiter, endpoint, 24))
    assert 120 <= clock.now - started <= 150
    assert endpoint.refusals <= 30


def test_a_pace_is_forgotten_when_the_endpoint_bears_more(clock: MadeClock) -> None:
    limiter, endpoint = Limiter(EndpointLimits(concurrency=8)), MinuteLimit(10, clock)
    asyncio.run(_all_answered(limiter, endpoint, 12))
    endpoint._most = 10_000
    asyncio.run(_all_answered(limiter, endpoint, 20))
    assert not limiter.is_paced


def test_long_waits_are_told_once_and_too_long_ones_end(clock: MadeClock) -> None:
    told: list[str] = []
    limiter = Limiter(EndpointLimits(concurrency=8), told.append)
    assert limiter.waits(0.5, "too many")  # nobody needs to hear of half a second
    assert not told
    assert limiter.waits(37.4, "too many")
    assert limiter.waits(37.4, "too many")
    assert told == ["waiting 37 s: too many"]
    assert not limiter.waits(86_400.0, "a day")


@pytest.mark.parametrize(
    ("has_answered", "asked_s", "waited_s", "goes_on"),
    [
        (False, 0.0, 150.0, True),
        (False, 0.0, 151.0, False),  # never a single answer
        (True, 0.0, 151.0, True),
        (True, 0.0, 901.0, False),
        (False, 600.0, 1300.0, True),  # it may ask for long, and once more
        (False, 600.0, 1400.0, False),
    ],
)
def test_patience(clock: MadeClock, has_answered: bool, asked_s: float, waited_s: float, goes_on: bool) -> None:
    limiter = Limiter(EndpointLimits(concurrency=8))
    if has_answered:
        limiter.succeeded()
    assert limiter.waits(asked_s, "too many")
    clock.now += waited_s
    assert limiter.waits(asked_s, "too many") is goes_on
    limiter.succeeded()
    assert limiter.waits(asked_s, "too many")  # an answer is an answer


@pytest.mark.parametrize("asked_s", [86_400.0, None])
def test_nobody_waits_for_an_endpoint_that_is_given_up(clock: MadeClock, asked_s: float | None) -> None:
    """Who waited for a day's limit, or for a turn every 30 s, learns at once that the teacher is stopped."""

    async def run() -> list[float]:
        limiter = Limiter(EndpointLimits(concurrency=8))
        for _ in range(4):
            limiter.pushed_back(asked_s, refused=True)
        limiter.waits(0.0, "too many")
        clock.now += 1_000_000
        if asked_s is not None:
            limiter.pushed_back(asked_s, refused=True)
        assert not limiter.waits(asked_s or 0.0, "too many")
        return await _sent_at(limiter, clock, 3)

    assert asyncio.run(run()) == [0, 0, 0]
