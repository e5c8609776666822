"""The verdict on a returned value or on printed text: typed, exact, and made on the host.

A returned value arrives as the typed JSON of `graders.sandbox.values`, or as whatever a hostile program wrote
in its place. It is never turned back into Python objects: both sides are brought to one canonical text, in
linear time, and the texts are compared. What that means: a bool is not a number; an int equals a float of
exactly the same value; 0.0 equals -0.0; NaN equals NaN and nothing else; a list is not a tuple unless the
expectation was written in JSON; sets and dicts have no order; an object of any other type equals nothing.

>>> same(17, "17"), same(1, "true"), same((1, 2), '{"t": [1, 2]}'), same(2, '{"f": "0x1.0000000000000p+1"}')
(True, False, True, True)
"""

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

from cotfactory.graders.sandbox.values import encode

FALSE_VALUES = frozenset({"null", "false", "0", '""', "[]", '{"b":""}', '{"d":[]}', '{"s":[]}', '{"t":[]}'})


class NotAValueError(ValueError):
    """What came back is not an encoded value of a built-in type."""


def same(expected: object, returned: bytes | str, tuples_are_lists: bool = False) -> bool:
    """Whether the returned bytes encode a value equal to `expected`; raises NotAValueError."""
    return canonical(encode(expected), tuples_are_lists) == canonical(parse(returned), tuples_are_lists)


def same_sequence(expected: list[Any] | tuple[Any, ...], returned: bytes | str) -> bool:
    """Whether a list or a tuple came back with the items expected, in order; raises NotAValueError.

    Lists and tuples are told apart again inside the items.
    """
    value = parse(returned)
    items = value.get("t") if isinstance(value, dict) and len(value) == 1 else value
    return isinstance(items, list) and canonical(encode(list(expected))) == canonical(items)


def same_items(expected: Iterable[Any], returned: bytes | str) -> bool:
    """Whether what came back holds the items expected, however often and in whatever order; raises NotAValueError.

    As `set(returned)` sees it: the items of a list, tuple or set, the keys of a dict, the letters of a text.
    """
    value = parse(returned)
    canonical(value)
    if isinstance(value, dict):
        items = value.get("t", value.get("s", [key for key, _ in value.get("d", ())]))
    else:
        items = value if isinstance(value, list | str) else None
    return items is not None and {canonical(encode(item)) for item in expected} == {canonical(item) for item in items}


def is_close(expected: float, returned: bytes | str, relative: float, absolute: float) -> bool:
    """Whether a number came back that `math.isclose` takes for the expected one; raises NotAValueError."""
    value = number(parse(returned))
    try:
        return value is not None and math.isclose(value, expected, rel_tol=relative, abs_tol=absolute)
    except OverflowError:
        return False


def close(expected: float, returned: bytes | str, tolerance: float) -> bool:
    """Whether a number less than `tolerance` away from `expected` came back; raises NotAValueError."""
    value = number(parse(returned))
    try:
        return value is not None and abs(value - expected) < tolerance
    except OverflowError:
        return False


def number(encoded: Any) -> int | float | None:
    """Return an encoded int or float, None for any other value; raises NotAValueError."""
    try:
        if isinstance(encoded, dict) and set(encoded) == {"f"}:
            return float.fromhex(encoded["f"])
        if isinstance(encoded, dict) and set(encoded) == {"i"}:
            return int(encoded["i"], 16)
    except (TypeError, ValueError, OverflowError) as error:
        raise NotAValueError(f"not an encoded number: {error}") from error
    return encoded if type(encoded) is int else None


def is_true(returned: bytes | str) -> bool:
    """Whether a built-in value came back that counts as true in a condition; raises NotAValueError.

    Objects of other types raise: their `__bool__` is the program's own word.
    """
    return canonical(parse(returned)) not in FALSE_VALUES


def same_text(expected: str, printed: bytes) -> bool:
    """Whether a program printed the expected lines, trailing spaces and empty lines at the end aside.

    Every expected line must be there and no other: comparing line by line up to the shorter text would accept
    a prefix. Output that is not UTF-8 equals nothing.
    """
    try:
        text = printed.decode()
    except UnicodeDecodeError:
        return False
    return lines(expected) == lines(text)


def lines(text: str) -> list[str]:
    """Return the lines of a text without trailing spaces, and without empty lines at its end."""
    return [line.rstrip() for line in text.rstrip().split("\n")]


def parse(returned: bytes | str) -> Any:
    """Return what strict JSON says; raises NotAValueError."""
    try:
        return json.loads(returned, parse_float=refuse, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise NotAValueError(f"not a value: {error or type(error).__name__}") from error


def refuse(text: str) -> None:
    """Refuse a number that `encode` does not write."""
    raise NotAValueError(f"not an encoded number: {text:.40}")


def canonical(encoded: Any, tuples_are_lists: bool = False) -> str:
    """Return one text for all encodings of equal values; raises NotAValueError."""
    try:
        return _canonical_text(encoded, tuples_are_lists)
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise NotAValueError(f"not an encoded value: {error or type(error).__name__}") from error


def _canonical_text(encoded: Any, tuples_are_lists: bool) -> str:
    """Return the canonical text of one encoded value; any error means that it is none."""
    if isinstance(encoded, dict):
        ((tag, content),) = encoded.items()
        if tag == "t" and tuples_are_lists:
            return _canonical_text(list(content), tuples_are_lists)
        return WRITERS[tag](content, lambda item: _canonical_text(item, tuples_are_lists))
    if isinstance(encoded, list):
        return _write_items(encoded, lambda item: _canonical_text(item, tuples_are_lists))
    return json.dumps(encoded)


def _write_float(text: str, _: object) -> str:
    """Write a float; a whole one as the integer it equals."""
    value = float.fromhex(text)
    if not math.isfinite(value):
        return f'{{"f":"{value}"}}'
    return _write_integer(int(value)) if value.is_integer() else f'{{"f":"{value.hex()}"}}'


def _write_integer(value: int) -> str:
    """Write an integer; a long one in hexadecimal, which takes linear time."""
    return str(value) if abs(value) < 1 << 53 else hex(value)


def _write_items(items: list[Any], write: Callable[[Any], str]) -> str:
    """Write items in their order."""
    return "[" + ",".join(write(item) for item in items) + "]"


def _write_set(items: list[Any], write: Callable[[Any], str]) -> str:
    """Write items in the order of their texts."""
    return "[" + ",".join(sorted(write(item) for item in items)) + "]"


def _write_dict(pairs: list[list[Any]], write: Callable[[Any], str]) -> str:
    """Write pairs in the order of their texts."""
    return "[" + ",".join(sorted(f"[{write(key)},{write(item)}]" for key, item in pairs)) + "]"


WRITERS: dict[str, Callable[[Any, Callable[[Any], str]], str]] = {
    "i": lambda text, _: _write_integer(int(text, 16)),
    "f": _write_float,
    "t": lambda items, write: f'{{"t":{_write_items(items, write)}}}',
    "d": lambda pairs, write: f'{{"d":{_write_dict(pairs, write)}}}',
    "s": lambda items, write: f'{{"s":{_write_set(items, write)}}}',
    "b": lambda text, _: f'{{"b":{json.dumps(text)}}}',
}
