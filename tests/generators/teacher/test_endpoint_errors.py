"""What an endpoint's refusal is about, whether it may have been billed, how long to wait, and what to do."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.teacher.endpoint_errors import error_for, status_error
from cotfactory.generators.teacher.error_body import error_body, error_in_success, read_error
from cotfactory.generators.teacher.http_client import HttpReply
from cotfactory.schemas.errors import (
    TeacherError,
    TeacherRateLimited,
    TeacherRefused,
    TeacherRejected,
    TeacherUnavailable,
)
from cotfactory.schemas.teacher_spec import TeacherSpec

SPEC = TeacherSpec(name="t", model="m", api_key_env="MY_KEY")


def error_of(status: int, body: Any = "no", headers: dict[str, str] | None = None, **how: bool) -> TeacherError:
    raw = body if isinstance(body, str) else json.dumps(body)
    return status_error("http://h/v1", SPEC, HttpReply(status, headers or {}, raw.encode()), raw, **how)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, TeacherRefused),
        (400, TeacherRejected),
        (401, TeacherRefused),
        (402, TeacherRefused),
        (403, TeacherRejected),  # Together: too long; OpenRouter: flagged
        (404, TeacherRejected),  # OpenRouter: no provider for these parameters
        (405, TeacherRefused),
        (408, TeacherUnavailable),
        (413, TeacherRejected),
        (422, TeacherRejected),
        (424, TeacherUnavailable),  # TGI, Groq: generation failed
        (425, TeacherUnavailable),
        (429, TeacherRateLimited),
        (451, TeacherRejected),  # a status without a line in the table
        (498, TeacherUnavailable),  # Groq: flex tier full
        (499, TeacherUnavailable),
        (500, TeacherUnavailable),
        (501, TeacherRefused),
        (503, TeacherUnavailable),
        (524, TeacherUnavailable),
        (529, TeacherUnavailable),
        (599, TeacherUnavailable),
    ],
)
def test_whom_a_status_is_about(status: int, kind: type[TeacherError]) -> None:
    assert type(error_of(status)) is kind


@pytest.mark.parametrize(
    ("statuses", "at_once", "after_a_while"),
    [
        ((502, 504, 520, 521, 522, 523, 524), True, True),  # a gateway gave up on a model that went on
        ((500, 424, 499, 408, 599), False, True),  # nobody works in no time
        ((429, 503, 529, 498, 409, 425, 400, 401, 402, 403, 404, 413, 422, 501), False, False),  # before any work
    ],
)
def test_what_may_have_been_billed(statuses: tuple[int, ...], at_once: bool, after_a_while: bool) -> None:
    assert {error_of(status).maybe_billed for status in statuses} == {at_once}
    assert {error_of(status, worked=True).maybe_billed for status in statuses} == {after_a_while}


WAITS: list[tuple[Any, float | None]] = [
    ({"error": {"message": "Rate limit reached. Please try again in 20s."}}, 20.0),
    ({"error": {"message": "Please try again in 1m2.5s. Visit our page."}}, 62.5),
    ({"error": {"message": "try again in 6ms"}}, 0.006),
    ({"error": {"message": "Please retry after 7 seconds."}}, 7.0),  # Azure
    ({"message": "You may retry in 2 minutes and 5 seconds"}, 125.0),
    ({"message": "Limit resets in about 3 hours"}, 10_800.0),
    ("Too many requests, wait 12 seconds", 12.0),  # no JSON
    ({"error": {"details": [{"@type": "google.rpc.RetryInfo", "retryDelay": "37.5s"}]}}, 37.5),
    ([{"error": {"code": 429, "details": [{"retryDelay": "20s"}]}}], 20.0),  # Gemini sends a list
    ({"error": {"retry_after": 3}}, 3.0),
    ({"retry_after_ms": 250}, 0.25),
    ({"error": {"retryAfter": "4s"}}, 4.0),
    ({"error": {"message": "slow down"}}, None),
    ({"error": {"message": "try again in a moment"}}, None),
    ({"error": {"message": "tried again 3 times"}}, None),
    ({"error": {"message": "the answer in 20 seconds is 7"}}, None),
]


@pytest.mark.parametrize(("body", "wait_s"), WAITS)
def test_how_long_a_body_asks_to_wait(body: Any, wait_s: float | None) -> None:
    assert error_of(429, body).retry_after_s == (None if wait_s is None else pytest.approx(wait_s))
    assert error_of(503, body).retry_after_s == (None if wait_s is None else pytest.approx(wait_s))


def test_a_reset_in_milliseconds_since_1970_is_in_the_past() -> None:
    body = {"error": {"metadata": {"headers": {"X-RateLimit-Reset": "1700000000000"}}}}
    assert error_of(429, body).retry_after_s == 0.0


def test_a_header_counts_more_than_a_body() -> None:
    assert error_of(429, {"message": "try again in 20s"}, {"retry-after": "5"}).retry_after_s == 5.0


NO_CREDIT: list[tuple[int, Any]] = [
    (429, {"error": {"message": "pay", "code": "insufficient_quota"}}),  # OpenAI
    (429, {"error": {"message": "Your account is suspended", "type": "exceeded_current_quota_error"}}),  # Moonshot
    (429, {"error": {"code": "1113", "message": "Account is in arrears"}}),  # z.ai
    (429, {"error": {"message": "\u4f59\u989d\u4e0d\u8db3\uff0c\u8bf7\u5145\u503c"}}),
    (402, {"error": {"message": "Insufficient Balance"}}),  # DeepSeek
    (400, {"error": {"message": "Your credit balance is too low to access the API."}}),  # Anthropic
    (400, {"code": "Arrearage", "message": "Access denied."}),  # DashScope
    (403, {"error": {"message": "Not enough credits for this request"}}),
    (429, {"error": {"message": "Please check your plan and billing details"}}),
    (429, {"error": {"message": "Prepaid balance: top up to go on"}}),
]
RATE: list[tuple[int, Any]] = [
    # Gemini says this of requests a minute, and when to come back
    (429, {"error": {"message": "You exceeded your current quota, see billing. Please retry in 30s.", "code": 429}}),
    (429, {"error": {"message": "Rate limit on tokens per min (TPM). Add a card: /account/billing."}}),  # OpenAI
    (429, {"error": {"message": "Too many requests: your balance allows 3 at a time"}}),
    (429, {"error": {"message": "engine busy"}}),
    (429, ""),
]


@pytest.mark.parametrize(("status", "body"), NO_CREDIT)
def test_no_credit_in_any_wording(status: int, body: Any) -> None:
    error = error_of(status, body)
    assert isinstance(error, TeacherRefused)
    assert "no credit left" in error.hint


@pytest.mark.parametrize(("status", "body"), RATE)
def test_what_speaks_of_a_rate_is_a_limit_for_now(status: int, body: Any) -> None:
    assert isinstance(error_of(status, body), TeacherRateLimited)


IN_A_200: list[tuple[Any, type[TeacherError]]] = [
    ({"error": {"message": "Provider returned error", "code": 502}}, TeacherUnavailable),
    ({"error": {"message": "slow down", "code": "429"}}, TeacherRateLimited),
    ({"error": {"message": "Rate limit exceeded: free-models-per-min."}, "choices": []}, TeacherRateLimited),
    ({"error": {"message": "no money", "code": 402}}, TeacherRefused),
    ({"error": {"message": "flagged", "code": 403}}, TeacherRejected),
    ({"object": "error", "message": "This model's maximum context length is 4096 tokens", "code": 40303},
     TeacherRejected),
    ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, TeacherUnavailable),
    ({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, TeacherRefused),  # MiniMax
    ({"error": "model crashed"}, TeacherUnavailable),
    ({"detail": [{"msg": "field required"}]}, TeacherUnavailable),
]  # fmt: skip


@pytest.mark.parametrize(("payload", "kind"), IN_A_200)
def test_an_error_inside_a_200_is_what_it_says_and_free(payload: Any, kind: type[TeacherError]) -> None:
    body = error_in_success(payload)
    assert body is not None
    error = error_for("http://h/v1", SPEC, body, str(payload))
    assert type(error) is kind
    assert not error.maybe_billed


@pytest.mark.parametrize(
    "payload",
    [
        {"choices": [{"message": {"content": "7"}}], "error": None},
        {"choices": [{"message": {"content": "7"}}], "error": {"code": 0}},  # an answer is never lost for it
        {"choices": []},
        {"base_resp": {"status_code": 0}, "id": "x"},
        {"message": {"role": "assistant", "content": "7"}},
        [1],
        "x",
        None,
    ],
)
def test_what_is_no_error(payload: Any) -> None:
    assert error_in_success(payload) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["error", "code", "message", "retry_after", "details"]), inner)
        ),
    )
)
def test_reading_an_error_never_raises(payload: Any) -> None:  # fmt: skip
    body = read_error(payload)
    assert 400 <= body.status < 600
    assert body.wait_s is None or body.wait_s >= 0
    error_in_success(payload)


@given(st.binary(max_size=200))
def test_reading_a_body_never_raises(body: bytes) -> None:
    assert error_body(body).status >= 400


def test_a_long_hostile_error_is_read_in_no_time() -> None:
    """Nested deep, and made of what the patterns look for."""
    assert error_body(b"[" * 100_000).wait_s is None
    assert error_body(json.dumps("balance " + "retry in 1" * 100_000).encode()).status == 500
