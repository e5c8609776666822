"""Streaming over real connections: what is asked, what is learned, and what becomes of answers that end early."""

import asyncio
import gzip
import json
from collections.abc import Iterable
from typing import Any

import pytest

import cotfactory.generators.teacher.streamed_completion as streamed_completion
from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.generators.teacher.limiter import Limiter
from cotfactory.generators.teacher.teacher import OpenAITeacher, Request, ask_with_retries
from cotfactory.schemas.errors import TeacherBadReply, TeacherError, TeacherRejected, TeacherUnavailable
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Completion, Message, Usage
from tests.generators.byte_server import (
    DONE,
    HANG,
    HEAD,
    JSON_HEAD,
    RESET,
    USAGE,
    ByteServer,
    chunk,
    event,
    playing,
    whole_stream,
)
from tests.generators.scripted_server import chat, serving

JSON_TYPE = {"Content-Type": "application/json"}


def spec_of(stream: Any = True, max_tokens: int = 100, **limits: Any) -> TeacherSpec:
    return TeacherSpec.model_validate(
        {
            "name": "t",
            "model": "m",
            "stream": stream,
            "sampling": {"max_tokens": max_tokens},
            "limits": {"retries": 2, "timeout_s": 10.0, **limits},
        }
    )


def request_of(spec: TeacherSpec, index: int = 0) -> Request:
    return Request(f"r-{index}", [Message(role="user", content="What is 3 + 4?")], spec.sampling, index, 10)


def ask_bytes(*scripts: Iterable[Any], spec: TeacherSpec | None = None, times: int = 1) -> tuple[list[Any], ByteServer]:
    """Return what came of asking `times` times, errors among it."""
    spec = spec or spec_of()

    async def run() -> tuple[list[Any], ByteServer]:
        async with playing(*scripts) as (base_url, server), OpenAITeacher(spec, Endpoint(base_url, "key")) as teacher:
            said: list[Any] = []
            for index in range(times):
                try:
                    said.append(await teacher.complete(request_of(spec, index)))
                except TeacherError as error:
                    said.append(error)
            return said, server

    return asyncio.run(run())


def ask(*entries: Any, spec: TeacherSpec, times: int = 1) -> tuple[list[Completion], list[dict[str, Any]]]:
    """Return the completions of `times` requests, and what was sent; errors are retried as in a run."""

    class Free:
        async def hold(self) -> None: ...

        def sent(self) -> None: ...

        def failed(self, error: TeacherError) -> None: ...

    async def run() -> tuple[list[Completion], list[dict[str, Any]]]:
        async with serving(entries) as (base_url, script), OpenAITeacher(spec, Endpoint(base_url, "key")) as teacher:
            limiter = Limiter(spec.limits)
            said = [
                await ask_with_retries(teacher, spec, limiter, request_of(spec, index), Free())
                for index in range(times)
            ]
            return said, script.requests

    return asyncio.run(run())


def refusal(message: str, status: int = 400) -> Any:
    return (status, JSON_TYPE, json.dumps({"error": {"message": message}}))


STREAMED = (200, {"Content-Type": "text/event-stream"}, whole_stream().decode())
ONLY_STREAMS = [
    refusal("This model only support stream mode, please enable the stream parameter to access the model."),
    refusal("parameter.enable_thinking must be set to false for non-streaming calls"),
    refusal("Streaming is required for operations that may take longer than 10 minutes"),
    (400, JSON_TYPE, json.dumps({"detail": "Stream must be set to true"})),
    refusal("Non-stream calls are not supported", 422),
]


def asked_to_stream(requests: list[dict[str, Any]]) -> list[bool]:
    return [bool(request.get("stream")) for request in requests]


def test_a_stream_is_asked_for_with_its_usage() -> None:
    (said,), (request,) = ask(STREAMED, spec=spec_of(True))
    assert (request["stream"], request["stream_options"]) == (True, {"include_usage": True})
    assert (said.content, said.finish_reason, said.usage) == (
        "It is 7.",
        "stop",
        Usage(input_tokens=3, output_tokens=5),
    )


@pytest.mark.parametrize("stream", [False, "auto"])
def test_plainly_by_default_and_where_the_recipe_says_so(stream: Any) -> None:
    _, (request,) = ask(chat(), spec=spec_of(stream))
    assert not {"stream", "stream_options"} & request.keys()


@pytest.mark.parametrize(("max_tokens", "streamed"), [(8191, False), (8192, True), (32768, True)])
def test_auto_streams_long_answers(max_tokens: int, streamed: bool) -> None:
    _, requests = ask(STREAMED, spec=spec_of("auto", max_tokens))
    assert asked_to_stream(requests) == [streamed]


