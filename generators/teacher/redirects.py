"""Redirects of an API that has moved: 301 and 302 to another address of it are followed with the same request."""

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest

ASKED_AT = "/chat/completions"
SAME_REQUEST = 307


async def keep_asking(request: ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
    """Have a redirect to another place where completions are asked for keep its method and body.

    By an old habit of browsers 301 and 302 turn a POST into a GET. To a login page that is right: whoever reads it sees
    that it is no API.
    """
    response = await handler(request)
    if response.status in (301, 302) and response.headers.get("Location", "").partition("?")[0].endswith(ASKED_AT):
        response.status = SAME_REQUEST
    return response
