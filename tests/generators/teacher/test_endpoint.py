"""What of an endpoint is never shown, and never stored where a server repeats it."""

import pytest

from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.schemas.key_like import count_key_like
from cotfactory.schemas.secrets import MASKED_IN_CHAIN
from cotfactory.schemas.teaching import Completion

KEY = "supersecretkeyvalue"  # no vendor's shape


def completion(content: str, reasoning: str | None = None, model: str = "m") -> Completion:
    return Completion(
        content=content, reasoning=reasoning, finish_reason="stop", model=model, usage=None, latency_ms=1.0
    )


@pytest.mark.parametrize(
    ("endpoint", "said", "kept"),
    [
        (Endpoint("http://h/v1", KEY), f"You sent Bearer {KEY}.", f"You sent Bearer {MASKED_IN_CHAIN}."),
        (Endpoint("http://h/v1", "a/b+c=d/e"), "k=a%2Fb%2Bc%3Dd%2Fe", f"k={MASKED_IN_CHAIN}"),  # as an address has it
        (Endpoint(f"http://u:{KEY}@h/v1", "no-key"), f"u:{KEY}", f"u:{MASKED_IN_CHAIN}"),
        (Endpoint(f"http://h/v1?api_key={KEY}", "no-key"), KEY, MASKED_IN_CHAIN),
        (Endpoint("http://h/v1", "no-key", {"Authorization": f"Bearer {KEY}"}), KEY, MASKED_IN_CHAIN),
        # These open nothing, and honest chains may say them.
        (Endpoint("http://h/v1?api-version=2024-10-21", "EMPTY"), "On 2024-10-21, EMPTY", "On 2024-10-21, EMPTY"),
        (Endpoint("http://h/v1", "no-key", {"X-Tenant": "research"}), "no-key research", "no-key research"),
        (Endpoint("http://h/v1", "no-key", {"api-key": ""}), "7", "7"),
    ],
)
def test_a_key_that_is_repeated_is_left_out(endpoint: Endpoint, said: str, kept: str) -> None:
    assert endpoint.without_keys(completion(said)).content == kept
    assert endpoint.without_keys(completion("7", reasoning=said, model=said)).reasoning == kept
    assert endpoint.without_keys(completion("7", model=said)).model == kept


def test_a_chain_that_held_a_key_counts_as_key_like() -> None:
    assert count_key_like(f"You sent {MASKED_IN_CHAIN}.") == 1


def test_an_error_is_one_line_that_a_terminal_only_shows() -> None:
    line = Endpoint("http://h/v1", KEY).masked_line(f"\x1b]0;PWNED\x07 \x1b[31m{KEY}\r\nHTTP \u202e", 200)
    assert line == "\ufffd]0;PWNED\ufffd \ufffd[31m*** HTTP \ufffd"
