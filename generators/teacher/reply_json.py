"""Read JSON out of a reply as servers really send it: with a byte order mark, comments before it, text after it."""

import json
import re
from typing import Any

from pydantic_core import from_json

_MARK = b"\xef\xbb\xbf"
_BEFORE = re.compile(rb"(?:\s+|:[^\n]*\n)*+")
"""Blank lines and comments with which an endpoint keeps a connection alive."""
_PAGE = re.compile(rb"\s*+(?:<!--|<!doctype|<html|<head|<\?xml)", re.IGNORECASE)


def read_json(body: bytes) -> Any:
    """Return the first JSON value of a reply. Raises ValueError without any, RecursionError for one that is too deep.

    >>> read_json(b': keep-alive\\n\\n{"n": 7}\\n<!-- served by proxy -->')
    {'n': 7}
    """
    try:
        return from_json(body)
    except ValueError:  # among others for a lone surrogate, which JSON allows
        pass
    try:
        return json.loads(body)
    except ValueError:
        return _tolerantly(body)


def _tolerantly(body: bytes) -> Any:
    without_mark = body.removeprefix(_MARK)
    start = _BEFORE.match(without_mark)
    json_on = without_mark[start.end() if start else 0 :]
    if not json_on.startswith((b"{", b"[")):
        raise ValueError("neither an object nor an array")
    try:
        text = json_on.decode("utf-8")
    except UnicodeDecodeError:
        text = json_on.decode("latin-1")
    value, _ = json.JSONDecoder(strict=False).raw_decode(text)
    return value


def is_web_page(body: bytes) -> bool:
    """Return whether a reply is a page for people: of a proxy, a login, or a site that checks browsers."""
    return _PAGE.match(body.removeprefix(_MARK)) is not None
