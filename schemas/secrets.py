"""Keys in texts that are shown or written: replaced by `***`, whoever repeated them."""

import re
from collections.abc import Collection, Iterator, Mapping

MASKED = "***"
MASKED_IN_CHAIN = "KEY_OF_THIS_RUN_LEFT_OUT"
"""What stands in a chain for one of our own keys, which an endpoint had repeated; the chain counts as key-like."""
SHORT = 8
"""Characters. A shorter secret is masked where it stands as a word: `1` is not, inside another number."""


def masked(text: str, secrets: Collection[str]) -> str:
    """Return `text` without any of the secrets.

    >>> masked("key sk-verylong12 of tenant 7, 17 left", {"sk-verylong12", "7", ""})
    'key *** of tenant ***, 17 left'
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORT:
            text = text.replace(secret, MASKED)
        elif secret and secret in text:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASKED, text)
    return text


def header_secrets(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield what of the values of headers is never shown: each as a whole, and its longer parts (`Bearer KEY`)."""
    for value in headers.values():
        yield value
        yield from (part for part in value.split() if len(part) >= SHORT)
