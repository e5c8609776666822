"""Two machines keep to one endpoint's limits, as the endpoint sees it: it notes when requests of which one arrive."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, Fault, right
from tests.flows.nodes.raylets import Cluster, two_raylets
from tests.generators.scripted_server import chat

pytest.importorskip("ray")
pytestmark = pytest.mark.slow
KEY = "NODE_KEY"
ANSWERS_IN_S = 0.25
"""So that one machine alone is not done with everything in the second that it may take to hear of the other."""


@dataclass(frozen=True)
class Arrival:
    """One request, when it arrived (seconds of the monotonic clock) and from which machine, by its key."""

    at: float
    of: str


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Have two machines, each with a key of its own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(KEY, "first")
        with two_raylets({KEY: "second"}) as running:
            yield running


def ask(cluster: Cluster, recipe: Path, workspace: Path) -> None:
    command = [sys.executable, "-m", "cotfactory", "run", str(recipe), "--workspace", str(workspace), "--direct"]
    done = subprocess.run(
        [*command, "--nodes", "auto"], env=cluster.environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


def noting(teacher: CountingTeacher, arrivals: list[Arrival], refused: list[Arrival], wait_s: int = 0) -> None:
    """Have the teacher note what arrives; the second machine is refused, once, what it has sent at about that time."""

    def answer(question: str, seed: int) -> Fault:
        async def reply(request: web.Request) -> web.StreamResponse:
            arrival = Arrival(time.monotonic(), request.headers["Authorization"].removeprefix("Bearer "))
            arrivals.append(arrival)
            is_begun = {"first", "second"} <= {earlier.of for earlier in arrivals}
            if wait_s and arrival.of == "second" and is_begun and (not refused or arrival.at < refused[0].at + wait_s):
                refused.append(arrival)
                error = {"error": {"message": "slow down"}}
                return web.json_response(error, status=429, headers={"Retry-After": str(wait_s)})
            await asyncio.sleep(ANSWERS_IN_S)
            return web.json_response(chat(right(question, seed)) | {"model": "m"})

        return reply

    teacher.answer = answer


def asked_of(teacher: CountingTeacher, **limits: int) -> list[dict[str, object]]:
    plain: dict[str, object] = {
        "name": "t",
        "model": "m",
        "base_url": teacher.base_url,
        "api_key_env": KEY,
        "sampling": {"seed": 0},
    }
    return [plain | {"limits": limits}]


def test_a_machine_that_is_asked_to_wait_has_all_wait(
    cluster: Cluster, write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """Nothing arrives from a second after the endpoint said so on; then all is asked."""
    arrivals: list[Arrival] = []
    refused: list[Arrival] = []
    wait_s = 12
    noting(teacher, arrivals, refused, wait_s)
    recipe = write_recipe(count=120, attempts={"max": 4}, shard_problems=10, teachers=asked_of(teacher, concurrency=16))
    ask(cluster, recipe, tmp_path / "w")
    said, over = refused[-1].at, refused[0].at + wait_s
    assert said < refused[0].at + 1.0
    before = [arrival for arrival in arrivals if arrival.at < said]
    assert {arrival.of for arrival in before} == {"first", "second"}
    assert [arrival for arrival in arrivals if said + 1.0 < arrival.at < over] == []
    after = [arrival for arrival in arrivals if arrival.at >= over]
    assert {arrival.of for arrival in after} == {"first", "second"}
    assert len(arrivals) - len(refused) == 120 * 4


def test_requests_a_minute_are_those_of_all_machines_together(
    cluster: Cluster, write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """In any 60 seconds no more arrive than the recipe allows, and not much less."""
    arrivals: list[Arrival] = []
    noting(teacher, arrivals, [])
    a_minute = 120
    limits = {"concurrency": 16, "requests_per_minute": a_minute}
    recipe = write_recipe(count=42, attempts={"max": 4}, shard_problems=4, teachers=asked_of(teacher, **limits))
    ask(cluster, recipe, tmp_path / "w")
    times = sorted(arrival.at for arrival in arrivals)
    assert len(times) == 42 * 4
    assert {arrival.of for arrival in arrivals} == {"first", "second"}
    assert max(sum(first <= at < first + 60.0 for at in times) for first in times) <= a_minute
    assert times[-1] - times[0] < 1.2 * 60.0 * len(times) / a_minute
