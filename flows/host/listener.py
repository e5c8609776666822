"""The socket that a server of ours listens on, and whether other machines reach it."""

import ipaddress
import socket

from cotfactory.schemas.errors import InputError

LOOPBACK = "127.0.0.1"
BACKLOG = 4096


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises InputError when the port cannot be had."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise InputError(f"port {port} of {host} cannot be had: {error.strerror}", "choose another --port") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return where a listening socket is reached, without a slash at the end."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def only_reachable_from_here(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
