"""Samples of one prompt in one request, whether or not the endpoint returns several."""

import asyncio
from typing import Any

import pytest

from cotfactory.generators.teacher.completions import read_completions
from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.generators.teacher.shared_prompts import SharedPrompts
from cotfactory.generators.teacher.teacher import OpenAITeacher, Request
from cotfactory.schemas.errors import TeacherRejected
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Completion, Message, Usage
from tests.generators.scripted_server import Script, chat, serving

SPEC = TeacherSpec.model_validate({"name": "t", "model": "m", "sampling": {"seed": 0}})
REFUSED: tuple[int, dict[str, str], str] = (400, {}, '{"error": {"message": "n must be 1"}}')


def several(*texts: str, prompt_tokens: int = 10, completion_tokens: int = 90) -> dict[str, Any]:
    choices = [{**chat(text)["choices"][0], "index": index} for index, text in enumerate(texts)]
    return {
        **chat(),
        "choices": choices,
        "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens},
    }


def ask(samples: int, most: int, *entries: Any, prompts: int = 1) -> tuple[list[Any], Script]:
    """Ask for so many samples of each prompt at once."""

    async def run() -> tuple[list[Any], Script]:
        async with serving(entries) as (url, script), OpenAITeacher(SPEC, Endpoint(url, "secret")) as teacher:
            shared = SharedPrompts(teacher, most)
            questions = [(Message(role="user", content=f"What is {prompt}?"),) for prompt in range(prompts)]
            asked = [
                Request(f"{number} {index}", question, SPEC.sampling, index, tokens=100)
                for number, question in enumerate(questions)
                for index in range(samples)
            ]
            answers = await asyncio.gather(*(shared.complete(request) for request in asked), return_exceptions=True)
            return list(answers), script

    return asyncio.run(run())


def texts(answers: list[Any]) -> list[str]:
    assert all(isinstance(answer, Completion) for answer in answers), answers
    return [answer.content for answer in answers]


def asked_for(script: Script) -> list[tuple[int, int]]:
    """Return (n, seed) of each request that was sent."""
    return [(body.get("n", 1), body["seed"]) for body in script.requests]


def test_samples_of_a_prompt_share_a_request() -> None:
    answers, script = ask(3, 4, several("a", "b", "c"))
    assert (texts(answers), asked_for(script)) == (["a", "b", "c"], [(3, 0)])


def test_no_request_asks_for_more_than_it_may() -> None:
    answers, script = ask(5, 2, several("a", "b"), several("c", "d"), chat("e"))
    assert sorted(asked_for(script)) == [(1, 4), (2, 0), (2, 2)]
    assert sorted(texts(answers)) == ["a", "b", "c", "d", "e"]


def test_prompts_are_not_mixed() -> None:
    _, script = ask(2, 8, several("a", "b"), prompts=3)
    assert [(body["n"], body["messages"][0]["content"]) for body in script.requests] == [
        (2, f"What is {number}?") for number in range(3)
    ]


def test_an_endpoint_that_returns_one_is_asked_for_the_others() -> None:
    answers, script = ask(3, 4, chat("a"), chat("b"), chat("c"))
    assert sorted(texts(answers)) == ["a", "b", "c"]
    assert asked_for(script) == [(3, 0), (1, 1), (1, 2)]


def test_an_endpoint_that_refuses_n_is_asked_for_one_at_a_time_from_then_on() -> None:
    async def run() -> Script:
        async with (
            serving([REFUSED, chat("a")]) as (url, script),
            OpenAITeacher(SPEC, Endpoint(url, "secret")) as teacher,
        ):
            shared = SharedPrompts(teacher, 4)
            messages = (Message(role="user", content="What is it?"),)
            for _ in range(2):
                requests = [Request(str(index), messages, SPEC.sampling, index, tokens=9) for index in range(2)]
                assert texts(await asyncio.gather(*map(shared.complete, requests))) == ["a", "a"]
            return script

    assert [n for n, _ in asked_for(asyncio.run(run()))] == [2, 1, 1, 1, 1]


def test_a_prompt_that_is_refused_by_itself_says_nothing_about_n() -> None:
    async def run() -> Script:
        entries = [REFUSED, REFUSED, REFUSED, several("a", "b")]
        async with serving(entries) as (url, script), OpenAITeacher(SPEC, Endpoint(url, "secret")) as teacher:
            shared = SharedPrompts(teacher, 4)
            for question in ("bad", "good"):
                messages = (Message(role="user", content=question),)
                requests = [Request(str(index), messages, SPEC.sampling, index, tokens=9) for index in range(2)]
                answers = await asyncio.gather(*map(shared.complete, requests), return_exceptions=True)
                assert all(isinstance(answer, TeacherRejected) for answer in answers) == (question == "bad")
            return script

    assert [n for n, _ in asked_for(asyncio.run(run()))] == [2, 1, 1, 2]


def test_whoever_asked_hears_what_went_wrong() -> None:
    answers, _ = ask(2, 4, (500, {}, "broken"))
    assert [answer.retryable for answer in answers] == [True, True]


@pytest.mark.parametrize(
    ("said", "usages"),
    [
        (several("x" * 100, "x" * 200), [(10, 30), (0, 60)]),
        (several("", ""), [(10, 0), (0, 90)]),  # billed, and nobody knows for what
        (several("abc", "abc", "abc", completion_tokens=100), [(10, 33), (0, 33), (0, 34)]),  # to the last token
        (several("a"), [(10, 90)]),
    ],
)  # fmt: skip
def test_what_was_billed_is_shared_out(said: dict[str, Any], usages: list[tuple[int, int]]) -> None:
    read = read_completions(said, 1.0)
    assert [
        completion.usage and (completion.usage.input_tokens, completion.usage.output_tokens) for completion in read
    ] == usages
    unknown = read_completions({**said, "usage": None}, 1.0)
    assert {completion.usage for completion in unknown} == {None}


def test_choices_come_by_their_index() -> None:
    said = several("a", "b")
    said["choices"].reverse()
    assert [completion.content for completion in read_completions(said, 1.0)] == ["a", "b"]
    assert read_completions(said, 1.0)[0].usage == Usage(input_tokens=10, output_tokens=45)