@pytest.mark.parametrize("said", ONLY_STREAMS)
def test_an_endpoint_that_only_streams_is_remembered(said: Any) -> None:
    """The refusal is no failure of the request: it is asked at once in the other way, and no retry is used up."""
    spec = spec_of("auto", retries=0)
    completions, requests = ask(said, STREAMED, spec=spec, times=2)
    assert [completion.content for completion in completions] == ["It is 7."] * 2
    assert asked_to_stream(requests) == [False, True, True]


@pytest.mark.parametrize("said", [chat(""), {**chat(), "choices": []}, {**chat(), "choices": None}])
def test_an_endpoint_with_nothing_in_its_plain_answers_is_asked_to_stream(said: Any) -> None:
    _, requests = ask({**said, "usage": None}, STREAMED, spec=spec_of("auto"), times=2)
    assert asked_to_stream(requests) == [False, True, True]


@pytest.mark.parametrize("status", [504, 524])
def test_after_a_gateway_gave_up_on_a_silent_answer_they_are_streamed(status: int) -> None:
    _, requests = ask((status, {}, "<html>gateway time-out</html>"), STREAMED, spec=spec_of("auto"), times=2)
    assert asked_to_stream(requests) == [False, True, True]


def test_an_endpoint_that_does_not_stream_is_asked_plainly() -> None:
    spec = spec_of("auto", 10_000, retries=0)
    _, requests = ask(refusal("stream is not supported by this model"), chat(), spec=spec, times=2)
    assert asked_to_stream(requests) == [True, False, False]


def test_an_endpoint_that_does_neither_is_not_asked_for_ever() -> None:
    with pytest.raises(TeacherRejected, match="stream"):
        ask(refusal("I refuse this stream"), spec=spec_of("auto"))


@pytest.mark.parametrize("stream", [True, False])
def test_what_the_recipe_says_is_not_overruled(stream: bool) -> None:
    with pytest.raises(TeacherRejected, match="stream mode"):
        ask(ONLY_STREAMS[0], STREAMED, spec=spec_of(stream))


def test_usage_is_not_asked_of_an_endpoint_that_does_not_know_it() -> None:
    refused = (422, JSON_TYPE, '{"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs"}]}')
    silent: Any = (200, {}, (event(chunk({"content": "7"})) + event(chunk(finish_reason="stop")) + DONE).decode())
    completions, requests = ask(refused, silent, spec=spec_of(True, retries=0), times=2)
    assert ["stream_options" in request for request in requests] == [True, False, False]
    assert [completion.usage for completion in completions] == [None, None]


@pytest.mark.parametrize(
    ("sent", "stream"),
    [
        ([JSON_HEAD, json.dumps(chat("It is 7.")).encode()], True),  # JSON for a stream
        ([HEAD, json.dumps(chat("It is 7.")).encode()], True),  # and its content type is wrong too
        ([HEAD, whole_stream()], False),  # a stream for a plain request
        ([JSON_HEAD, whole_stream()], False),
        ([HEAD, b": keep-alive\n\n" * 3, whole_stream()], True),
        ([HEAD, whole_stream().replace(DONE, b"")], True),  # the end mark is missing
        ([HEAD, whole_stream().replace(DONE, b"").strip()], True),
        ([HEAD, whole_stream().replace(b"\n", b"\r\n")], True),
        ([HEAD, *(bytes([byte]) for byte in whole_stream())], True),
        ([HEAD, *(bytes([byte]) for byte in whole_stream("It is √49 = 7 😀"))], True),
        ([HEAD.replace(b"Connection", b"Content-Encoding: gzip\r\nConnection"), gzip.compress(whole_stream())], True),
    ],
)
def test_forms_of_a_reply(sent: list[bytes], stream: bool) -> None:
    (said,), _ = ask_bytes(sent, spec=spec_of(stream))
    assert said.content in ("It is 7.", "It is √49 = 7 😀")
    assert said.finish_reason == "stop"
    assert said.usage == Usage(input_tokens=3, output_tokens=5)


def test_a_connection_is_used_again_after_a_stream() -> None:
    body = whole_stream()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    said, server = ask_bytes([head, b"%x\r\n" % len(body), body, b"\r\n", b"0\r\n\r\n"], times=3)
    assert [completion.content for completion in said] == ["It is 7."] * 3
    assert server.connections == 1


@pytest.mark.parametrize("end", [[HANG], [b"data: more\n\n", HANG]])
def test_a_server_that_does_not_hang_up_after_the_end_is_not_waited_for(
    end: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed_completion, "END_PATIENCE_S", 0.05)
    (said,), _ = ask_bytes([HEAD, whole_stream(), *end])
    assert said.content == "It is 7."


