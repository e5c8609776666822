"""What an endpoint's headers say about its limits: how long to wait, how much is left, when it is refilled."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[dhms])")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_A_DATE, _IN_MILLISECONDS = 1e9, 1e11


@dataclass(frozen=True)
class Allowance:
    """What is left of one limit (`limit` None: not told) and in how many seconds it is back at that limit."""

    remaining: float
    reset_s: float
    limit: float | None

    @property
    def per_second(self) -> float | None:
        """How fast it comes back, if evenly; None when the headers do not tell.

        >>> Allowance(remaining=40, reset_s=2.0, limit=100).per_second
        30.0
        """
        if self.limit is None or self.limit <= self.remaining or self.reset_s <= 0:
            return None
        return (self.limit - self.remaining) / self.reset_s

    def part(self, part: float) -> "Allowance":
        """Return a part of it, 0 to 1: the others send the rest."""
        if part == 1.0:
            return self
        return Allowance(self.remaining * part, self.reset_s, None if self.limit is None else self.limit * part)


@dataclass(frozen=True)
class Allowances:
    """What one reply said about both limits; None where it said nothing."""

    requests: Allowance | None
    tokens: Allowance | None


def allowances(headers: Mapping[str, str]) -> Allowances | None:
    """Return what the `x-ratelimit-*` headers of a reply say; None without any that can be read."""
    requests, tokens = _allowance(headers, "requests"), _allowance(headers, "tokens")
    return Allowances(requests, tokens) if requests or tokens else None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return how long a reply asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as an HTTP date.

    None where it does not say, or says what cannot be read.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    said = headers.get("retry-after")
    if said is None or (seconds := duration_s(said)) is not None:
        return None if said is None else seconds
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except (OverflowError, ValueError):
        return None


def duration_s(text: str) -> float | None:
    """Return the seconds that a `x-ratelimit-reset-*` header stands for; None when it cannot be read.

    Endpoints write `1s`, `6m0s`, `20ms` (OpenAI), plain seconds, or the time of the reset in seconds or milliseconds
    since 1970.
    """
    text = text.strip()
    if _DURATION.fullmatch(text):
        return sum(float(amount) * _UNIT_S[unit] for amount, unit in _PART.findall(text))
    seconds = _number(text)
    if seconds is None or seconds <= _A_DATE:
        return seconds
    return max(0.0, (seconds / 1000 if seconds > _IN_MILLISECONDS else seconds) - time.time())


def _allowance(headers: Mapping[str, str], what: str) -> Allowance | None:
    said = headers.get(f"x-ratelimit-remaining-{what}")
    if said is None:
        return None
    remaining, reset_s = _number(said), duration_s(headers.get(f"x-ratelimit-reset-{what}", ""))
    if remaining is None or reset_s is None:
        return None
    return Allowance(remaining, reset_s, _number(headers.get(f"x-ratelimit-limit-{what}")))


def _number(text: str | None) -> float | None:
    """Return a number that is finite and not negative, None for anything else."""
    try:
        value = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
