"""The proxy that an endpoint is asked through: the environment's, but none for servers on this machine."""

import ipaddress
import urllib.request

from yarl import URL

from cotfactory.schemas.errors import InputError


def proxy_for(url: URL) -> str | None:
    """Return the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names for `url`; None where there is none.

    NO_PROXY exempts hosts; those on loopback are exempt without it, for a proxy would look for them on its own machine.
    Raises InputError for a proxy that is not asked over HTTP.
    """
    host = url.host or ""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or is_loopback(host) or urllib.request.proxy_bypass(f"{host}:{url.port}"):
        return None
    scheme, _, rest = proxy.rpartition("://")
    if scheme.lower() not in ("", "http", "https"):
        raise InputError(
            f"The proxy {scheme}://{rest.rpartition('@')[2]} of the environment cannot be used for {host}: "
            "expected one that is asked over http:// or https://, not SOCKS",
            "name such a proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or exempt the host in NO_PROXY",
        )
    return proxy if scheme else f"http://{proxy}"


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: 127.0.0.1, ::1, 0.0.0.0, localhost."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.lower().rstrip(".")
        return name == "localhost" or name.endswith(".localhost")
    return address.is_loopback or address.is_unspecified
