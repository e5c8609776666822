"""Typed JSON: every built-in value comes back as it was, and nothing else gets through."""

import enum
import json
import math
from collections import Counter, OrderedDict, namedtuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.sandbox.values import decode, encode

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
keys = st.booleans() | st.integers() | st.text() | st.tuples(st.integers(), st.text())
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner) | st.sets(keys),
    max_leaves=20,
)


def typed(value: Any) -> str:
    """A text that tells apart what == does not: True from 1, 1.0 from 1, NaN from NaN."""
    return repr(value)


@given(values)
def test_a_value_comes_back_with_its_types(value: Any) -> None:
    wire = json.dumps(encode(value), allow_nan=False)
    back = decode(json.loads(wire))
    assert type(back) is type(value)
    if not contains_set_or_dict(value):
        assert typed(back) == typed(value)
    elif not contains_nan(value):
        assert back == value


def contains_set_or_dict(value: Any) -> bool:
    return isinstance(value, set | dict) or (
        isinstance(value, list | tuple) and any(contains_set_or_dict(item) for item in value)
    )


def contains_nan(value: Any) -> bool:
    if isinstance(value, float):
        return math.isnan(value)
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list | tuple) and any(contains_nan(item) for item in value)


class Level(enum.IntEnum):
    HIGH = 3


Point = namedtuple("Point", "x y")


class Liar:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]

    __class__ = property(lambda self: int)


class LyingList(list[int]):
    def __iter__(self) -> Any:
        return iter([9, 9])


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (Counter("aab"), {"d": [["a", 2], ["b", 1]]}),
        (OrderedDict(a=1), {"d": [["a", 1]]}),
        (Point(1, 2), {"t": [1, 2]}),
        (Level.HIGH, 3),
        (10**400, {"i": hex(10**400)}),  # longer than str() of an int may be
        (-0.0, {"f": "-0x0.0p+0"}),
        (frozenset({1}), {"s": [1]}),
        pytest.param(Liar(), {"o": "Liar"}, id="liar"),  # isinstance() believes __class__, we do not
        (LyingList([1, 2]), [1, 2]),  # what it holds, not what it says
        (3 + 4j, {"o": "complex"}),
        (range(2), {"g": [0, 1]}),
    ],
)
def test_what_leaves_the_container(value: Any, wire: Any) -> None:
    assert encode(value) == wire


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(RecursionError):
        encode(endless)
