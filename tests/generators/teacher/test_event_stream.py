"""Events come out of bytes whole and in order, whatever the network and the server did to them on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.generators.teacher.event_stream import EventStream, beginning, begins_stream


def events_of(*blocks: bytes) -> list[bytes]:
    stream = EventStream()
    return [*(data for block in blocks for data in stream.feed(block)), *stream.finish()]


@pytest.mark.parametrize(
    ("sent", "events"),
    [
        (b"data: 1\n\ndata: 2\n\n", [b"1", b"2"]),
        (b"data:1\n\n", [b"1"]),  # the space may be missing, and only one belongs to the form
        (b"data:  1\n\n", [b" 1"]),
        (b"data: 1\r\n\r\ndata: 2\r\n\r\n", [b"1", b"2"]),
        (b"data: 1\r\rdata: 2\r\r", [b"1", b"2"]),
        (b": keep-alive\n\n: keep-alive\n\ndata: 1\n\n", [b"1"]),
        (b"data: 1\n: keep-alive\n\n", [b"1"]),  # a comment inside of an event
        (b"event: message\nid: 7\nretry: 100\ndata: 1\n\n", [b"1"]),
        (b"data: 1\ndata: 2\n\n", [b"1\n2"]),
        (b"\xef\xbb\xbfdata: 1\n\n", [b"1"]),
        (b"\n\n\ndata: 1\n\n\n\n\ndata: 2\n\n", [b"1", b"2"]),
        (b"data: 1\n\ndata: 2", [b"1", b"2"]),  # the last blank line was forgotten
        (b"data: 1\n\ndata: 2\r\n", [b"1", b"2"]),
        (b"database: 1\n\n", []),
        (b"", []),
    ],
)
def test_forms(sent: bytes, events: list[bytes]) -> None:
    assert events_of(sent) == events


PARTS = [b"data: ", b"data:", b"\n", b"\n\n", b"\r", b"\r\n", b"\r\n\r\n", b": c", b"event: e", b"\xe2\x88\x9a", b"{}"]


@given(st.lists(st.sampled_from(PARTS), max_size=30), st.data())
def test_the_same_events_however_the_bytes_are_split(parts: list[bytes], data: st.DataObject) -> None:
    sent = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=12)))
    blocks = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    assert events_of(*blocks) == events_of(*(bytes([byte]) for byte in sent)) == events_of(sent)


@pytest.mark.parametrize(
    ("body", "is_stream"),
    [
        (b'data: {"a": 1}', True),
        (b'event: e\ndata: {"a": 1}', True),
        (b": keep-alive\n\n\ndata:1", True),
        (b"\xef\xbb\xbfdata: 1", True),
        (b'{"choices": []}', False),
        (b': keep-alive\n\n: keep-alive\n\n{"choices": []}', False),  # comments, then a plain reply
        (b"\n\n\n[1]", False),
        (b"<html>", False),
        (b"date: today", False),
        (b"dat", None),
        (b": keep-aliv", None),
        (b"\n: keep-alive\n", None),
        (b"", None),
    ],
)
def test_streams_are_known_by_their_first_bytes(body: bytes, is_stream: bool | None) -> None:
    assert begins_stream(beginning(body)) is is_stream
