"""Middleware of servers that only this machine is to ask: a page that rebinds its own name to 127.0.0.1 is refused."""

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from cotfactory.generators.teacher.proxy import is_loopback


@web.middleware
async def own_host_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 421 to a request whose Host is not a name of this machine's loopback: a browser sends the page's own."""
    try:
        host = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
    except ValueError:
        host = ""
    if not is_loopback(host):
        raise web.HTTPMisdirectedRequest(text=f"Host {host!r}: expected 127.0.0.1, [::1] or localhost")
    return await handler(request)
