"""Endpoints that bill in ways of their own: no run spends more than its budget, and the books hold the whole bill."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from cotfactory.flows.build import build
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.flows.summary import RunSummary
from cotfactory.schemas.errors import BudgetReached, CotfactoryError
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, Fault, right
from tests.generators.scripted_server import chat

PRICE = {"input": 1.0, "output": 10.0, "cached_input": 0.1}
MAX_TOKENS = 200
Behaviour = Callable[["Biller", int, str], web.StreamResponse]
"""(who bills, number of the request, a right answer) -> what is answered."""


@dataclass
class Biller:
    """Answers by a behaviour, and adds up what the provider bills."""

    behaviour: Behaviour
    usd: float = 0.0
    bills: list[float] = field(default_factory=list)
    requests: int = 0

    def bill(self, prompt: int, output: int, cached: int = 0) -> None:
        usd = ((prompt - cached) * PRICE["input"] + cached * PRICE["cached_input"] + output * PRICE["output"]) / 1e6
        self.usd += usd
        self.bills.append(usd)

    def answer(self, question: str, seed: int) -> Fault:
        async def respond(_: web.Request) -> web.StreamResponse:
            self.requests += 1
            number = self.requests
            await asyncio.sleep(0.01)  # so that as many as may be are in flight
            return self.behaviour(self, number, right(question, seed))

        return respond


def tells(usage: Any, prompt: int = 20, output: int = 30, cached: int = 0) -> Behaviour:
    """An endpoint that bills so many tokens and says `usage`."""

    def behave(biller: Biller, _: int, text: str) -> web.StreamResponse:
        biller.bill(prompt, output, cached)
        return web.json_response({**chat(text), "usage": usage})

    return behave


def every_second(status: int) -> Behaviour:
    """A gateway that gives up on every second request, after the model has worked to its limit."""

    def behave(biller: Biller, number: int, text: str) -> web.StreamResponse:
        if number % 2:
            return tells({"prompt_tokens": 20, "completion_tokens": 30})(biller, number, text)
        biller.bill(20, MAX_TOKENS)
        return web.Response(status=status, text="<html>Gateway Time-out</html>", content_type="text/html")

    return behave


def cut_short(biller: Biller, number: int, text: str) -> web.StreamResponse:
    biller.bill(20, 30)
    return web.Response(text='{"choices": [{"mess', content_type="application/json")


def longer_and_longer(biller: Biller, number: int, text: str) -> web.StreamResponse:
    """Every bill goes further beyond the limit than the one before."""
    output = MAX_TOKENS * (1 + number)
    return tells({"prompt_tokens": 20, "completion_tokens": output}, output=output)(biller, number, text)


BEHAVIOURS: dict[str, Behaviour] = {
    # told, by other names or in other places
    "as OpenAI tells it": tells({"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 50}),
    "reasoning beside the completion": tells(
        {"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 210,
         "completion_tokens_details": {"reasoning_tokens": 160}}, output=190,
    ),
    "in the total alone": tells({"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 210}, output=190),
    "Anthropic's names": tells({"input_tokens": 20, "output_tokens": 30}),
    "cached by Anthropic's names": tells(
        {"input_tokens": 2, "cache_read_input_tokens": 18, "output_tokens": 30}, cached=18
    ),
    "Gemini's names": tells(
        {"promptTokenCount": 20, "candidatesTokenCount": 30, "thoughtsTokenCount": 160}, output=190
    ),
    "cached": tells(
        {"prompt_tokens": 20, "completion_tokens": 30, "prompt_tokens_details": {"cached_tokens": 16}}, cached=16
    ),
    "details that are a list": tells({"prompt_tokens": 20, "completion_tokens": 30, "completion_tokens_details": []}),
    "numbers as text": tells({"prompt_tokens": "20", "completion_tokens": "30"}),
    # not told
    "nothing": tells(None),
    "an empty object": tells({}),
    "a list": tells([{"prompt_tokens": 1}]),
    "noughts": tells({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
    "less than nothing": tells({"prompt_tokens": 20, "completion_tokens": -1, "total_tokens": 19}),
    "the prompt alone": tells({"prompt_tokens": 20}),
    # beyond the worst case
    "a hidden system prompt": tells({"prompt_tokens": 3_000, "completion_tokens": 30}, prompt=3_000),
    "a limit that bounds the answer only": tells({"prompt_tokens": 20, "completion_tokens": 900}, output=900),
    "a limit that is ignored more and more": longer_and_longer,
    # billed, and no answer
    "bodies that are cut": cut_short,
    "502": every_second(502),
    "504": every_second(504),
    "524": every_second(524),
}  # fmt: skip


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_no_run_spends_more_than_its_budget(
    name: str, write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """Only the bill that first goes beyond its worst case, and what was in flight with it, may exceed the budget."""
    biller = Biller(BEHAVIOURS[name])
    teacher.answer = biller.answer
    budget, concurrency = 0.02, 8
    spec = {
        "name": "t", "model": "m", "base_url": teacher.base_url, "price": PRICE,
        "sampling": {"max_tokens": MAX_TOKENS, "seed": 0},
        "limits": {"concurrency": concurrency, "retries": 1},
    }  # fmt: skip
    recipe = write_recipe(count=30, teachers=[spec], budget={"usd": budget}, attempts=4, shard_problems=30)
    summary, stopped = run(recipe, tmp_path / "w")
    assert summary.budget is not None
    counted = summary.budget.spent_usd + summary.budget.unconfirmed_usd
    assert counted >= biller.usd - 1e-9
    assert biller.bills
    if biller.usd > budget:
        assert isinstance(stopped, BudgetReached)
        assert biller.usd - budget <= concurrency * max(biller.bills)
    assert name == "a limit that is ignored more and more" or biller.usd <= budget
    assert (summary.cost_usd, summary.unconfirmed_usd) == pytest.approx(
        (summary.budget.spent_usd, summary.budget.unconfirmed_usd)
    )


def run(recipe: Path, workspace: Path) -> tuple[RunSummary, CotfactoryError | None]:
    with TerminalProgress() as progress:
        stopped: CotfactoryError | None = None
        try:
            summary = asyncio.run(build(BuildRequest(load_recipe(recipe), workspace), DirectStages(), progress))
        except CotfactoryError as error:
            stopped = error
    told = summary if stopped is None else stopped.summary
    assert isinstance(told, RunSummary)
    return told, stopped
