"""Limiter: concurrency that backs off and recovers, requests and tokens per minute, what an endpoint says is left."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cotfactory.generators.teacher.learned_pace import LOOK_EVERY_S, LearnedPace
from cotfactory.generators.teacher.rate_headers import Allowance, Allowances
from cotfactory.schemas.teacher_spec import EndpointLimits

SMALLEST_WINDOW = 16
SPORADIC_REFUSALS, SPORADIC_FAILURES = 1 / 8, 1 / 3
"""Shares of a round. Refusals are the endpoint's own word for too much, so that fewer of them mean it."""
USUAL_SHARE = 0.05
ROUNDING = 1e-9
LONGEST_WAIT_S = 3600.0
"""Who asks for a longer wait than this is not waited for: a limit of a day is not one that a run sits out."""
FIRST_PATIENCE_S, PATIENCE_S = 150.0, 900.0
"""How long an endpoint may do nothing but ask to wait: two minutes and a half when it has never answered (a limit of
requests a minute would be over twice), a quarter of an hour after an answer."""
TOLD_WAIT_S, TELL_EVERY_S = 10.0, 60.0


@dataclass(frozen=True)
class LimitShare:
    """What one of several processes may send of an endpoint's limits; `part` is its part of all, 0 to 1."""

    concurrency: int
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    part: float = 1.0


