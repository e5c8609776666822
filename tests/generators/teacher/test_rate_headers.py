"""However an endpoint writes its limits, they are read, or it is as if it had said nothing."""

import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.teacher.rate_headers import Allowance, allowances, duration_s, retry_after_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),  # OpenAI
        ("20ms", 0.02),
        ("1h2m3.5s", 3723.5),
        ("2m59.56s", 179.56),  # Groq
        ("1d", 86_400.0),
        ("12", 12.0),  # plain seconds
        ("0.25", 0.25),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("nan", None),
        ("inf", None),
        ("5s and more", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert duration_s(text) == (seconds if seconds is None else pytest.approx(seconds))


def test_a_reset_may_be_a_time() -> None:
    seconds = duration_s(str(time.time() + 30))
    assert seconds is not None
    assert 28 < seconds <= 30


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_durations_as_go_writes_them(hours: int, minutes: int, seconds: int, thousandths: int) -> None:
    text = f"{hours}h{minutes}m{seconds}.{thousandths:03}s"
    assert duration_s(text) == pytest.approx(hours * 3600 + minutes * 60 + seconds + thousandths / 1000)


@given(st.text())
def test_no_header_can_do_harm(text: str) -> None:
    headers = {"retry-after": text, "x-ratelimit-remaining-requests": text, "x-ratelimit-reset-requests": text}
    assert (retry_after_s(headers) or 0.0) >= 0
    allowances(headers)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),  # a date gone by
        ({"retry-after": "tomorrow"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_retry_after_as_a_date() -> None:
    waits = retry_after_s({"retry-after": formatdate(time.time() + 20, usegmt=True)})
    assert waits is not None
    assert 18 < waits <= 20


@pytest.mark.parametrize(
    ("remaining", "reset_s", "limit", "per_second"),
    [
        (40, 2.0, 100, 30.0),
        (40, 0.5, 100, 120.0),
        (40, 1.0, 100, 60.0),
        (40, 0.0, 100, None),  # it is back already
        (100, 2.0, 100, None),  # nothing is missing
        (99, 2.0, 100, 0.5),
        (101, 2.0, 100, None),  # more than the limit: the two do not belong together
        (40, 2.0, None, None),
    ],
)
def test_how_fast_a_limit_comes_back(
    remaining: float, reset_s: float, limit: float | None, per_second: float | None
) -> None:
    assert Allowance(remaining, reset_s, limit).per_second == per_second


def test_what_is_left() -> None:
    said = allowances(
        {
            "x-ratelimit-limit-requests": "60",
            "x-ratelimit-remaining-requests": "3",
            "x-ratelimit-reset-requests": "57s",
            "x-ratelimit-remaining-tokens": "149984",
            "x-ratelimit-reset-tokens": "6m0s",
        }
    )
    assert said is not None
    assert said.requests == Allowance(remaining=3, reset_s=57, limit=60)
    assert said.requests.per_second == 1.0
    assert said.tokens == Allowance(remaining=149_984, reset_s=360, limit=None)
    assert said.tokens.per_second is None  # without the limit nobody knows how fast it comes back
    assert allowances({"x-ratelimit-remaining-requests": "3"}) is None
    assert allowances({}) is None
