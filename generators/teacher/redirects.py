"""Redirects of an API that has moved: 301 and 302 to another address of it are followed with the same request."""

from typing import Self

import aiohttp
from aiohttp.connector import Connection

ASKED_AT = "/chat/completions"
SAME_REQUEST = 307


class KeepAsking(aiohttp.ClientResponse):
    """A response whose redirect to another place where completions are asked for keeps the request's method and body.

    By an old habit of browsers 301 and 302 turn a POST into a GET. To a login page that is right: whoever reads it sees
    that it is no API.
    """

    async def start(self, connection: Connection) -> Self:
        """Read status and headers."""
        await super().start(connection)
        if self.status in (301, 302) and self.headers.get("Location", "").partition("?")[0].endswith(ASKED_AT):
            self.status = SAME_REQUEST
        return self