class Limiter:
    """How many requests one endpoint is sent at a time and per minute; shared by all its shards.

    Concurrency starts at the recipe's and grows back to it by one per round of successes. It is halved when more than
    sporadic refusals (429) or failures come back within a round, a round being as many outcomes as requests may be in
    flight. Sporadic ones say nothing about everybody else's requests: only their own are asked again later. So do
    refusals with a `Retry-After`: once they are more than sporadic, nobody sends before it has passed.

    An endpoint that refuses and does not say for how long is asked at the pace that it is seen to bear
    (`learned_pace.py`). `tell` hears of long waits.

    Of 256 in flight 33 are refused: 128 go on after the pause, whatever the rest of the burst says. Every fifth request
    of 256 fails for 500s, resets and time-outs: nothing is slowed down.
    """

    def __init__(self, limits: EndpointLimits, tell: Callable[[str], None] = lambda _: None) -> None:
        self._concurrency, self._tell = limits.concurrency, tell
        self._pace = LearnedPace(limits.concurrency)
        self._has_answered = False
        self._silent_since: float | None = None
        self._longest_asked_s = self._told_until = 0.0
        self._allowed = float(limits.concurrency)
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._paused_until = 0.0
        self._window = _OutcomeWindow(limits.concurrency)
        self._requests = _Bucket(limits.requests_per_minute)
        self._tokens = _Bucket(limits.tokens_per_minute)
        self._their_requests, self._their_tokens = _Left(), _Left()
        self._usual_tokens = 0.0
        self._part = 1.0

    def slot(self, tokens: int) -> "_Slot":
        """Return a context that waits until one request of about `tokens` tokens may be sent, and holds its place."""
        return _Slot(self, tokens)

    async def enter(self, tokens: int) -> None:
        """Wait for a place in flight and until the limits have room; `leave` gives the place back."""
        if self._waiting or self._in_flight >= int(self._allowed):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self.leave()
                raise
        else:
            self._in_flight += 1
        try:
            await self._requests.take(1)
            await self._tokens.take(tokens)
            await self._their_requests.take(1)
            await self._their_tokens.take(self._usual_tokens)
            await self._pace.turn()
            while (wait_s := self._paused_until - time.monotonic()) > 0:
                await asyncio.sleep(min(wait_s, LOOK_EVERY_S))  # it may be given up meanwhile
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Give a place in flight back."""
        self._in_flight -= 1
        self._wake()

    @property
    def in_flight(self) -> int:
        """How many requests have a place in flight."""
        return self._in_flight

    @property
    def is_backing_off(self) -> bool:
        """Whether the endpoint is in trouble: it is sent less than the recipe allows."""
        return self._allowed < self._concurrency

    def succeeded(self, tokens: int = 0) -> None:
        """Note a success and the tokens it was billed: concurrency grows back towards the recipe's."""
        self._usual_tokens += (tokens - self._usual_tokens) * (USUAL_SHARE if self._usual_tokens else 1.0)
        self._window.outcomes += 1
        self._pace.answered()
        self._has_answered, self._silent_since, self._longest_asked_s = True, None, 0.0
        if self.is_backing_off:
            self._allowed = min(float(self._concurrency), self._allowed + 1 / self._allowed)
        if self._window.is_over:
            self._window = _OutcomeWindow(int(self._allowed))
        self._wake()

    def pushed_back(self, retry_after_s: float | None, *, refused: bool = False) -> None:
        """Note that the endpoint failed or `refused` (429), and how long it asked to wait."""
        until = time.monotonic() + (retry_after_s or 0.0)
        now = self._window
        now.outcomes += 1
        now.refused += refused
        now.failed += not refused
        now.asked_until = max(now.asked_until, until)
        if refused and retry_after_s is None and (self._pace.per_minute is not None or now.is_more_than_sporadic):
            self._pace.refused(self._in_flight)
        if now.has_halved:
            self._paused_until = max(self._paused_until, until)
        elif now.is_more_than_sporadic:
            self._paused_until = max(self._paused_until, now.asked_until)
            self._allowed = max(1.0, self._allowed / 2)
            now.has_halved = True  # one burst counts once
        if now.is_over:
            self._window = _OutcomeWindow(int(self._allowed))

    @property
    def is_paced(self) -> bool:
        """Whether requests go out one after the other, at a pace that was learned."""
        return self._pace.per_minute is not None

    def waits(self, wait_s: float, why: str) -> bool:
        """Note that the endpoint only asks to wait; return whether it is waited for any longer. Long waits are told."""
        now = time.monotonic()
        self._silent_since = now if self._silent_since is None else self._silent_since
        self._longest_asked_s = max(self._longest_asked_s, wait_s)
        patience_s = (PATIENCE_S if self._has_answered else FIRST_PATIENCE_S) + 2 * self._longest_asked_s
        if wait_s > LONGEST_WAIT_S or now - self._silent_since > patience_s:
            self._paused_until = 0.0  # whoever waits for a turn is told that there is none
            self._pace.forget()
            return False
        if now >= self._told_until and (wait_s >= TOLD_WAIT_S or self.is_paced):
            self._told_until = now + max(wait_s, TELL_EVERY_S)
            pace = f"about {self._pace.per_minute:.3g} requests a minute go out" if self.is_paced else ""
            self._tell(f"{f'waiting {wait_s:.0f} s' if wait_s >= TOLD_WAIT_S else pace}: {why}")
        return True

    def heed(self, said: Allowances) -> None:
        """Note what the endpoint says is left of its own limits; what else is in flight it may not have counted yet."""
        others = self._in_flight - 1
        if said.requests is not None:
            self._their_requests.heed(said.requests.part(self._part), others)
        if said.tokens is not None:
            self._their_tokens.heed(said.tokens.part(self._part), others * self._usual_tokens)

    def take(self, share: LimitShare) -> None:
        """Keep to a share of the endpoint's limits from now on; other processes have the others."""
        is_backing_off = self.is_backing_off
        self._concurrency, self._part = share.concurrency, share.part
        self._allowed = float(min(self._allowed, share.concurrency) if is_backing_off else share.concurrency)
        self._requests.per_minute(share.requests_per_minute)
        self._tokens.per_minute(share.tokens_per_minute)
        self._wake()

    @property
    def wanted(self) -> int:
        """How many requests are in flight, or wait for a place."""
        return self._in_flight + len(self._waiting)

    @property
    def paused_s(self) -> float:
        """For how many seconds nobody sends, because the endpoint asked to wait."""
        return max(0.0, self._paused_until - time.monotonic())

    def pause(self, wait_s: float) -> None:
        """Have nobody send for some seconds: another process was asked to wait."""
        self._paused_until = max(self._paused_until, time.monotonic() + wait_s)

    def _wake(self) -> None:
        """Hand free places to those who have waited longest."""
        while self._waiting and self._in_flight < int(self._allowed):
            turn = self._waiting.popleft()
            if not turn.done():
                self._in_flight += 1
                turn.set_result(None)