def test_usage_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed_completion, "USAGE_PATIENCE_S", 0.05)
    (said,), _ = ask_bytes([HEAD, event(chunk({"content": "7"}, "stop")), HANG])
    assert (said.content, said.finish_reason, said.usage) == ("7", "stop", None)


BEGUN = [HEAD, event(chunk({"role": "assistant"})), event(chunk({"content": "It is"}, usage=USAGE))]


@pytest.mark.parametrize(
    ("sent", "limits", "why"),
    [
        ([*BEGUN, HANG], {"timeout_s": 0.3}, "cut_timeout"),
        ([*BEGUN, HANG], {"silence_s": 0.3}, "cut_silence"),
        ([*BEGUN, RESET], {}, "cut_connection"),
        (BEGUN, {}, "cut_connection"),  # the body ends with the connection, so that only the missing end tells
        ([HEAD.replace(b"Connection", b"Content-Length: 9999\r\nConnection"), *BEGUN[1:]], {}, "cut_connection"),
        ([*BEGUN, b'data: {"choices": [{"del', RESET], {}, "cut_connection"),
    ],
)
def test_what_had_arrived_is_kept_and_not_asked_again(sent: list[Any], limits: dict[str, Any], why: str) -> None:
    (said,), server = ask_bytes(sent, spec=spec_of(**limits))
    assert (said.content, said.finish_reason, said.finish_reason_raw) == ("It is", "length", why)
    assert said.usage is None  # what is billed for it nobody told: it counts at its worst case
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("sent", "limits", "message"),
    [
        ([HEAD, HANG], {"timeout_s": 0.3}, "did not answer within 0.3 s"),
        ([HEAD, b": keep-alive\n\n", HANG], {"silence_s": 0.3}, "sent nothing of its answer for 0.3 s"),
        ([HEAD, event(chunk({"role": "assistant"})), RESET], {}, "cannot be reached"),
        ([HEAD, event(chunk({"role": "assistant"}))], {}, "ended before the answer"),
        ([*BEGUN, event({"error": {"message": "upstream died"}})], {}, "broke an answer off"),
    ],
)
def test_where_nothing_had_arrived_it_is_an_error_that_may_be_billed(
    sent: list[Any], limits: dict[str, Any], message: str
) -> None:
    (error,), _ = ask_bytes(sent, spec=spec_of(**limits))
    assert isinstance(error, TeacherUnavailable)
    assert message in str(error)
    assert error.maybe_billed


def test_a_plain_answer_that_is_cut_is_asked_again() -> None:
    """Half a JSON document holds no answer that could be kept."""
    body = json.dumps(chat()).encode()
    head = JSON_HEAD.replace(b"Connection", b"Content-Length: %d\r\nConnection" % len(body))
    (error,), _ = ask_bytes([head, body[:90], RESET], spec=spec_of(False))
    assert isinstance(error, TeacherUnavailable)
    assert error.maybe_billed


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("begins", [b'{"choices": [', b"data: 7", b": ", event(chunk({"content": "a"})), b"\n"])
def test_a_reply_without_end_is_cut_with_a_message(stream: bool, begins: bytes) -> None:
    endless = [HEAD, begins, *[begins + b"x" * 2**16] * 40]
    (error,), _ = ask_bytes(endless, spec=spec_of(stream, reply_mb=1))
    assert isinstance(error, TeacherRejected)
    assert "more than 1 MiB" in str(error)
    assert error.maybe_billed


def test_a_reply_that_unpacks_without_end_is_cut_too() -> None:
    head = JSON_HEAD.replace(b"Connection", b"Content-Encoding: gzip\r\nConnection")
    (error,), _ = ask_bytes([head, gzip.compress(b" " * 2**24)], spec=spec_of(False, reply_mb=1))
    assert "more than 1 MiB" in str(error)


def test_an_error_alone_in_a_stream_is_read_as_in_a_plain_reply() -> None:
    plain, streamed = (
        ask_bytes([HEAD, sent])[0][0] for sent in (b'{"error": {"message": "no"}}', event({"error": {"message": "no"}}))
    )
    assert type(plain) is type(streamed)
    assert isinstance(streamed, TeacherError)
    assert isinstance(plain, TeacherBadReply) == isinstance(streamed, TeacherBadReply)


def test_several_samples_of_one_request_are_streamed() -> None:
    spec = spec_of(True)
    sent = [event(chunk({"content": text}, "stop", index)) for text, index in (("b", 1), ("a", 0))]

    async def run() -> tuple[Completion, ...]:
        script = [HEAD, *sent, event(chunk(usage=USAGE)), DONE]
        async with playing(script) as (base_url, _), OpenAITeacher(spec, Endpoint(base_url, "key")) as teacher:
            return await teacher.complete_several(request_of(spec), 2)

    assert [completion.content for completion in asyncio.run(run())] == ["a", "b"]
