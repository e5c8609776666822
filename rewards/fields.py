"""Read the fields of a request's body: each has the expected type, or the request is refused and told which one."""

import json
import re
from collections.abc import Mapping
from typing import Any

from cotfactory.rewards.refusal import bad_request

MOST_LABEL_CHARS = 200
POLICY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
Body = dict[str, Any]


def parsed(raw: bytes) -> Body:
    """Return a body as a JSON object. Raises Refusal."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise bad_request(f"the body is a JSON {type(body).__name__}: expected an object")
    return body


def text_of(body: Mapping[str, Any], name: str) -> str:
    """Return a field that must be a text. Raises Refusal."""
    value = body.get(name)
    if not isinstance(value, str):
        raise bad_request(f"`{name}` is {shown(value)}: expected a text")
    return whole(value)


def texts_of(body: Mapping[str, Any], name: str, length: int | None = None) -> list[str]:
    """Return a field that must be a list of texts, as many as `length` where that is given. Raises Refusal."""
    value = body.get(name)
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise bad_request(f"`{name}` is {shown(value)}: expected a list of texts")
    if length is not None and len(value) != length:
        raise bad_request(f"`{name}` has {len(value)} items: expected {length}, as many as there are completions")
    return [whole(text) for text in value]


def optional_texts_of(body: Mapping[str, Any], name: str, length: int) -> list[str | None]:
    """Return a field that may be left out, or a list whose items are texts or null. Raises Refusal."""
    value = body.get(name)
    if value is None:
        return [None] * length
    if not isinstance(value, list) or not all(text is None or isinstance(text, str) for text in value):
        raise bad_request(f"`{name}` is {shown(value)}: expected a list of texts or null")
    if len(value) != length:
        raise bad_request(f"`{name}` has {len(value)} items: expected {length}, as many as there are completions")
    return [None if text is None else whole(text) for text in value]


def step_of(body: Mapping[str, Any]) -> int | None:
    """Return the training step, where the trainer says it. Raises Refusal."""
    step = body.get("step")
    if step is None:
        return None
    if isinstance(step, float) and step.is_integer():
        step = int(step)
    if isinstance(step, bool) or not isinstance(step, int) or not 0 <= step < 2**31:
        raise bad_request(f"`step` is {shown(step)}: expected a whole number of 0 or more")
    return step


def label_of(body: Mapping[str, Any], name: str) -> str | None:
    """Return a short text that may be left out. Raises Refusal."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MOST_LABEL_CHARS:
        raise bad_request(f"`{name}` is {shown(value)}: expected a text of up to {MOST_LABEL_CHARS} characters")
    return whole(value)


def policy_of(body: Mapping[str, Any]) -> str | None:
    """Return the policy's name, where the trainer says it. Raises Refusal."""
    value = body.get("policy")
    if value is not None and not (isinstance(value, str) and POLICY_NAME.fullmatch(value)):
        raise bad_request(f"`policy` is {shown(value)}: expected a name of letters, digits, `.`, `_` and `-`")
    return value


def shown(value: object) -> str:
    """Return a value as an error shows it."""
    return "missing" if value is None else repr(value)[:80]


def whole(text: str) -> str:
    r"""Return `text` as valid UTF-8: a lone surrogate (JSON allows `"\ud800"`) becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
