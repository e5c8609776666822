"""The shared server of endpoint quirks, each behaviour a run: what it bills stays within the budget and the books."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.flows.ask.test_money import run
from tests.flows.conftest import WriteRecipe

pytestmark = [
    pytest.mark.quirks,
    pytest.mark.skipif("COTFACTORY_SHARED" not in os.environ, reason="the shared server is not here"),
]
SERVER = Path(os.environ.get("COTFACTORY_SHARED", "")) / "tools" / "quirk_server.py"
PRICE = {"input": 1.0, "output": 10.0}
FREE = {"err_in_200", "err_in_200_ratelimit", "err_in_200_context"}  # no answer was made, though the server bills all
SLOW = {"rl_minute_nohdr", "rl_retryafter", "rl_huge"}  # they wait for a minute and more: paces are tested elsewhere


def behaviours() -> list[str]:
    """The names of all behaviours that the server has."""
    if not SERVER.is_file():
        return []
    listed = subprocess.run([sys.executable, str(SERVER), "0", "list"], capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split() if name not in SLOW]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server on a free port: its base URL."""
    start = (
        "import runpy, socket, sys; from aiohttp import web; app = runpy.run_path(sys.argv[1])['app'](); "
        "free = socket.socket(); free.bind(('127.0.0.1', 0)); print(free.getsockname()[1], flush=True); "
        "web.run_app(app, sock=free, print=None)"
    )
    with subprocess.Popen([sys.executable, "-c", start, str(SERVER)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


@pytest.mark.parametrize("name", behaviours())
def test_what_the_server_bills_is_within_the_budget_and_the_books(
    name: str, server: str, write_recipe: WriteRecipe, tmp_path: Path
) -> None:
    budget = 0.25
    spec = {
        "name": "t", "model": "m", "base_url": f"{server}/{name}/v1", "price": PRICE, "sampling": {"max_tokens": 4_096},
        "limits": {"concurrency": 4, "retries": 1, "timeout_s": 5.0},
    }  # fmt: skip
    summary, _ = run(write_recipe(count=8, teachers=[spec], budget={"usd": budget}, attempts=2), tmp_path / "w")
    billed = _billed(server, name)
    assert billed <= budget
    assert summary.budget is not None
    assert name in FREE or summary.budget.spent_usd + summary.budget.unconfirmed_usd >= billed - 1e-9


def _billed(server: str, name: str) -> float:
    with urlopen(f"{server}/_stats/{name}") as answer:
        told: dict[str, Any] = json.load(answer)
    return float(told["billed_in"] * PRICE["input"] + told["billed_out"] * PRICE["output"]) / 1e6
