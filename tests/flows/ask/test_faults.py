"""An endpoint that fails a fifth of the time, in every way there is, still gives every chain once."""

import asyncio
import random
from pathlib import Path

from aiohttp import web

from cotfactory.flows.build import build
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.flows.summary import RunSummary
from cotfactory.warehouse.catalog import query_catalog
from cotfactory.warehouse.workspace import Workspace
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, Fault, right
from tests.generators.scripted_server import HANG_S, chat

CANDIDATES = 300


async def refuse(_: web.Request) -> web.StreamResponse:
    return web.Response(status=429, headers={"Retry-After": "0.2"}, text="{}")


async def fail(_: web.Request) -> web.StreamResponse:
    return web.Response(status=500, text="oops")


async def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(HANG_S)
    return web.Response()


async def cut_short(_: web.Request) -> web.StreamResponse:
    return web.Response(text='{"choices": [{"mess', content_type="application/json")


async def say_nothing(_: web.Request) -> web.StreamResponse:
    return web.json_response({**chat(""), "usage": {"prompt_tokens": 3, "completion_tokens": 1}})


FAULTS: tuple[Fault, ...] = (refuse, fail, reset, hang, cut_short, say_nothing)


def test_a_fifth_of_faults(write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # shown when the test fails
    chance = random.Random(seed)

    def unreliable(question: str, sample: int) -> str | int | Fault:
        return chance.choice(FAULTS) if chance.random() < 0.2 else right(question, sample)

    teacher.answer = unreliable
    spec = {
        "name": "t",
        "model": "m",
        "base_url": teacher.base_url,
        "sampling": {"seed": 0},
        "limits": {"concurrency": 32, "retries": 9, "timeout_s": 1.5},
    }
    recipe = write_recipe(count=CANDIDATES // 3, teachers=[spec], shard_problems=40)
    summary = run(recipe, tmp_path / "w")
    assert (summary.candidates, summary.failed_calls) == (CANDIDATES, 0)
    assert teacher.calls > CANDIDATES
    stored = "SELECT count(*), count(DISTINCT candidate_id), count(*) FILTER (response = '') FROM candidates"
    assert query_catalog(Workspace(tmp_path / "w"), stored)[1] == [(CANDIDATES, CANDIDATES, 0)]


def run(recipe: Path, workspace: Path) -> RunSummary:
    with TerminalProgress() as progress:
        return asyncio.run(build(BuildRequest(load_recipe(recipe), workspace), DirectStages(), progress))
