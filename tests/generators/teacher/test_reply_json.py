"""JSON with what servers put around it, and what is none."""

import json

import pytest

from cotfactory.generators.teacher.reply_json import is_web_page, read_json

SAID = {"content": "na\u00efve"}
WHOLE = json.dumps(SAID, ensure_ascii=False)


@pytest.mark.parametrize(
    "body",
    [
        WHOLE.encode(),
        b"\xef\xbb\xbf" + WHOLE.encode(),  # a byte order mark
        b"\n\n\r\n " + WHOLE.encode(),
        b": keep-alive\n\n: OPENROUTER PROCESSING\n\n" + WHOLE.encode(),
        WHOLE.encode() + b"\n<!-- served by proxy -->",
        WHOLE.encode("latin-1"),
        WHOLE.encode("utf-16"),
        b"\xef\xbb\xbf: x\n" + WHOLE.encode("latin-1") + b" x",
    ],
)
def test_what_is_around_json_is_left_out(body: bytes) -> None:
    assert read_json(body) == SAID


@pytest.mark.parametrize("body", [b"", b"  ", b": only a comment\n", b'{"content": "na', b"<html></html>", b"7 times"])
def test_what_is_no_json(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever
        read_json(body)


def test_a_line_break_inside_a_text_is_read_as_it_was_meant() -> None:
    assert read_json(b'{"content": "a\nb"}') == {"content": "a\nb"}


@pytest.mark.parametrize(
    ("body", "is_page"),
    [
        (b"<!DOCTYPE html><title>Just a moment...</title>", True),
        (b"\xef\xbb\xbf\n <html>", True),
        (b"<?xml version='1.0'?>", True),
        (b'{"html": "<html>"}', False),
        (b"", False),
    ],
)
def test_what_is_a_web_page(body: bytes, is_page: bool) -> None:
    assert is_web_page(body) is is_page
