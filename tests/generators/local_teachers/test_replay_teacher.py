import asyncio
import gzip
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from openai.types.chat import ChatCompletion

from cotfactory.generators.local_teachers.recordings import count_recordings, read_recordings
from cotfactory.generators.local_teachers.replay_teacher import replaying

EGGS = "How many eggs does Janet sell every day?"
TWICE = f"{EGGS} And on two days?"
ROWS = [
    {"problem_id": "1", "question": EGGS, "model": "large", "sample": 1, "response": "large second"},
    {"problem_id": "1", "question": EGGS, "model": "large", "sample": 0, "response": "large first", "reasoning": "Hm."},
    {
        "problem_id": "1",
        "question": EGGS,
        "model": "small",
        "sample": 0,
        "response": "small",
        "finish_reason": "length",
    },
    {"problem_id": "2", "question": TWICE, "model": "small", "sample": 7, "response": "twice"},
    {"problem_id": "3", "question": "Which of these is green?", "model": "small", "sample": 0, "response": "A"},
    {"problem_id": "4", "question": "Which of these is green?", "model": "small", "sample": 0, "response": "B"},
]


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("replay") / "recordings.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    with replaying(path) as url:
        yield url


def ask(client: openai.OpenAI, model: str, question: str, **sampling: int) -> ChatCompletion:
    messages = [
        {"role": "system", "content": "You are careful."},
        {"role": "user", "content": f"{question}\n\nThink step by step."},
    ]
    body = {"model": model, "messages": messages, **sampling}
    return client.post("/chat/completions", body=body, cast_to=ChatCompletion)


def text(reply: ChatCompletion) -> str | None:
    return reply.choices[0].message.content


@pytest.fixture
def client(base_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
        yield client


def test_the_seed_names_the_sample_in_recorded_order(client: openai.OpenAI) -> None:
    assert text(ask(client, "large", EGGS, seed=1)) == "large second"
    assert text(ask(client, "large", EGGS, seed=0)) == "large first"
    assert text(ask(client, "large", EGGS, seed=1)) == "large second"


def test_without_a_seed_answers_come_one_after_the_other(client: openai.OpenAI) -> None:
    assert text(ask(client, "small", f"{EGGS} ")) == "small"
    with pytest.raises(openai.NotFoundError):
        ask(client, "small", f"{EGGS} ")
    # Another prompt and another model have counts of their own.
    assert text(ask(client, "small", f"Please: {EGGS}")) == "small"
    assert text(ask(client, "large", f"{EGGS} ")) == "large first"


def test_a_model_that_was_not_recorded_gets_all_models_completions(client: openai.OpenAI) -> None:
    # In sample order: both samples 0 before sample 1. Who answered is told.
    replies = [ask(client, "anyone", EGGS, seed=seed) for seed in range(3)]
    assert [text(reply) for reply in replies] == ["large first", "small", "large second"]
    assert [reply.model for reply in replies] == ["large", "small", "large"]


def test_everything_recorded_is_sent(client: openai.OpenAI) -> None:
    first = ask(client, "large", EGGS, seed=0)
    assert first.choices[0].message.model_dump()["reasoning_content"] == "Hm."
    assert first.choices[0].finish_reason == "stop"
    cut = ask(client, "small", EGGS, seed=0)
    assert "reasoning_content" not in cut.choices[0].message.model_dump(exclude_unset=True)
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage is not None
    assert cut.usage.completion_tokens == 2  # five characters
    assert cut.usage.total_tokens == cut.usage.prompt_tokens + 2


def test_the_official_client_streams_what_it_gets_at_once(client: openai.OpenAI) -> None:
    for model, usage_wanted in itertools.product(("large", "small"), (True, False)):
        whole = ask(client, model, EGGS, seed=0)
        streamed = client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": f"{EGGS}\n\nThink step by step."}],
            seed=0,
            stream=True,
            stream_options={"include_usage": usage_wanted},
        )
        chunks = list(streamed)
        deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
        message = whole.choices[0].message
        assert "".join(delta.content or "" for delta in deltas) == message.content
        thought = "".join(delta.model_dump().get("reasoning_content") or "" for delta in deltas)
        assert thought == (message.model_dump().get("reasoning_content") or "")
        assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] == [
            whole.choices[0].finish_reason
        ]
        told = [chunk.usage for chunk in chunks if chunk.usage]
        assert [usage.completion_tokens for usage in told] == (
            [whole.usage.completion_tokens] if usage_wanted and whole.usage else []
        )


