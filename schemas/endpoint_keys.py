"""What a recipe may say of an endpoint: its URL, further fields of a request's body, further headers."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, JsonValue

from cotfactory.schemas.teaching import Sampling

OWN_FIELDS = frozenset({"model", "messages", "n", "stream", "stream_options", *Sampling.model_fields})
"""Fields of a chat request that a recipe has keys of its own for, or that are ours to set."""
OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "content-type", "connection", "cookie"})
KEY_HEADERS = frozenset({"authorization", "api-key", "x-api-key", "x-goog-api-key"})
"""Headers that carry a key, in place of the one in `api_key_env`."""
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")


def _further_fields(extra_body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    own = sorted(OWN_FIELDS & extra_body.keys())
    if own:
        where = f"`sampling: {{{own[0]}: ...}}`" if own[0] in Sampling.model_fields else "the teacher's own keys"
        raise ValueError(f"extra_body has {own[0]!r}, which is not its to set: expected it in {where}")
    return extra_body


def _further_headers(headers: dict[str, str]) -> dict[str, str]:
    for name in headers:
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header: expected letters, digits and dashes")
        if name.lower() in OWN_HEADERS:
            raise ValueError(f"the header {name!r} is not a recipe's to set: leave it out")
    repeated = sorted(
        {name.lower() for name in headers if [other.lower() for other in headers].count(name.lower()) > 1}
    )
    if repeated:
        raise ValueError(f"the header {repeated[0]!r} is given twice: expected it once")
    return headers


def is_url(text: str) -> bool:
    """Return whether a text is a URL of the web with a host, and a port that there can be.

    >>> [is_url(text) for text in ("https://h/v1", "http://[::1]:80/v1", "http://[::1/v1", "http://h:99999/v1", "h/v1")]
    [True, True, False, False, False]
    """
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_url_when_filled_in(url: str) -> str:
    if "${" not in url and not is_url(url):
        raise ValueError("expected http:// or https://, a host, and as a rule /v1")
    for route in ("/chat/completions", "/completions"):
        if url.partition("?")[0].rstrip("/").endswith(route):
            raise ValueError(f"{route} is added to it: expected what comes before that, as a rule up to /v1")
    return url


BaseUrl = Annotated[str, AfterValidator(_is_url_when_filled_in)]
ExtraBody = Annotated[dict[str, JsonValue], AfterValidator(_further_fields)]
Headers = Annotated[dict[str, str], AfterValidator(_further_headers)]


def can_be_sent(header_value: str) -> bool:
    """Return whether a header may carry this text: printable ASCII, no line break.

    >>> [can_be_sent("Bearer x"), can_be_sent("x\\n"), can_be_sent("clé")]
    [True, False, False]
    """
    return _HEADER_VALUE.fullmatch(header_value) is not None
