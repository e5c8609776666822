"""The verdict on a returned value: typed, exact, and made on the host.

A returned value arrives as the typed JSON of `graders.sandbox.values`, or as whatever a hostile program wrote
in its place. It is never turned back into Python objects: both sides are brought to one canonical text, in linear
time, and the texts are compared. What that means: numbers are equal when they have exactly the same value, whether
int, float, Fraction or Decimal; a bool is a number where a test says `==`, as in Python, and none where the
expectation was written in JSON, whose objects have texts for keys; 0.0 equals -0.0; NaN equals NaN and nothing
else; a list is not a tuple unless the expectation was written in JSON; sets and dicts have no order; an object of
any other type equals nothing.

>>> same(17, "17"), same((1, 2), '{"t": [1, 2]}'), same(2, '{"f": "0x1.0000000000000p+1"}')
(True, True, True)
"""

import json
import math
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from cotfactory.graders.sandbox.values import encode

MOST_DIGITS = 5000
FALSE_VALUES = frozenset({"null", "0", '""', "[]", '{"b":""}', '{"d":[]}', '{"s":[]}', '{"t":[]}'})


class NotAValueError(ValueError):
    """What came back is not an encoded value of a built-in type."""


def same(expected: object, returned: bytes | str, in_json: bool = False) -> bool:
    """Whether the returned bytes encode a value equal to `expected`; raises NotAValueError."""
    return canonical(encode(expected), in_json) == canonical(parse(returned), in_json)


def same_sequence(expected: list[Any] | tuple[Any, ...], returned: bytes | str) -> bool:
    """Whether walking through what came back gives the items expected, in order; raises NotAValueError.

    Lists and tuples are told apart again inside the items.
    """
    value = parse(returned)
    items = None if isinstance(value, dict) and "s" in value else items_of(value)
    return items is not None and canonical(encode(list(expected))) == canonical(items)


def items_of(value: Any) -> list[Any] | None:
    """Return the encoded items that walking through an encoded value gives; None for what has none."""
    if isinstance(value, dict):
        return value.get("t", value.get("g", value.get("s", [key for key, _ in value["d"]] if "d" in value else None)))
    return list(value) if isinstance(value, list | str) else None


def same_items(expected: Iterable[Any], returned: bytes | str) -> bool:
    """Whether what came back holds the items expected, however often and in whatever order; raises NotAValueError.

    As `set(returned)` sees it: the items of a list, tuple or set, the keys of a dict, the letters of a text.
    """
    value = parse(returned)
    canonical(value)
    items = items_of(value)
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


def parse(returned: bytes | str) -> Any:
    """Return what strict JSON says; raises NotAValueError."""
    try:
        return json.loads(returned, parse_float=refuse, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise NotAValueError(f"not a value: {error or type(error).__name__}") from error


def refuse(text: str) -> None:
    """Refuse a number that `encode` does not write."""
    raise NotAValueError(f"not an encoded number: {text:.40}")


def canonical(encoded: Any, in_json: bool = False) -> str:
    """Return one text for all encodings of equal values; raises NotAValueError."""
    try:
        return _canonical_text(encoded, in_json)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise NotAValueError(f"not an encoded value: {error or type(error).__name__}") from error


def _canonical_text(encoded: Any, in_json: bool) -> str:
    """Return the canonical text of one encoded value; any error means that it is none."""

    def write(item: Any) -> str:
        return _canonical_text(item, in_json)

    if isinstance(encoded, dict):
        ((tag, content),) = encoded.items()
        if in_json and tag == "t":
            return write(list(content))
        if in_json and tag == "d":
            return _write_dict([[json_key(key), item] for key, item in content], write)
        return WRITERS[tag](content, write)
    if isinstance(encoded, list):
        return _write_items(encoded, write)
    if isinstance(encoded, bool) and not in_json:
        return _write_integer(int(encoded))
    return json.dumps(encoded)


def json_key(key: Any) -> Any:
    """Return the key of a dict as JSON would have written it: 1 as "1"."""
    return json.dumps(key) if key is None or isinstance(key, bool | int) else key


def _write_float(text: str, _: object) -> str:
    """Write a float as the exact number it is."""
    value = float.fromhex(text)
    return _write_ratio(*value.as_integer_ratio()) if math.isfinite(value) else f'{{"f":"{value}"}}'


def _write_fraction(text: str, _: object) -> str:
    """Write a fraction, reduced."""
    numerator, denominator = (int(part, 16) for part in text.split("/"))
    value = Fraction(numerator, denominator)
    return _write_ratio(value.numerator, value.denominator)


def _write_decimal(text: str, _: object) -> str:
    """Write a decimal as the exact number it is; one of more digits than anybody writes equals nothing."""
    value = Decimal(text)
    if not value.is_finite():
        return f'{{"f":"{float(value)}"}}'
    if abs(value.adjusted()) > MOST_DIGITS or len(value.as_tuple().digits) > MOST_DIGITS:
        raise ValueError("a decimal of too many digits")
    return _write_ratio(*value.as_integer_ratio())


def _write_ratio(numerator: int, denominator: int) -> str:
    """Write a number in lowest terms; a whole one as an integer."""
    return _write_integer(numerator) if denominator == 1 else f'{{"q":"{numerator:x}/{denominator:x}"}}'


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
    "q": _write_fraction,
    "m": _write_decimal,
    "l": lambda items, write: f'{{"l":{_write_items(items, write)}}}',
    "r": lambda items, write: f'{{"r":{_write_items(items, write)}}}',
    "g": lambda items, write: f'{{"g":{_write_items(items, write)}}}',
    "b": lambda text, _: f'{{"b":{json.dumps(text)}}}',
}
