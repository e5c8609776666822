"""Get Prefect ready: quiet, without analytics, on the configured server or a local one; a message instead of a hang."""

import ctypes
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from cotfactory.schemas.errors import OrchestratorError

HEALTH_TIMEOUT_S = 10.0
START_TIMEOUT_S = 180.0
PR_SET_PDEATHSIG = 1
LOOPBACK = "127.0.0.1,localhost"
DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # An error is told once, by the command line; Prefect would add a traceback for each task and flow it passes.
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
}
WITHOUT = "check PREFECT_API_URL and that the server runs, or run without Prefect: --direct"


@contextmanager
def prefect_server() -> Iterator[str]:
    """Yield the address of a Prefect server that answers: the configured one, or a local one for this context.

    The local one is our own child rather than Prefect's: in a session of its own, so that Ctrl-C does not take it
    away while a run is being written down, and ended with its parent, however that ends.
    Raises OrchestratorError when the server does not answer in time.
    """
    url, home = _configured()
    if url:
        _expect_healthy(url)
        yield url
        return
    _ask_loopback_directly()
    # Pages of a browser and other users of this machine can reach a port of loopback.
    password = f"cotfactory:{secrets.token_urlsafe(24)}"
    with _local_server(home, password) as local:
        from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

        with temporary_settings({PREFECT_API_URL: local, PREFECT_API_AUTH_STRING: password}):
            yield local


def lasting_server() -> str:
    """Return the address of the configured Prefect server, which answers. Raises OrchestratorError without one."""
    url, _ = _configured()
    if not url:
        raise OrchestratorError(
            "There is no Prefect server that stays: expected one in PREFECT_API_URL or in Prefect's profile",
            "start one with `prefect server start`, then `prefect config set PREFECT_API_URL=http://127.0.0.1:4200/api`",
        )
    _expect_healthy(url)
    return url


def is_open_to_all(url: str) -> bool:
    """Return whether a Prefect server answers somebody without a password: such a one runs commands on its workers."""
    return _status(url, "admin/version") == 200


def _configured() -> tuple[str | None, Path]:
    """Return the server that the environment or Prefect's profile names, and Prefect's home."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    home = _home()
    from prefect.settings import get_current_settings

    return get_current_settings().api.url, home


def _home() -> Path:
    """Make Prefect's home folder: without it the server dies, and its client only says that it timed out."""
    home = Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect")
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OrchestratorError(
            f"Prefect's home {home} cannot be made: {error.strerror}", "set PREFECT_HOME, or use --direct"
        ) from error
    return home


@contextmanager
def _local_server(home: Path, password: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = home / "cotfactory-server.log"
    guard = {
        "PREFECT_SERVER_API_AUTH_STRING": password,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://127.0.0.1:{port}",
    }
    arguments = ["-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, *arguments, "--host", "127.0.0.1", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **guard},
            start_new_session=True,
            preexec_fn=_outlive_all_but_parent,
        )
    try:
        url = f"http://127.0.0.1:{port}/api"
        _wait_until_healthy(url, process, log)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _outlive_all_but_parent() -> None:
    """Take no SIGTERM, which Slurm and systemd send to every process of a job, but end when the parent does.

    The latter, by kill -9 too, is Linux's doing; other systems have no such call.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _ask_loopback_directly() -> None:
    """Exempt loopback from the proxies of the environment, which Prefect's client would ask for our own server."""
    exempt = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(filter(None, (exempt, LOOPBACK)))


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            _expect_healthy(url)
            return
        except OrchestratorError:
            time.sleep(0.3)
    ended = f"ended with code {process.returncode}" if process.poll() is not None else "did not answer in time"
    raise OrchestratorError(f"The local Prefect server {ended}", f"see {log}, or run without Prefect: --direct")


def _expect_healthy(url: str) -> None:
    if (status := _status(url, "health")) != 200:
        raise OrchestratorError(f"The Prefect server {url} answered {status} to a health check", WITHOUT)


def _status(url: str, path: str) -> int:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=HEALTH_TIMEOUT_S)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/{path}")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        said = str(error) or type(error).__name__
        raise OrchestratorError(
            f"The Prefect server {url} did not answer within {HEALTH_TIMEOUT_S:g} s: {said}", WITHOUT
        ) from error
    finally:
        connection.close()
