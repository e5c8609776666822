import asyncio
from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletion

from cotfactory.generators.local_teachers.simulated_teacher import simulating
from cotfactory.generators.local_teachers.student import answer_problem, worked
from cotfactory.generators.problems.procedural_source import FAMILIES, load_procedural
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.problem_sources import ProceduralSource
from cotfactory.schemas.teacher_spec import StudentShares

SHARES = StudentShares(truncated=0.2)
PROBLEMS = list(load_procedural(ProceduralSource(source="procedural", families=tuple(FAMILIES), count=15, seed=2))) + [
    Problem(
        problem_id=f"colours-{answer}",
        source="test",
        source_row_id="colours",
        question="Which of these is the colour of grass?",
        choices=choices,
        answer=answer,
        answer_kind="choice",
        split_group="colours",
    )
    for choices, answer in ((("red", "green"), "B"), (("lime green", "pink"), "A"))
]


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with simulating(PROBLEMS, "student-1", SHARES) as url:
        yield url


@pytest.fixture
def client(base_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
        yield client


def prompt(problem: Problem) -> str:
    options = "".join(
        f"\n{letter}. {choice}" for letter, choice in zip("ABCDEFGH", problem.choices or (), strict=False)
    )
    return f"{problem.question}\n{options}\n\nThink step by step."


def ask(client: openai.OpenAI, problem: Problem, model: str = "student-1", **sampling: int) -> ChatCompletion:
    body = {"model": model, "messages": [{"role": "user", "content": prompt(problem)}], **sampling}
    return client.post("/chat/completions", body=body, cast_to=ChatCompletion)


def test_every_problem_is_answered_as_the_student_would(base_url: str) -> None:
    """Many at a time, over HTTP, from another process: what is said is what the student says to that sample."""

    async def ask_all() -> None:
        async with openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as client:

            async def fetch(problem: Problem, seed: int) -> None:
                messages = [{"role": "user", "content": prompt(problem)}]
                reply = await client.chat.completions.create(model="student-1", messages=messages, seed=seed)  # type: ignore[arg-type]
                said = answer_problem(problem, worked(problem), "student-1", seed, SHARES)
                choice = reply.choices[0]
                assert choice.message.content == said.content
                assert choice.message.model_dump().get("reasoning_content") == said.reasoning
                assert choice.finish_reason == ("length" if said.mode == "truncated" else "stop")
                cut.append(said.mode == "truncated")

            async with asyncio.TaskGroup() as group:
                for problem in PROBLEMS:
                    for seed in range(4):
                        group.create_task(fetch(problem, seed))

    cut: list[bool] = []
    asyncio.run(ask_all())
    assert len(cut) == 4 * len(PROBLEMS)
    assert 0 < sum(cut) < len(cut)


def test_without_a_seed_the_answers_are_samples_0_1_2(client: openai.OpenAI) -> None:
    problem = PROBLEMS[40]
    for sample in range(3):
        said = answer_problem(problem, worked(problem), "student-1", sample, SHARES)
        assert ask(client, problem).choices[0].message.content == said.content


def test_usage_counts_four_characters_as_a_token(client: openai.OpenAI) -> None:
    thoughts = 0
    for seed in range(12):
        reply = ask(client, PROBLEMS[0], seed=seed)
        message = reply.choices[0].message
        thought = len(message.model_dump().get("reasoning_content") or "")
        assert reply.usage is not None
        assert reply.usage.completion_tokens == -(-thought // 4) + -(-len(message.content or "") // 4)
        assert reply.usage.completion_tokens_details is not None
        assert reply.usage.completion_tokens_details.reasoning_tokens == -(-thought // 4)
        assert reply.usage.prompt_tokens == -(-len(prompt(PROBLEMS[0])) // 4)
        thoughts += thought > 0
    assert 0 < thoughts < 12


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_an_answer_is_cut_at_the_limit_thinking_first(client: openai.OpenAI, limit: str) -> None:
    for seed in range(12):
        whole = ask(client, PROBLEMS[1], seed=seed)
        limits: dict[str, int] = {limit: 9, "seed": seed}
        cut = ask(client, PROBLEMS[1], "student-1", **limits)
        assert whole.usage is not None
        assert cut.usage is not None
        assert whole.usage.completion_tokens > 9
        assert cut.usage.completion_tokens == 9
        assert cut.choices[0].finish_reason == "length"
        for part in ("reasoning_content", "content"):
            full, kept = (reply.choices[0].message.model_dump().get(part) or "" for reply in (whole, cut))
            assert full.startswith(kept)
        if whole.choices[0].message.model_dump().get("reasoning_content"):
            assert cut.choices[0].message.content == ""


def test_an_answer_within_the_limit_is_whole(client: openai.OpenAI) -> None:
    assert ask(client, PROBLEMS[1], seed=3, max_tokens=1000).choices == ask(client, PROBLEMS[1], seed=3).choices


def test_the_same_question_with_other_choices_is_another_problem(client: openai.OpenAI) -> None:
    first, second = PROBLEMS[-2:]
    for problem in (first, second):
        for seed in range(8):
            said = answer_problem(problem, None, "student-1", seed, SHARES)
            assert ask(client, problem, seed=seed).choices[0].message.content == said.content


def test_an_unknown_model_is_a_404(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="'gpt-9' does not exist; there is student-1") as caught:
        ask(client, PROBLEMS[0], model="gpt-9")
    assert caught.value.code == "model_not_found"


def test_an_unknown_question_is_a_404(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="no problem of this recipe is in the prompt") as caught:
        ask(client, PROBLEMS[0].model_copy(update={"question": "What is the meaning of it all?"}))
    assert caught.value.code == "unknown_question"


def test_the_model_is_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["student-1"]
