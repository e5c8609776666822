"""The Prefect server that a run starts for itself: pages of a browser and other users may reach its port."""

import asyncio
import http.client
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

EVIL = "http://evil.example"


def asked_as_a_stranger(url: str, method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    body = json.dumps({"name": "planted"}) if method == "POST" else None
    connection.request(method, f"{parts.path}{path}", body, {"Content-Type": "application/json", **headers})
    reply = connection.getresponse()
    told = {name.lower(): value for name, value in reply.getheaders()}
    connection.close()
    return reply.status, told


def tell() -> None:
    """Start the server as a run does and print what it answers to strangers, and to us."""
    from prefect.client.orchestration import get_client

    from cotfactory.flows.host.orchestrator import prefect_server

    preflight = {"Origin": EVIL, "Access-Control-Request-Method": "POST"}
    with prefect_server() as url:
        planted, _ = asked_as_a_stranger(url, "POST", "/flows/", {"Origin": EVIL})
        listed, _ = asked_as_a_stranger(url, "POST", "/flows/filter", {})
        _, allowed = asked_as_a_stranger(url, "OPTIONS", "/flows/", preflight)

        async def ours() -> int:
            async with get_client() as client:
                return len(await client.read_flows())

        flows = asyncio.run(ours())
    print(json.dumps([planted, listed, allowed.get("access-control-allow-origin"), flows]))


def test_a_stranger_is_refused_and_a_page_of_another_origin_is_not_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    code = "from tests.hostile.test_local_prefect import tell; tell()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [401, 401, None, 0]
