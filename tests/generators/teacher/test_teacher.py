"""Every way an endpoint can answer or fail ends as a completion or as an error of the right kind."""

import asyncio
import contextlib
import json
import socket
from typing import Any

import pytest

import cotfactory.generators.teacher.teacher as teacher_module
from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.generators.teacher.limiter import Limiter
from cotfactory.generators.teacher.rate_headers import Allowance, Allowances
from cotfactory.generators.teacher.teacher import OpenAITeacher, Request, ask_with_retries
from cotfactory.schemas.errors import (
    TeacherBadReply,
    TeacherError,
    TeacherRateLimited,
    TeacherRefused,
    TeacherRejected,
    TeacherUnavailable,
)
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Completion, Message, ReportedUsage
from tests.generators.scripted_server import Script, chat, serving

MESSAGES = (Message(role="user", content="What is 3 + 4?"),)


def asking(sample_index: int = 0) -> Request:
    return Request(f"request-{sample_index}", MESSAGES, SPEC.sampling, sample_index, tokens=100)


SPEC = TeacherSpec.model_validate(
    {
        "name": "t",
        "model": "m",
        "api_key_env": "MY_KEY",
        "sampling": {"temperature": 0.5, "top_k": 20, "max_tokens": 100, "seed": 10},
        "limits": {"timeout_s": 0.5, "retries": 3},
    }
)
HTML = (200, {"Content-Type": "text/html"}, "<html><body>Welcome to nginx</body></html>")
ERROR = {"Content-Type": "application/json"}