def test_a_long_recording_is_streamed_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "recordings.jsonl"
    long = "Step by step: \u221a49 = 7. " * 40
    path.write_text(json.dumps({**ROWS[0], "response": long, "reasoning": long[::-1]}) + "\n")
    with replaying(path) as url, openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        streamed = client.chat.completions.create(
            model="large", messages=[{"role": "user", "content": EGGS}], seed=0, stream=True
        )
        deltas = [chunk.choices[0].delta for chunk in streamed]
    assert "".join(delta.content or "" for delta in deltas) == long
    assert "".join(delta.model_dump().get("reasoning_content") or "" for delta in deltas) == long[::-1]
    assert len(deltas) > 20


def test_a_question_that_contains_another_gets_its_own_completion(client: openai.OpenAI) -> None:
    assert text(ask(client, "small", TWICE, seed=0)) == "twice"


@pytest.mark.parametrize(
    ("model", "question", "seed", "message"),
    [
        ("large", "How many hens does Janet have?", 0, "no question recorded in recordings.jsonl is in the prompt"),
        ("large", EGGS, 2, "sample 2 of 'large' was not recorded: recordings.jsonl has 2 for this question"),
        ("anyone", EGGS, 3, "sample 3 of 'anyone' was not recorded: recordings.jsonl has 3"),
        ("large", TWICE, 0, "sample 0 of 'large' was not recorded: recordings.jsonl has 0"),
        ("large", EGGS, -1, "sample -1 of 'large' was not recorded"),
        ("small", "Which of these is green?", 0, "this question under several problem ids"),
    ],
)
def test_what_was_not_recorded_is_a_404_that_says_so(
    client: openai.OpenAI, model: str, question: str, seed: int, message: str
) -> None:
    with pytest.raises(openai.NotFoundError, match=message) as caught:
        ask(client, model, question, seed=seed)
    assert caught.value.code == "no_recording"


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["large", "small"]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"n": 2}, "one choice a request"),
        ({"stream": True, "stream_options": 7}, "stream_options=7: an object was expected"),
        ({"messages": "hello"}, "`messages`, a list of objects"),
        ({"messages": []}, "no user message"),
        ({"model": 7}, "`model`, a string"),
        ({"seed": "first"}, "seed='first': an integer"),
    ],
)
def test_requests_that_cannot_be_served_are_refused(
    client: openai.OpenAI, extra: dict[str, object], message: str
) -> None:
    body = {"model": "large", "messages": [{"role": "user", "content": EGGS}], **extra}
    with pytest.raises(openai.BadRequestError, match=message):
        client.post("/chat/completions", body=body, cast_to=ChatCompletion)


def test_a_body_that_is_no_json_is_refused(base_url: str) -> None:
    reply = openai.OpenAI(base_url=base_url, api_key="none")._client.post(
        f"{base_url}/chat/completions", content=b"{not json"
    )
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "invalid_json"


def test_text_in_parts_is_text(client: openai.OpenAI) -> None:
    parts = [{"type": "text", "text": EGGS[:20]}, {"type": "text", "text": EGGS[20:]}]
    body = {"model": "large", "messages": [{"role": "user", "content": parts}], "seed": 0}
    reply = client.post("/chat/completions", body=body, cast_to=ChatCompletion)
    assert text(reply) == "large first"


@pytest.mark.skipif("COTFACTORY_SHARED" not in os.environ, reason="needs the shared recordings")
@pytest.mark.parametrize("name", ["gsm8k/test.recordings.jsonl.gz", "mmlu_pro/recordings.jsonl.gz"])
def test_every_shared_recording_comes_back_over_http(name: str, tmp_path: Path) -> None:
    """All models together, each counted sample of each question exactly once, and not one more."""
    source = Path(os.environ["COTFACTORY_SHARED"]) / "data" / name
    path = tmp_path / "r.jsonl.gz"
    with gzip.open(source, "rb") as lines, gzip.open(path, "wb") as some:
        some.writelines(itertools.islice(lines, 1500))
    counts = count_recordings(path)
    recorded: dict[str, list[str]] = {}
    for recording in read_recordings(path):
        recorded.setdefault(recording.question, []).append(recording.response)

    async def ask_all(base_url: str) -> None:
        gate = asyncio.Semaphore(32)
        async with openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as client:

            async def fetch(question: str, seed: int) -> str:
                messages = [{"role": "user", "content": f"{question}\n\nA. this\nB. that"}]
                async with gate:
                    reply = await client.chat.completions.create(model="any", messages=messages, seed=seed)  # type: ignore[arg-type]
                return reply.choices[0].message.content or ""

            async def all_of(question: str, responses: list[str]) -> None:
                available = counts.available(question, "any")
                assert available == len(responses)
                replies = [await fetch(question, seed) for seed in range(available)]
                assert sorted(replies) == sorted(responses)
                with pytest.raises(openai.NotFoundError):
                    await fetch(question, available)

            async with asyncio.TaskGroup() as group:
                for question, responses in recorded.items():
                    group.create_task(all_of(question, responses))

    with replaying(path) as base_url:
        asyncio.run(ask_all(base_url))