class _Slot:
    """A place in flight as a context manager; a class, because a generator would cost as much as all that it does."""

    def __init__(self, limiter: Limiter, tokens: int) -> None:
        self._limiter, self._tokens = limiter, tokens

    async def __aenter__(self) -> None:
        await self._limiter.enter(self._tokens)

    async def __aexit__(self, *_: object) -> None:
        self._limiter.leave()


@dataclass
class _OutcomeWindow:
    """What came back of about as many requests as may be in flight at a time."""

    allowed: int
    outcomes: int = 0
    refused: int = 0
    failed: int = 0
    asked_until: float = 0.0
    has_halved: bool = False

    @property
    def is_over(self) -> bool:
        return self.outcomes >= max(self.allowed, SMALLEST_WINDOW)

    @property
    def is_more_than_sporadic(self) -> bool:
        outcomes = max(self.allowed, SMALLEST_WINDOW)
        return self.refused > SPORADIC_REFUSALS * outcomes or self.failed > SPORADIC_FAILURES * outcomes


class _Bucket:
    """A token bucket that refills over a minute; `per_minute` None is no limit, and may change."""

    def __init__(self, per_minute: float | None) -> None:
        self._per_second = None if per_minute is None else per_minute / 60
        # One second's worth may go at once; a whole minute's at the start would break the limit's first minute.
        self._level = self._per_second or 0.0
        self._filled_at = time.monotonic()
        self._turn = asyncio.Lock()

    def per_minute(self, rate: float | None) -> None:
        """Let so much through from now on."""
        if self._per_second is not None and rate is not None:
            self._refill(self._per_second)
            self._per_second = rate / 60
            self._level = min(self._per_second, self._level)

    async def take(self, amount: float) -> None:
        """Wait until `amount` may be taken; more than the bucket holds is paid back by waiting longer."""
        if self._per_second is None:
            return
        async with self._turn:
            self._refill(self._per_second)
            self._level -= amount
            while self._level < 0:
                owed_s = -self._level / self._per_second if self._per_second else LOOK_EVERY_S
                await asyncio.sleep(min(owed_s, LOOK_EVERY_S))  # the rate may change meanwhile
                self._refill(self._per_second)
                if self._level > -ROUNDING:
                    break

    def _refill(self, per_second: float) -> None:
        now = time.monotonic()
        self._level = min(per_second, self._level + (now - self._filled_at) * per_second)
        self._filled_at = now


class _Left:
    """What an endpoint has left of a limit of its own: what it said last, less what was sent since, plus its refill.

    Three requests are left of a limit of 60 a minute that is whole again in 57 s, and two are in flight: one goes out
    at once, the next ones a second apart.
    """

    def __init__(self) -> None:
        self._said: Allowance | None = None
        self._level = self._filled_at = self._reset_at = 0.0

    def heed(self, said: Allowance, unseen: float) -> None:
        """Note what is left according to a reply that had not counted `unseen` yet."""
        self._said, self._level = said, said.remaining - unseen
        self._filled_at = time.monotonic()
        self._reset_at = self._filled_at + said.reset_s

    async def take(self, amount: float) -> None:
        """Wait until `amount` is there: at the pace of the refill if the endpoint tells it, else until the reset."""
        now = time.monotonic()
        if self._said is None or now >= self._reset_at:
            return
        per_second = self._said.per_second
        self._level += (now - self._filled_at) * (per_second or 0.0) - amount
        self._filled_at = now
        if self._level < 0:
            until_reset_s = self._reset_at - now
            await asyncio.sleep(min(until_reset_s, -self._level / per_second) if per_second else until_reset_s)
