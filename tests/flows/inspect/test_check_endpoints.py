"""`check` asks one real question with the recipe's parameters, and says what to change where they are refused."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from cotfactory.flows.ask.teachers import SMALLEST_LIMIT, describe_endpoint
from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.generators.ask.strategies import Strategy
from cotfactory.schemas.errors import TeacherError
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Attempts
from cotfactory.schemas.teacher_spec import TeacherSpec
from tests.generators.scripted_server import Script, chat, serving
from tests.publishing.made_groups import made_problem

JSON = {"Content-Type": "application/json"}


def refused(message: str, status: int = 400) -> Any:
    return status, JSON, json.dumps({"error": {"message": message}})


def described(
    tmp_path: Path, *entries: Any, models: Any = None, asks: bool = True, **sampling: Any
) -> tuple[str, Script]:
    async def run() -> tuple[str, Script]:
        async with serving(entries or [chat()], ["m"] if models is None else models) as (base_url, script):
            price = {"input": 1, "output": 10}
            spec = TeacherSpec.model_validate(
                {"name": "t", "model": "m", "base_url": base_url, "price": price, "sampling": sampling}
            )
            plan = TeacherPlan(0, spec, Strategy(spec), Attempts(max=1), None)
            return await describe_endpoint(plan, PROBLEMS, tmp_path, asks=asks), script

    return asyncio.run(run())


PROBLEMS: list[Problem] = [made_problem()]


def test_one_question_with_the_smallest_limit_and_what_it_took(tmp_path: Path) -> None:
    said, script = described(tmp_path, temperature=0.5, max_completion_tokens=4_000)
    assert "one question too (8 tokens, 0.000053 USD)" in said
    (body,) = script.requests
    assert (body["temperature"], body["max_completion_tokens"]) == (0.5, SMALLEST_LIMIT)
    assert "max_tokens" not in body


def test_no_question(tmp_path: Path) -> None:
    said, script = described(tmp_path, asks=False)
    assert said.endswith(" answers")
    assert script.requests == []


@pytest.mark.parametrize("listed", [["models/m"], ["m:latest"], ["org/m:free"], ["other"], [], (403, {}, "no")])
def test_no_list_of_models_is_a_fault_when_the_question_is_answered(tmp_path: Path, listed: Any) -> None:
    assert "one question too" in described(tmp_path, models=listed)[0]


def test_a_model_that_is_not_listed_is_a_fault_when_nothing_is_asked(tmp_path: Path) -> None:
    with pytest.raises(TeacherError, match="does not list model 'm', but other"):
        described(tmp_path, models=["other"], asks=False)


@pytest.mark.parametrize(
    ("message", "status", "advice"),
    [
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", 400, "max_completion_tokens` in"),
        ("'temperature' does not support 0.7 with this model.", 400, "take `temperature` out"),
        ("body seed Extra inputs are not permitted", 422, "`seed: null`"),
        ("Incorrect API key", 401, "OPENAI_API_KEY"),
        ("Insufficient Balance", 402, "no credit left"),
    ],
)
def test_what_to_change(tmp_path: Path, message: str, status: int, advice: str) -> None:
    with pytest.raises(TeacherError, match=advice):
        described(tmp_path, refused(message, status), max_tokens=2_000)


def test_a_limit_that_the_recipe_does_not_have_is_no_fault_of_it(tmp_path: Path) -> None:
    said, script = described(tmp_path, refused("Use 'max_completion_tokens' instead of 'max_tokens'"), chat())
    assert "one question too" in said
    assert "max_tokens" not in script.requests[1]


def test_a_limit_of_requests_is_no_fault(tmp_path: Path) -> None:
    assert "for now" in described(tmp_path, refused("too many requests", 429), max_tokens=9)[0]
