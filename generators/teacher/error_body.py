"""What the body of an error says: its words and codes, how long to wait, whether the account has no credit left."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cotfactory.generators.teacher.rate_headers import duration_s

MOST_TEXT, MOST_DEPTH = 8_000, 8
"""Characters and levels of an error that are looked at: it may be anything, and the words that matter come first."""

_CODES = frozenset({"code", "type", "status", "reason", "error_code", "status_code", "error_type", "__type"})
_WAIT_KEYS = {
    "retrydelay": 1.0, "retry_after": 1.0, "retryafter": 1.0, "retry-after": 1.0, "retry_after_seconds": 1.0,
    "retry_after_s": 1.0, "retry_after_ms": 0.001, "retryafterms": 0.001, "retry-after-ms": 0.001,
}  # fmt: skip
_RESET_KEYS = frozenset({"x-ratelimit-reset", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"})

_AMOUNT = r"\d{1,9}(?:\.\d{1,9})?\s?(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)\b"
_JOINED = r"\d{1,9}(?:\.\d{1,9})?(?:ms|[dhms])(?=\d)"
_ASKING = (
    r"\b(?:again|retry|retried|retrying|wait|waiting|resets?|available)"
    r"[\s:]{1,2}(?:in|after|for|at least)?[\s:]{0,2}"
)
_ABOUT = r"(?:about\s|approximately\s|another\s|at least\s)?"
_WAIT = re.compile(rf"{_ASKING}{_ABOUT}(?P<wait>(?:(?:{_AMOUNT}|{_JOINED})(?:,?\s(?:and\s)?)?){{1,5}})", re.IGNORECASE)
_ONE_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s?(ms|milli|s|m|h|d)", re.IGNORECASE)
_UNIT_S = {"ms": 0.001, "milli": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}

_NO_CREDIT_CODE = re.compile(
    r"insufficient_?(?:user_)?(?:quota|balance|credits?|funds)|exceeded_current_quota|billing_hard_limit|"
    r"arrearage|credits?_exhausted|payment_required|billing_not_active|^1113$|^1008$",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(
    r"insufficient (?:account |user |your )?(?:balance|credits?|funds|quota)|"
    r"(?:balance|credits?|funds|quota|wallet)\b[^.]{0,40}\b(?:too low|insufficient|exhausted|depleted|used up|run out|"
    r"not enough|negative|empty|zero)|not enough (?:balance|credits?|funds)|out of (?:credits?|funds|balance)|"
    r"no (?:remaining |more |available )?(?:credits?|balance|funds)|requires? more credits|arrearage|overdue payment|"
    r"payment required|\u4f59\u989d|\u6b20\u8d39",
    re.IGNORECASE,
)
_ABOUT_MONEY = re.compile(
    r"\bbalance\b|\bbilling\b|\bcredits?\b|exceeded your current quota|recharge|top.?up", re.IGNORECASE
)
_ABOUT_RATE = re.compile(
    r"per (?:second|minute|min|hour|day)\b|rate.?limit|too many requests|\b[rt]p[mds]\b|concurren", re.IGNORECASE
)
_SAID = ("message", "detail", "msg")
_KINDS: tuple[tuple[int, re.Pattern[str]], ...] = (
    (401, re.compile(r"authentication|invalid.{0,9}api.?key|incorrect api key|unauthorized", re.IGNORECASE)),
    (429, re.compile(r"rate.?limit|too many requests|throttl|resource_exhausted", re.IGNORECASE)),
    (400, re.compile(r"context.{0,9}length|context window|too long|maximum.{0,20}tokens|invalid.?request|bad.?request|"
                     r"invalid_parameter|moderation|flagged|content.?policy", re.IGNORECASE)),
)  # fmt: skip
"""What an error in a success is about, where its code is no status."""


@dataclass(frozen=True)
class ErrorBody:
    """What an error says: all its text, its codes, and how many seconds it asks to wait (None: it does not say)."""

    text: str
    codes: tuple[str, ...]
    wait_s: float | None

    @property
    def says_no_credit(self) -> bool:
        """Whether the account is empty: a code that means nothing else, or words where nothing speaks of a rate.

        Gemini says "You exceeded your current quota, please check your plan and billing" of requests per minute, and
        when to come back; OpenAI names its page about billing in what it says of tokens per minute.
        """
        if any(_NO_CREDIT_CODE.search(code) for code in self.codes):
            return True
        return (
            self.wait_s is None and _ABOUT_RATE.search(self.text) is None and _NO_CREDIT.search(self.text) is not None
        )

    @property
    def is_about_money(self) -> bool:
        """Whether a refusal for now (429) is one for good: nothing about a rate, and some word about money."""
        return self.says_no_credit or (not self._is_about_rate and _ABOUT_MONEY.search(self.text) is not None)

    @property
    def _is_about_rate(self) -> bool:
        return self.wait_s is not None or _ABOUT_RATE.search(self.text) is not None

    @property
    def status(self) -> int:
        """The HTTP status that an error inside a success stands for: its own code, what its words say, or 500."""
        for code in self.codes:
            if code.isdecimal() and 400 <= int(code[:9]) < 600:
                return int(code)
        if self.says_no_credit:
            return 402
        return next((status for status, words in _KINDS if words.search(f"{self.text} {' '.join(self.codes)}")), 500)


def error_body(body: bytes) -> ErrorBody:
    """Read the body of an error reply, whatever it is. Never raises."""
    try:
        payload = json.loads(body[: 64 * MOST_TEXT])
    except (RecursionError, ValueError):
        payload = body[:MOST_TEXT].decode("utf-8", "replace")
    return read_error(payload)


def read_error(payload: Any) -> ErrorBody:
    """Read decoded JSON as an error: OpenAI's, Google's, Anthropic's, FastAPI's or any other. Never raises."""
    texts, codes, wait_s = list[str](), list[str](), None
    size = 0
    for name, value in _leaves(payload, "", 0):
        said = str(value)[:MOST_TEXT]
        size += len(said)
        if size > 2 * MOST_TEXT:
            break
        if name in _CODES:
            codes.append(said)
        elif isinstance(value, str):
            texts.append(said)
        wait_s = _wait_under(name, said) if wait_s is None else wait_s
    text = " ".join(" ".join(texts).split())[:MOST_TEXT]
    return ErrorBody(text, tuple(codes), _wait_in(text) if wait_s is None else wait_s)


def error_in_success(payload: Any) -> ErrorBody | None:
    """Return the error that a reply with a successful status holds in place of an answer; None when it is none.

    OpenRouter and many gateways send `{"error": {"code": 502, ...}}`, vLLM `{"object": "error", ...}`, MiniMax
    `{"base_resp": {"status_code": 1008, ...}}` with status 200, because they had begun to answer when it failed.
    """
    if not isinstance(payload, Mapping) or payload.get("choices"):
        return None
    base = payload.get("base_resp")
    is_error = (
        bool(payload.get("error"))
        or bool(payload.get("errors"))
        or payload.get("object") == "error"
        or payload.get("type") == "error"
        or bool(payload.get("error_code"))
        or (isinstance(base, Mapping) and bool(base.get("status_code")))
        or ("choices" not in payload and any(isinstance(payload.get(name), str | list) for name in _SAID))
    )
    return read_error(payload) if is_error else None


def _leaves(value: Any, name: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield the scalars of JSON with the lower-case names they stand under, to a depth."""
    if depth > MOST_DEPTH:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, str(key).lower(), depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, name, depth + 1)
    elif value is not None and not isinstance(value, bool):
        yield name, value


def _wait_under(name: str, said: str) -> float | None:
    """Return the wait that a value under a telling name stands for: `retryDelay: "20s"`, `retry_after: 20`."""
    if name in _WAIT_KEYS:
        seconds = duration_s(said)
        is_number = seconds is not None and not said.strip()[-1:].isalpha()
        return seconds * _WAIT_KEYS[name] if seconds is not None and is_number else seconds
    return duration_s(said) if name in _RESET_KEYS else None


def _wait_in(text: str) -> float | None:
    """Return the wait that a sentence asks for: "Please try again in 1m2.5s", "retry after 20 seconds"."""
    found = _WAIT.search(text)
    if found is None:
        return None
    return sum(float(amount) * _UNIT_S[unit.lower()] for amount, unit in _ONE_AMOUNT.findall(found["wait"]))
