"""Endpoint: where a teacher is asked, and what goes with every request; what of that may be shown, and what may not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from cotfactory.schemas.endpoint_keys import KEY_HEADERS
from cotfactory.schemas.printable import printable
from cotfactory.schemas.secrets import MASKED_IN_CHAIN, SHORT, header_secrets, masked
from cotfactory.schemas.teaching import Completion

NO_KEY = "no-key"
_KEY_NAME = re.compile(r"key|token|secret|sig|auth|password", re.IGNORECASE)


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

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """What of the secrets is a key, as it is and as an address spells it, the longest first.

        A short one, a tenant's name or an API version may stand in an honest chain; none of them opens anything.
        """
        parts = urlsplit(self.base_url)
        named = [value for name, value in parse_qsl(parts.query) if _KEY_NAME.search(name)]
        held = [
            value.split()[-1] for name, value in self.headers.items() if name.lower() in KEY_HEADERS and value.split()
        ]
        found = {key for key in (self.api_key, parts.password or "", *named, *held) if len(key) >= SHORT}
        return tuple(sorted(found | {quote(key, safe="") for key in found}, key=len, reverse=True))

    def without_keys(self, completion: Completion) -> Completion:
        """Return a completion with MASKED_IN_CHAIN in place of our keys: some servers repeat what they were sent."""
        return completion._replace(
            content=self._without_keys(completion.content),
            reasoning=completion.reasoning and self._without_keys(completion.reasoning),
            finish_reason_raw=completion.finish_reason_raw and self._without_keys(completion.finish_reason_raw),
            model=self._without_keys(completion.model),
        )

    def _without_keys(self, text: str) -> str:
        for key in self.keys:
            text = text.replace(key, MASKED_IN_CHAIN)
        return text

    def masked_line(self, text: str, longest: int) -> str:
        """Return text of the endpoint on one line, cut, without a key: some servers repeat the one they refuse."""
        return printable(" ".join(masked(text, self.secrets).split())[:longest])

    def __repr__(self) -> str:
        return f"Endpoint({self.shown!r})"
