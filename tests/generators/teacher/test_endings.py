"""What real endpoints put where, over HTTP: the thinking, the answer and the reason why it ended are told apart."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.generators.teacher.limiter import Limiter
from cotfactory.generators.teacher.reasoning import split
from cotfactory.generators.teacher.shared_prompts import SharedPrompts
from cotfactory.generators.teacher.teacher import OpenAITeacher, Request, ask_with_retries
from cotfactory.schemas.errors import TeacherError, TeacherUnavailable
from cotfactory.schemas.reasoning_tags import MARKS
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Completion, Message, Sampling
from tests.generators.scripted_server import Script, chat, serving

SPEC = TeacherSpec(name="t", model="m")
REQUEST = Request("r", [Message(role="user", content="What is 3 + 4?")], Sampling(), 0, 10)


def reply(
    content: Any = "It is 7.", finish_reason: Any = "stop", beside: dict[str, Any] | None = None, **message: Any
) -> Any:
    said = chat(content, **message)
    said["choices"][0] |= {"finish_reason": finish_reason, **(beside or {})}
    return said


def ask(*replies: Any) -> tuple[Completion, Script]:
    async def run() -> tuple[Completion, Script]:
        async with serving(replies) as (base_url, script), OpenAITeacher(SPEC, Endpoint(base_url, "key")) as teacher:
            return await teacher.complete(REQUEST), script

    return asyncio.run(run())


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning_content": "3 + 4"},  # DeepSeek, vLLM
        {"reasoning": "3 + 4"},  # OpenRouter, Groq
        {"thinking": "3 + 4"},  # Ollama
        {"reasoning_details": [{"type": "reasoning.text", "text": "3 + ", "index": 0}, {"type": "x", "text": "4"}]},
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "3 + 4"}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "3 + 4", "signature": "x"}]},  # LiteLLM
        {"content": [{"type": "thinking", "thinking": "3 + 4"}, {"type": "text", "text": "It is 7."}]},
        {  # Mistral: parts within parts
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "3 + 4"}], "closed": True},
                {"type": "text", "text": "It is 7."},
            ]
        },
        {"content": [{"type": "reasoning", "text": "3 + 4"}, {"type": "output_text", "text": "It is 7."}]},
        {"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "3 + 4"}]}, "It is 7."]},
        {"content": "[THINK]3 + 4[/THINK]It is 7."},
        {"content": "\u25c1think\u25b73 + 4\u25c1/think\u25b7It is 7."},
        {"content": "<|channel|>analysis<|message|>3 + 4<|end|><|start|>assistant<|channel|>final<|message|>It is 7."},
        {"content": "<think>3 + 4</think><answer>It is 7.</answer>"},
    ],
)
def test_where_the_thinking_is(message: dict[str, Any]) -> None:
    completion, _ = ask(reply(**message))
    assert split(completion) == ("3 + 4", "It is 7.")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("stop", "stop"),
        ("eos_token", "stop"),
        ("end_turn", "stop"),
        (None, "unknown"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("SAFETY", "content_filter"),
        ({"type": "stop", "matched": 2}, "stop"),  # SGLang
    ],
)
def test_why_it_ended(word: Any, meant: str) -> None:
    completion, _ = ask(reply(finish_reason=word))
    assert completion.finish_reason == meant
    assert completion.finish_reason_raw == (None if word is None else str(word))


def test_a_refusal_is_the_answer_and_not_one_to_learn_from() -> None:
    completion, _ = ask(reply(None, refusal="I can't help with that."))
    assert completion.content == "I can't help with that."
    assert (completion.finish_reason, completion.finish_reason_raw) == ("content_filter", "stop")
    completion, _ = ask(reply("It is 7.", refusal=None))
    assert (completion.content, completion.finish_reason) == ("It is 7.", "stop")


def test_a_text_in_the_choice_itself_is_read() -> None:
    completion, _ = ask(reply(beside={"message": None, "text": "It is 7."}))
    assert completion.content == "It is 7."


BROKEN = (
    reply("A first guess is 8, but", "error", {"error": {"code": 502, "message": "upstream died"}}),  # OpenRouter
    reply("A first guess is 8, but", "stop", {"error": {"code": 502, "message": "upstream died"}}),
    reply("A first guess is 8, but", "abort"),  # vLLM, SGLang
    reply("A first guess is 8, but", "insufficient_system_resource"),  # DeepSeek
)


@pytest.mark.parametrize("broken", BROKEN)
def test_what_was_broken_off_is_no_sample_and_asked_again(broken: Any) -> None:
    with pytest.raises(TeacherUnavailable, match="broke an answer off") as caught:
        ask(broken)
    assert caught.value.maybe_billed  # it may bill what there was of it

    async def run() -> Completion:
        async with (
            serving([broken, reply()]) as (base_url, _),
            OpenAITeacher(SPEC, Endpoint(base_url, "key")) as teacher,
        ):
            return await ask_with_retries(teacher, SPEC, Limiter(SPEC.limits), REQUEST, Payment())

    assert asyncio.run(run()).content == "It is 7."


class Payment:
    async def hold(self) -> None: ...

    def sent(self) -> None: ...

    def failed(self, error: TeacherError) -> None: ...


def test_of_several_samples_the_one_that_was_broken_off_is_asked_for_alone() -> None:
    several = reply("It is 7.")
    several["choices"].append({**BROKEN[2]["choices"][0], "index": 1})

    async def run() -> list[str]:
        async with (
            serving([several, reply("It is 7, again.")]) as (base_url, _),
            OpenAITeacher(SPEC, Endpoint(base_url, "key")) as teacher,
        ):
            shared = SharedPrompts(teacher, 2)
            found = await asyncio.gather(shared.complete(REQUEST), shared.complete(REQUEST))
            return [completion.content for completion in found]

    assert asyncio.run(run()) == ["It is 7.", "It is 7, again."]


ABOUT_ENDINGS = ("reasoning = ", "response ", "response = ", "truncated: ", "finished: ")


def shared_cases() -> list[dict[str, Any]]:
    folder = os.environ.get("COTFACTORY_SHARED")
    if folder is None:
        return []
    lines = (Path(folder) / "data" / "cases" / "engine.jsonl").read_text("utf-8").splitlines()
    return [case for case in map(json.loads, lines) if case["expected"].startswith(ABOUT_ENDINGS)]


@pytest.mark.parametrize("case", shared_cases(), ids=lambda case: case["name"])
def test_recorded_replies(case: dict[str, Any]) -> None:
    """Replies of real endpoints, kept with the shared data: whole where they are whole, and no mark anywhere."""
    completion, _ = ask(json.loads(case["reply"]["body"]))
    reasoning, response = split(completion)
    assert "guess would be" in (reasoning or "")
    assert not MARKS.search(f"{reasoning}{response}")
    assert "<answer>" not in response
    if case["expected"].startswith("truncated"):
        assert completion.finish_reason == "length"
    else:
        assert response == "Adding the numbers gives 17 + 25 = 42.\n\nThe answer is \\boxed{42}."
        assert completion.finish_reason == "stop"
