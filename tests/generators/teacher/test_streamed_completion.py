"""A streamed completion reads as the plain reply would have, whatever way it was cut into events and bytes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotfactory.generators.teacher.completions import read_completion, read_completions
from cotfactory.generators.teacher.streamed_completion import StreamedCompletion
from cotfactory.schemas.teaching import Completion
from tests.generators.byte_server import DONE, USAGE, chunk, event


def joined(*blocks: bytes, cut: str | None = None) -> dict[str, Any]:
    stream = StreamedCompletion()
    for block in blocks:
        stream.feed(block)
    stream.finish()
    return stream.payload(cut)


def read(*chunks: Any, end: bytes = DONE, cut: str | None = None) -> Completion:
    return read_completion(joined(*map(event, chunks), end, cut=cut), 0.0)


STOP = chunk(finish_reason="stop")
SEVEN = chunk({"content": "It is 7."})


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk({"role": "assistant", "content": ""}), SEVEN, STOP],
        [chunk({"role": "assistant"}), chunk({"content": "It "}), chunk({"content": "is 7."}), STOP],
        [chunk({"content": "It is 7."}, "stop")],  # the reason with the last piece
        [chunk({"role": "assistant", "content": "It "}), chunk({"role": "assistant", "content": "is 7."}), STOP],
        [chunk(), SEVEN, chunk(), STOP, chunk(usage=USAGE)],  # no choices: Azure's filter results, the usage
        [SEVEN, STOP, {"id": "x", "usage": USAGE}],  # without even the list of choices
        [SEVEN, chunk(finish_reason="stop", usage=USAGE)],
        [chunk({"content": "It is 7."}, "", usage=None), chunk({}, "stop", usage=USAGE)],  # "" is no reason yet
        [chunk({"content": None, "refusal": None}), chunk({"content": "It is 7.", "tool_calls": None}), STOP],
        [chunk({"content": [{"type": "text", "text": "It is"}]}), chunk({"content": " 7."}), STOP],  # Mistral
        [chunk({"content": {"type": "text", "text": "It is 7."}}), STOP],
        [{"choices": [{"index": 0, "text": "It is", "finish_reason": None}]}, {"choices": [{"text": " 7."}]}, STOP],
        [{"choices": [{"message": {"content": "It is 7."}, "finish_reason": "stop"}]}],  # a plain reply as one event
        [SEVEN, {"choices": [{"delta": {}, "message": {"content": "It is 7."}, "finish_reason": "stop"}]}],
        [{"type": "ping"}, SEVEN, STOP],  # Anthropic's sign of life
        [SEVEN, STOP, chunk(error=None)],
        [SEVEN, STOP, {"error": {"message": "too late to matter"}}],
    ],
)
def test_where_endpoints_put_an_answer(chunks: list[Any]) -> None:
    completion = read(*chunks)
    assert (completion.content, completion.reasoning, completion.finish_reason) == ("It is 7.", None, "stop")


@pytest.mark.parametrize(
    "deltas",
    [
        [{"reasoning_content": "3 +"}, {"reasoning_content": " 4"}, {"content": "It is 7."}],
        [{"reasoning": "3 +"}, {"reasoning": " 4"}, {"content": "It is 7."}],
        [{"reasoning": "3 + 4", "reasoning_content": "3 + 4", "content": ""}, {"content": "It is 7."}],
        [
            {"reasoning_details": [{"type": "reasoning.text", "text": "3 +", "index": 0}]},
            {"reasoning_details": [{"type": "reasoning.text", "text": " 4", "index": 0}]},
            {"content": "It is 7."},
        ],
        [
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "3 +"}]}]},
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": " 4"}]}]},
            {"content": "It is "},
            {"content": "7."},
        ],
        [{"reasoning_content": "3 + 4", "content": None}, {"reasoning_content": None, "content": "It is 7."}],
    ],
)
def test_where_endpoints_put_the_thinking(deltas: list[Any]) -> None:
    completion = read(*map(chunk, deltas), STOP)
    assert (completion.content, completion.reasoning) == ("It is 7.", "3 + 4")


@pytest.mark.parametrize(
    "told",
    [
        [chunk(finish_reason="stop", usage=USAGE)],
        [STOP, chunk(usage=USAGE)],
        [STOP, {"choices": [], "usage": USAGE}, {"choices": [], "usage": None}, {"choices": [], "usage": {}}],
        [chunk({"content": "."}, usage={**USAGE, "completion_tokens": 1}), chunk(finish_reason="stop", usage=USAGE)],
        [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": USAGE}]}],  # Moonshot
        [STOP, {"choices": [], "x_groq": {"usage": USAGE}}],
        [chunk(usage={"prompt_tokens": 3}), chunk(finish_reason="stop", usage={"completion_tokens": 5})],
    ],
)
def test_where_endpoints_put_the_usage(told: list[Any]) -> None:
    usage = read(SEVEN, *told).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (3, 5)


def test_usage_that_is_not_told_is_not_made_up() -> None:
    assert read(SEVEN, STOP).usage is None


def test_several_choices_are_told_apart_and_put_in_order() -> None:
    events = [chunk({"content": "b"}, index=1), chunk({"content": "a"}, index=0), chunk({"content": "b"}, index=1)]
    ends = [chunk(finish_reason="length", index=1), chunk(finish_reason="stop", index=0), chunk(usage=USAGE)]
    both = read_completions(joined(*map(event, [*events, *ends]), DONE), 0.0)
    assert [(completion.content, completion.finish_reason) for completion in both] == [("a", "stop"), ("bb", "length")]


def test_a_sign_whose_halves_come_in_two_pieces_is_whole() -> None:
    halves = [b'data: {"choices": [{"delta": {"content": "\\ud83d"}}]}\n\n',
              b'data: {"choices": [{"delta": {"content": "\\ude00"}, "finish_reason": "stop"}]}\n\n']  # fmt: skip
    assert read_completion(joined(*halves), 0.0).content == "\U0001f600"


def test_events_without_blank_lines_between_them() -> None:
    lines = event(SEVEN).replace(b"\n\n", b"\n") + event(STOP).replace(b"\n\n", b"\n") + b"data: [DONE]\n"
    assert read_completion(joined(lines), 0.0).content == "It is 7."


@pytest.mark.parametrize(
    ("chunks", "content", "reason"),
    [
        ([SEVEN], "It is 7.", "length"),  # cut before the end
        ([SEVEN, STOP], "It is 7.", "stop"),  # cut after it
        ([chunk({"reasoning_content": "3 +"})], "", "length"),
    ],
)
def test_what_had_arrived_when_it_was_cut(chunks: list[Any], content: str, reason: str) -> None:
    """The torn last event counts for nothing, and neither does a usage that was told on the way."""
    stream = StreamedCompletion()
    stream.feed(b"".join(event({**part, "usage": {"completion_tokens": 1}}) for part in chunks) + b'data: {"choi')
    stream.finish()
    assert stream.has_text
    completion = read_completion(stream.payload(None if stream.is_whole else "cut_timeout"), 0.0)
    assert (completion.content, completion.finish_reason) == (content, reason)
    if reason == "length":
        assert completion.usage is None
        assert completion.finish_reason_raw == "cut_timeout"


def test_of_several_that_are_cut_those_that_had_begun_are_kept() -> None:
    payload = joined(
        *map(event, [chunk({"role": "assistant"}, index=0), chunk({"content": "b"}, index=1)]), cut="cut_silence"
    )
    assert [choice["index"] for choice in payload["choices"]] == [1]


@pytest.mark.parametrize(
    "said",
    [
        {"error": {"message": "Provider disconnected", "code": 502}},
        {"object": "error", "message": "out of memory"},
        {"message": "out of memory", "type": "internal_error"},  # after `event: error`
        {"choices": [], "error": "out of memory"},
    ],
)
def test_an_error_in_the_stream(said: Any) -> None:
    """Alone it is the reply; after a part of an answer it has broken that off."""
    alone = joined(b"event: error\n" + event(said))
    assert alone.get("error") or alone["object"] == "error"
    assert read(SEVEN, said).finish_reason == "error"


@pytest.mark.parametrize(
    "said",
    [
        b"7",
        b"[]",
        b'{"choices": 7}',
        b'{"choices": [{"delta": 7}]}',
        b'{"choices": [{"index": {"a": 1}, "delta": {"content": "x"}}]}',
        b'{"choices": [{"index": Infinity, "delta": {"content": "x"}}]}',
        b"<html>",
        b"[" * 9999,
        b"\xff",
    ],
)
def test_an_event_that_is_no_piece_of_a_completion_breaks_it_off(said: bytes) -> None:
    assert "error" in joined(b"data: " + said + b"\n\n")
    broken = joined(event(SEVEN), b"data: " + said + b"\n\n", event(STOP))
    assert read_completion(broken, 0.0).finish_reason == "error"


TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


@settings(max_examples=150)
@given(TEXTS, st.none() | TEXTS, st.sampled_from(["stop", "length"]), st.none() | st.just(USAGE), st.data())
def test_any_splitting_gives_what_the_plain_reply_gives(
    content: str, reasoning: str | None, reason: str, usage: Any, data: st.DataObject
) -> None:
    """Texts are cut into deltas, events into blocks, with comments and either line ending between."""
    message = {"content": content, **({} if reasoning is None else {"reasoning_content": reasoning})}
    plain = {"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": reason}], "usage": usage}
    sent = b""
    for name in ("reasoning_content", "content"):
        for piece in _pieces(message.get(name, ""), data):
            sent += event(chunk({name: piece})) + data.draw(st.sampled_from([b"", b": keep-alive\n\n", b"event: x\n"]))
    sent += event(chunk(finish_reason=reason)) + event(chunk(usage=usage)) + data.draw(st.sampled_from([b"", DONE]))
    if data.draw(st.booleans()):
        sent = sent.replace(b"\n", b"\r\n")
    assert read_completion(joined(*_pieces(sent, data)), 0.0) == read_completion(plain, 0.0)


def _pieces(whole: Any, data: st.DataObject) -> list[Any]:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    return [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
