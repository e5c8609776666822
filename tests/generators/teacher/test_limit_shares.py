"""Nodes together never have more of an endpoint's limits than it has, and none waits while another has too much."""

import asyncio
from bisect import bisect_left
from random import Random
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from cotfactory.generators.teacher.limit_shares import LimitShares, fair_shares
from cotfactory.generators.teacher.limiter import Limiter, LimitShare
from cotfactory.schemas.teacher_spec import EndpointLimits

WANTED = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 500), min_size=1)


@given(st.integers(1, 300), WANTED)
def test_shares_add_up_to_all(total: int, wanted: dict[str, int]) -> None:
    shares = fair_shares(total, wanted)
    assert sum(shares.values()) == total
    least = total // (2 * len(wanted))
    assert all(shares[name] >= least for name, number in wanted.items() if number)


@given(st.integers(1, 300), WANTED)
def test_nobody_has_too_little_while_another_has_too_much(total: int, wanted: dict[str, int]) -> None:
    shares = fair_shares(total, wanted)
    equal = total // len(wanted)
    for name, number in wanted.items():
        if shares[name] < min(number, equal):
            raise AssertionError(f"{name} has {shares[name]} of {number}: {shares}")


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 100), st.booleans()), max_size=40),
)
def test_what_is_given_on_was_given_up_before(total: int, turns: list[tuple[str, int, bool]]) -> None:
    """A node keeps to its share when it reports, not when it is told; one may be lost."""
    shares = LimitShares(EndpointLimits(concurrency=total, requests_per_minute=600), list("abc"))
    told = {name: shares.first(name) for name in "abc"}
    keeps = dict(told)
    for name, wanted, is_lost in turns:
        if name not in told:
            continue
        if is_lost and len(told) > 1:
            shares.lost(name)
            del told[name], keeps[name]
            continue
        keeps[name] = told[name]
        shares.reported(name, wanted, min(wanted, keeps[name].concurrency))
        shares._moved_at = 0.0  # as if a second had passed
        if (share := shares.share_of(name)) is not None:
            told[name] = share
        both = [max((told[node], keeps[node]), key=size) for node in told]
        assert sum(share.concurrency for share in both) <= total
        assert sum(share.requests_per_minute or 0 for share in both) <= (600 - 3) * 60 / 61 + 1e-6


def size(share: LimitShare) -> int:
    return share.concurrency


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to whatever is waited for next."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        selector: Any = self._selector  # type: ignore[attr-defined]
        select = selector.select

        def jump(timeout: float | None) -> list[Any]:
            self.now += timeout or 0.0
            return list(select(0))

        selector.select = jump

    def time(self) -> float:
        return self.now


@settings(max_examples=30, deadline=None)
@given(
    st.integers(8, 600),
    st.integers(2, 40),
    st.lists(st.tuples(st.integers(0, 80), st.integers(0, 90)), min_size=2, max_size=4),
    st.integers(0, 2**32),
)
def test_in_any_minute_all_nodes_together_send_no_more_than_the_limit(
    a_minute: int, concurrency: int, work: list[tuple[int, int]], seed: int
) -> None:
    """Each begins with its requests at some second, and shares move to whoever waits."""
    names, chance = [str(number) for number in range(len(work))], Random(seed)
    sent: list[float] = []
    loop = VirtualLoop()

    async def run() -> None:
        shares = LimitShares(EndpointLimits(concurrency=concurrency, requests_per_minute=a_minute), names)
        limiters = {name: Limiter(EndpointLimits(concurrency=1, requests_per_minute=1)) for name in names}

        async def one(name: str) -> None:
            async with limiters[name].slot(0):
                sent.append(loop.now)
                await asyncio.sleep(chance.uniform(0.0, 2.0))

        async def all_of(name: str, requests: int, begins_at: int) -> None:
            await asyncio.sleep(begins_at)
            await asyncio.gather(*(one(name) for _ in range(requests)))

        async def exchange(name: str) -> None:
            limiters[name].take(shares.first(name))
            while True:
                await asyncio.sleep(chance.uniform(0.1, 0.5))
                shares.reported(name, limiters[name].wanted, limiters[name].in_flight)
                if (share := shares.share_of(name)) is not None:
                    await asyncio.sleep(chance.uniform(0.0, 0.2))
                    limiters[name].take(share)

        exchanging = [asyncio.create_task(exchange(name)) for name in names]
        await asyncio.gather(*(all_of(name, *each) for name, each in zip(names, work, strict=True)))
        for task in exchanging:
            task.cancel()

    with patch("time.monotonic", loop.time), asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(run())
    assert len(sent) == sum(requests for requests, _ in work)
    most = max((bisect_left(sent, at + 60.0) - number for number, at in enumerate(sent)), default=0)
    assert most <= a_minute