class Watching:
    """What is told around each sending."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def hold(self) -> None:
        self.told.append("hold")

    def sent(self) -> None:
        self.told.append("sent")

    def failed(self, error: TeacherError) -> None:
        self.told.append("maybe billed" if error.maybe_billed else "free")


def ask_once(*entries: Any) -> tuple[Completion, Script]:
    async def run() -> tuple[Completion, Script]:
        async with serving(entries) as (url, script), OpenAITeacher(SPEC, Endpoint(url, "secret")) as teacher:
            return await teacher.complete(asking(3)), script

    return asyncio.run(run())


def ask_stubbornly(*entries: Any) -> tuple[Completion | TeacherError, Script]:
    async def run() -> tuple[Completion | TeacherError, Script]:
        async with serving(entries) as (url, script), OpenAITeacher(SPEC, Endpoint(url, "secret")) as teacher:
            try:
                return await ask_with_retries(teacher, SPEC, Limiter(SPEC.limits), asking(), Watching()), script
            except TeacherError as error:
                return error, script

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher_module, "FIRST_DELAY_S", 0.01)
    monkeypatch.setattr(teacher_module, "SPORADIC_DELAY_S", 0.01)


def test_what_is_sent() -> None:
    _, script = ask_once(chat())
    assert script.keys == ["Bearer secret"]
    assert script.requests == [
        {
            "model": "m",
            "messages": [{"role": "user", "content": "What is 3 + 4?"}],
            "temperature": 0.5,
            "max_tokens": 100,
            "seed": 13,  # base seed 10, sample 3
            "top_k": 20,
        }
    ]


@pytest.mark.parametrize(
    ("reply", "content", "reasoning"),
    [
        (chat("7"), "7", None),
        (chat("7", reasoning_content="3 + 4 = 7"), "7", "3 + 4 = 7"),  # DeepSeek, older vLLM
        (chat("7", reasoning="3 + 4 = 7"), "7", "3 + 4 = 7"),  # newer vLLM, OpenRouter
        (chat("<think>3 + 4</think>7"), "<think>3 + 4</think>7", None),  # split later, from the ledger
        (chat(None, reasoning_content="cut"), "", "cut"),  # type: ignore[arg-type]
        (chat([{"type": "text", "text": "7"}]), "7", None),  # type: ignore[arg-type]  # typed parts
        (chat([{"type": "thinking", "thinking": "3 + 4"}, {"type": "text", "text": "7"}]), "7", "3 + 4"),  # type: ignore[arg-type]
        (chat("\ud800 7"), "? 7", None),  # a lone surrogate is valid JSON and invalid UTF-8
    ],
)
def test_where_the_thinking_is(reply: dict[str, Any], content: str, reasoning: str | None) -> None:
    completion, _ = ask_once(reply)
    assert (completion.content, completion.reasoning) == (content, reasoning)
    assert completion.usage is not None
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (3, 5)
    assert completion.model == "m-served"


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        (None, None),
        ({"prompt_tokens": "many", "completion_tokens": 5}, ReportedUsage(output_tokens=5)),
        ({"prompt_tokens": 3, "completion_tokens": -5}, ReportedUsage(input_tokens=3)),
        ({"prompt_tokens": 10**30, "completion_tokens": 5}, ReportedUsage(output_tokens=5)),  # no table could hold it
    ],
)
def test_usage_that_cannot_be_is_not_told(usage: object, told: ReportedUsage | None) -> None:
    """Nought tokens would be a lie that lets a run exceed its budget; the text is paid for and good."""
    completion, _ = ask_once({**chat(), "usage": usage})
    assert completion.usage == told
    assert completion.content


def test_names_of_the_endpoint_can_be_stored() -> None:
    """A lone surrogate would stop the ledger after the answer was paid for."""
    reply = {**chat(), "model": "m\ud800"}
    reply["choices"] = [{**reply["choices"][0], "finish_reason": "st\ud800op"}]
    completion, _ = ask_once(reply)
    assert (completion.model, completion.finish_reason_raw) == ("m?", "st?op")


def test_a_slow_drip_is_a_time_out() -> None:
    """A server that sends a space now and then never times out by the read."""

    async def run() -> None:
        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.05)

        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with OpenAITeacher(SPEC, Endpoint(url, "k")) as teacher:
            with pytest.raises(TeacherUnavailable, match="did not answer within"):
                await teacher.complete(asking())
        server.close()

    asyncio.run(run())


def test_a_login_in_the_url_is_never_shown() -> None:
    endpoint = Endpoint("http://user:secret@127.0.0.1:1/v1?key=secret", "k")
    assert endpoint.shown == "http://127.0.0.1:1/v1"
    assert "secret" not in repr(endpoint)


@pytest.mark.parametrize(
    ("entry", "error", "said"),
    [
        ((429, {"Retry-After": "7"}, "{}"), TeacherRateLimited, "429"),
        ((500, {}, "oops"), TeacherUnavailable, "500"),
        ((503, {}, ""), TeacherUnavailable, "503"),
        ("reset", TeacherUnavailable, "cannot be reached"),
        ("hang", TeacherUnavailable, "did not answer within 0.5 s"),
        ((401, ERROR, '{"error": {"message": "bad key"}}'), TeacherRefused, "MY_KEY"),
        ((401, {}, "the key secret is not known here"), TeacherRefused, r"key \*\*\* is not known"),
        ((403, {}, "no"), TeacherRejected, "MY_KEY"),  # this request: flagged, too long; or all of them
        ((404, {}, "no such model"), TeacherRejected, "model 'm'"),
        ((400, {}, "max_tokens too large"), TeacherRejected, "max_tokens too large"),  # this request, not the others
        # 429 for an empty account never goes away by waiting
        ((429, ERROR, '{"error": {"message": "pay", "code": "insufficient_quota"}}'), TeacherRefused, "credit"),
        (HTML, TeacherBadReply, "/v1"),
        ((200, ERROR, '{"choices": [{"mess'), TeacherBadReply, "JSON"),  # cut on the way
        ((200, ERROR, "[" * 100_000), TeacherBadReply, "JSON"),  # too deep for any parser
        ({"choices": []}, TeacherBadReply, "not a chat completion"),
        ({"error": "I am a 200"}, TeacherUnavailable, "error inside a 200"),
        ({**chat(), "choices": ["x"]}, TeacherBadReply, "not a chat completion"),
    ],
)
def test_failures_are_sorted_by_kind(entry: Any, error: type[TeacherError], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        ask_once(entry)
    assert "secret" not in str(caught.value)


def test_retry_after_is_read() -> None:
    with pytest.raises(TeacherRateLimited) as caught:
        ask_once((429, {"Retry-After": "7"}, "{}"))
    assert caught.value.retry_after_s == 7.0


def test_nobody_listening() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"

    async def run() -> None:
        async with OpenAITeacher(SPEC, Endpoint(url, "secret")) as teacher:
            await teacher.complete(asking())

    with pytest.raises(TeacherUnavailable, match="cannot be reached"):
        asyncio.run(run())


def test_what_may_go_away_is_asked_again() -> None:
    outcome, script = ask_stubbornly((500, {}, ""), "reset", (429, {"Retry-After": "0.01"}, ""), chat("7"))
    assert isinstance(outcome, Completion)
    assert len(script.requests) == 4
    assert len({str(request) for request in script.requests}) == 1  # the very same request each time


EMPTY = {**chat(""), "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


@pytest.mark.parametrize(
    ("first", "asked"),
    [
        (EMPTY, 2),
        (chat(" \n"), 2),  # billed for 5 tokens and nothing but blanks
        ({**chat(""), "usage": {"prompt_tokens": 3, "completion_tokens": 900}}, 1),  # it thought, in secret, for money
        ({**EMPTY, "choices": [{**EMPTY["choices"][0], "finish_reason": "content_filter"}]}, 1),
        ({**EMPTY, "choices": [{**EMPTY["choices"][0], "finish_reason": "length"}]}, 1),
        (chat("", reasoning_content="3 + 4 = 7"), 1),
    ],
)
def test_an_answer_with_nothing_in_it_is_asked_for_again(first: dict[str, Any], asked: int) -> None:
    outcome, script = ask_stubbornly(first, chat("7"))
    assert isinstance(outcome, Completion)
    assert len(script.requests) == asked


def test_a_teacher_that_always_says_nothing_has_said_so() -> None:
    outcome, script = ask_stubbornly(EMPTY)
    assert isinstance(outcome, Completion)
    assert outcome.content == ""
    assert len(script.requests) == 1 + SPEC.limits.retries


def test_what_replies_say_about_limits_is_heard() -> None:
    heard: list[Allowances] = []
    limits = {"x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "2s"}

    async def run() -> None:
        entries = [(200, {"Content-Type": "application/json", **limits}, json.dumps(chat())), (429, limits, "{}")]
        async with serving(entries) as (url, _), OpenAITeacher(SPEC, Endpoint(url, "k"), heard.append) as teacher:
            await teacher.complete(asking())
            with pytest.raises(TeacherRateLimited):
                await teacher.complete(asking())

    asyncio.run(run())
    assert heard == [Allowances(Allowance(9, 2.0, None), None)] * 2


def test_who_asks_to_wait_uses_no_retries_up() -> None:
    refusals = [(429, {}, "later"), (503, {"Retry-After": "0"}, "loading"), (529, {}, '{"retry_after_ms": 1}')] * 3
    outcome, script = ask_stubbornly(*refusals, chat("7"))
    assert isinstance(outcome, Completion)
    assert len(script.requests) == len(refusals) + 1 > SPEC.limits.retries + 1


def test_who_asks_to_wait_for_a_day_is_not_waited_for() -> None:
    outcome, script = ask_stubbornly((429, {"Retry-After": "86400"}, "daily limit"))
    assert isinstance(outcome, TeacherRefused)
    assert "daily limit: it asks to wait 1 day, 0:00:00" in str(outcome)
    assert len(script.requests) == 1


def test_what_will_not_go_away_is_asked_once() -> None:
    outcome, script = ask_stubbornly((401, {}, "no"))
    assert isinstance(outcome, TeacherRefused)
    assert len(script.requests) == 1


def test_retries_end() -> None:
    outcome, script = ask_stubbornly((500, {}, "still"))
    assert isinstance(outcome, TeacherUnavailable)
    assert len(script.requests) == 1 + SPEC.limits.retries


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (["m", "n"], ("m", "n")),
        ([], ()),
        ((404, {}, "not here"), ()),  # not every server lists its models
        ((405, {}, "POST only"), ()),
        ((200, {}, '[{"id": "m"}]'), ("m",)),  # Together
        # a key that may only complete, and whatever else says nothing about completions
        ((400, {}, "no"), ()),
        ((401, {}, "no"), ()),
        ((403, {}, "no"), ()),
        ((429, {}, "no"), ()),
        ((500, {}, "no"), ()),
        ((200, {}, '{"data": null}'), ()),
        (HTML, ()),
    ],
)
def test_models(models: Any, expected: tuple[str, ...]) -> None:
    async def run() -> tuple[str, ...]:
        async with serving([chat()], models) as (url, _), OpenAITeacher(SPEC, Endpoint(url, "k")) as teacher:
            return await teacher.models()

    assert asyncio.run(run()) == expected
