"""Values as strict, typed JSON: how arguments enter the container and returned values leave it.

Linked lists and trees of LeetCode go as the lists in which its problems write them. JSON alone would make a tuple a
list, 1.0 an int after some parsers, and lose sets, bytes and NaN. The same file runs inside the container, so it uses
the standard library only. What is not of a built-in type leaves only its type's name: an object whose `__eq__` says
True is `{"o": "Liar"}` on the host, and equal to nothing.

>>> encode((1, 2.5, {"a": {3}}))
{'t': [1, {'f': '0x1.4000000000000p+1'}, {'d': [['a', {'s': [3]}]]}]}
"""

import struct
import sys
from collections.abc import Callable
from typing import Any

from cotfactory.graders.sandbox.nodes import from_linked, from_tree, linked, tree

READY = b"ready"
"""What a runner writes once, when it can take jobs."""
STARTED = struct.Struct(">dQI")
"""What a child writes to its runner before the program starts: how many seconds, bytes of memory and bytes of output
it may take."""
REPORT = struct.Struct(">i?????dI")
"""What a runner writes after each job, before the output: exit code, timed out, starved, memory exceeded, output
exceeded, whether the container is clean again, duration in milliseconds, bytes of output."""

ITERATORS: tuple[type, ...] = (
    range,
    map,
    filter,
    zip,
    enumerate,
    reversed,
    type({}.keys()),
    type({}.values()),
    type({}.items()),
    type(_ for _ in ()),
    type(iter([])),
)
"""What is walked through where a test asks for its items; of itself it equals nothing."""
PLAIN_INT = 1 << 53
RAISED, OUT_OF_MEMORY, NO_ENTRY_POINT, MISSING_MODULE, MISSING_LANGUAGE, DOES_NOT_COMPILE = 76, 77, 78, 79, 80, 81
"""Exit codes: an exception ended the program; it had no memory left; it defines no callable of the asked name; it
imports what is not there; the image has no such language; the compiler refused it."""


def encode(value: Any) -> Any:
    """Return `value` as typed JSON; raises RecursionError for a value that holds itself.

    Subclasses of the built-in types count as their base (a Counter is a dict, an IntEnum an int), numpy's numbers as
    the number they hold. Methods are taken from the built-in type, so that a subclass cannot hide what it holds.
    """
    if value is None or value is True or value is False:
        return value
    kind = type(value)
    if issubclass(kind, int):
        number = int.__int__(value)
        return number if -PLAIN_INT < number < PLAIN_INT else {"i": hex(number)}
    if issubclass(kind, float):
        return {"f": float.hex(value)}
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, list):
        return [encode(item) for item in list.__iter__(value)]
    if issubclass(kind, tuple):
        return {"t": [encode(item) for item in tuple.__iter__(value)]}
    if issubclass(kind, dict):
        return {"d": [[encode(key), encode(item)] for key, item in dict.items(value)]}
    if issubclass(kind, (set, frozenset)):
        return {"s": [encode(item) for item in kind.__iter__(value)]}
    if issubclass(kind, (bytes, bytearray)):
        return {"b": bytes(value).hex()}
    fractions, decimal = sys.modules.get("fractions"), sys.modules.get("decimal")
    if fractions is not None and issubclass(kind, fractions.Fraction):
        return {"q": f"{value.numerator:x}/{value.denominator:x}"}
    if decimal is not None and issubclass(kind, decimal.Decimal):
        return {"m": str(value)}
    if issubclass(kind, ITERATORS):
        return {"g": [encode(item) for item in value]}
    numpy = sys.modules.get("numpy")
    if numpy is not None and issubclass(kind, numpy.generic):
        return encode(value.item())
    if kind.__name__ in NODES:
        tag, values_of = NODES[kind.__name__]
        try:
            return {tag: [encode(item) for item in values_of(value)]}
        except (ValueError, AttributeError):
            return {"o": kind.__name__}
    return {"o": kind.__name__}


NODES: dict[str, tuple[str, Callable[[Any], list[Any]]]] = {
    "ListNode": ("l", from_linked),
    "TreeNode": ("r", from_tree),
}
"""Classes by whose name a value is a node, the program's own ones too."""


def decode(encoded: Any) -> Any:
    """Return the value that `encode` was given.

    Only for what the host encoded: it runs in the container. What comes out of there is compared as it is.
    """
    if encoded is None or isinstance(encoded, bool | int | str):
        return encoded
    if isinstance(encoded, list):
        return [decode(item) for item in encoded]
    ((tag, content),) = encoded.items()
    return DECODERS[tag](content)


DECODERS: dict[str, Callable[[Any], Any]] = {
    "i": lambda text: int(text, 16),
    "f": float.fromhex,
    "t": lambda items: tuple(decode(item) for item in items),
    "d": lambda pairs: {decode(key): decode(item) for key, item in pairs},
    "s": lambda items: {decode(item) for item in items},
    "b": bytes.fromhex,
    "l": lambda items: linked([decode(item) for item in items]),
    "r": lambda items: tree([decode(item) for item in items]),
    "g": lambda items: iter([decode(item) for item in items]),
    "q": lambda text: _fraction(text),
    "m": lambda text: _decimal(text),
}


def _fraction(text: str) -> Any:
    """Return a Fraction; the module is imported by those who need it."""
    from fractions import Fraction

    numerator, denominator = text.split("/")
    return Fraction(int(numerator, 16), int(denominator, 16))


def _decimal(text: str) -> Any:
    """Return a Decimal; the module is imported by those who need it."""
    from decimal import Decimal

    return Decimal(text)
