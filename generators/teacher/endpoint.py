"""Endpoint: where a teacher is asked, and what goes with every request; what of that may be shown, and what may not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from cotfactory.schemas.printable import printable
from cotfactory.schemas.secrets import header_secrets, masked

NO_KEY = "no-key"


@dataclass(frozen=True)
class Endpoint:
    """Where a teacher is asked: the base URL (ends in `/v1`, a query may follow), the key, further headers.

    Key, query and values of headers are never shown or stored. `ca_bundle` is a file of authorities to trust, None for
    the usual ones.
    """

    base_url: str
    api_key: str
    headers: Mapping[str, str] = field(default_factory=dict)
    ca_bundle: str | None = None

    @property
    def shown(self) -> str:
        """The URL as it may be shown: a login or a query in it may hold a key."""
        parts = urlsplit(self.base_url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    @cached_property
    def secrets(self) -> frozenset[str]:
        """All that is never shown."""
        parts = urlsplit(self.base_url)
        query = (value for _, value in parse_qsl(parts.query))
        return frozenset({self.api_key, parts.password or "", *query, *header_secrets(self.headers)}) - {"", NO_KEY}

    def masked_line(self, text: str, longest: int) -> str:
        """Return text of the endpoint on one line, cut, without a key: some servers repeat the one they refuse."""
        return printable(" ".join(masked(text, self.secrets).split())[:longest])

    def __repr__(self) -> str:
        return f"Endpoint({self.shown!r})"
