"""Get Prefect ready in this process: quiet, without analytics, and a message instead of a hang when it is down."""

import http.client
import os
from pathlib import Path
from urllib.parse import urlsplit

from schemas.errors import OrchestratorError

HEALTH_TIMEOUT_S = 10.0
DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    # A local server takes 20 to 50 seconds to start on a small machine; the default gives up after 20.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "150",
}
WITHOUT = "check PREFECT_API_URL and that the server runs, or run without Prefect: --direct"


def prepare_prefect() -> str | None:
    """Set what Prefect needs before it is imported; return the address of its server, None for a local one.

    Raises OrchestratorError when the configured server does not answer in time.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    # Without its home folder the local server dies, and the client only says that it timed out.
    home = Path(os.environ.get("PREFECT_HOME", Path.home() / ".prefect"))
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OrchestratorError(
            f"Prefect's home {home} cannot be made: {error.strerror}", "set PREFECT_HOME, or use --direct"
        ) from error
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    if url:
        _expect_healthy(url)
    return url


def _expect_healthy(url: str) -> None:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=HEALTH_TIMEOUT_S)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/health")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        said = str(error) or type(error).__name__
        raise OrchestratorError(
            f"The Prefect server {url} did not answer within {HEALTH_TIMEOUT_S:g} s: {said}", WITHOUT
        ) from error
    finally:
        connection.close()
    if status != 200:
        raise OrchestratorError(f"The Prefect server {url} answered {status} to a health check", WITHOUT)
