"""The verdict on returned values, trap by trap."""

import json
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.code.compare import (
    NotAValueError,
    close,
    is_close,
    is_true,
    same,
    same_items,
    same_sequence,
)
from cotfactory.graders.sandbox.values import encode


def wire(value: Any) -> bytes:
    return json.dumps(encode(value)).encode()


@pytest.mark.parametrize(
    ("expected", "returned"),
    [
        (17, 17),
        (2, 2.0),  # numbers of exactly the same value
        (2.0, 2),
        (0.0, -0.0),
        (float("nan"), float("nan")),
        (10**30, 10**30),
        (2.0**60, 2**60),
        ([1, [2, (3, None)]], [1, [2, (3, None)]]),
        ({1, 2, 3}, {3, 2, 1}),
        ({1}, frozenset({1.0})),
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}),  # a dict has no order
        ({(1, 2): 3}, {(1, 2): 3}),
        ("ß", "ß"),
        (b"\x00", bytearray(b"\x00")),
        # as == has it in Python: a bool is a number, and numbers are equal when their values are
        (1, True),
        (False, 0),
        ({1: "a"}, {True: "a"}),
        (0.5, Fraction(1, 2)),
        (1, Decimal("1.00")),
        (0.1, Decimal.from_float(0.1)),
        (Fraction(1, 3), Fraction(2, 6)),
    ],
)
def test_equal(expected: Any, returned: Any) -> None:
    assert same(expected, wire(returned))


@pytest.mark.parametrize(
    ("expected", "returned"),
    [
        (None, False),
        (17, "17"),
        (17, [17]),
        (0.3, 0.1 + 0.2),  # no tolerance that nobody declared
        (2**53 + 1, float(2**53)),  # == on floats would lose the difference
        (float("nan"), None),
        (float("inf"), "inf"),
        ((1, 2), [1, 2]),
        ([1, 2], [1, 2, 3]),  # zip() would not see it
        ([1, 2, 3], [1, 2]),
        ([], {}),
        (0.1, Decimal("0.1")),
        (0.1, Fraction(1, 10)),
        ([0, 1], range(2)),  # of itself an iterator equals no list
        ({1, 2}, [1, 2]),
        ("a", b"a"),
        ({"f": "0x1p+0"}, 1.0),  # a dict that looks like our own encoding
        ("e\u0301", "é"),
    ],
)
def test_different(expected: Any, returned: Any) -> None:
    assert not same(expected, wire(returned))


def test_json_expectations_accept_tuples_at_every_depth() -> None:
    assert same([[1, 2], [3]], wire(((1, 2), [3])), in_json=True)
    assert not same([[1, 2]], wire(({1, 2},)), in_json=True)


@pytest.mark.parametrize(
    "returned",
    [
        b"",  # nothing came back
        b"17 17",
        b"\xff\xfe",
        b"[" * 100_000,  # a parser without a guard ends the process
        b'{"f": 1}',
        b'{"f": "1e9999999"}' * 2,
        b'{"q": []}',
        b'{"t": [1], "s": [1]}',
        b"{}",
        b"1.5",  # a float we did not write
        b"NaN",
        b'{"d": [[1]]}',
        b'{"o": "Liar"}',
        b'{"t": 7}',
        b"9" * 5000,  # int() refuses so many digits
    ],
)
def test_forged_bytes_are_no_value(returned: bytes) -> None:
    with pytest.raises(NotAValueError):
        same([1], returned)


def test_many_colliding_integers_take_no_time() -> None:
    # hash(n) is n mod 2**61-1: a set built of these would take quadratic time.
    modulus = (1 << 61) - 1
    forged = json.dumps({"s": [{"i": hex(modulus * n)} for n in range(1, 20_000)]})
    assert not same({1}, forged)


@given(st.recursive(st.integers() | st.booleans() | st.text(), st.lists, max_leaves=10))
def test_a_value_equals_itself_and_not_its_wrapping(value: Any) -> None:
    assert same(value, wire(value))
    assert not same(value, wire([value]))


@pytest.mark.parametrize(
    ("returned", "is_close"),
    [(0.3300001, True), (0.34, False), (True, False), ("0.33", False), (None, False), (float("nan"), False)],
)
def test_close(returned: Any, is_close: bool) -> None:
    assert close(0.33, wire(returned), 1e-6) is is_close


def test_a_number_too_large_for_a_float_is_not_close() -> None:
    assert not close(0.5, wire(10**400), 1e-6)
    assert not close(float("inf"), wire(10**400), 1e-6)


@pytest.mark.parametrize(
    ("returned", "truth"),
    [(1, True), (0.0, False), (-0.0, False), ("", False), ([], False), ((), False), ({}, False), (set(), False),
     (b"", False), ([0], True), ("False", True), (None, False)],
)  # fmt: skip
def test_truth(returned: Any, truth: bool) -> None:
    assert is_true(wire(returned)) is truth


def test_an_object_is_neither_true_nor_false() -> None:
    with pytest.raises(NotAValueError):
        is_true(b'{"o": "Liar"}')


def test_an_expectation_in_json_has_no_numbers_that_are_bools_and_texts_for_keys() -> None:
    assert not same(1, wire(True), in_json=True)
    assert same({"1": 2, "2": 1}, wire({1: 2, 2: 1}), in_json=True)
    assert not same({"1": 2}, wire({2: 2}), in_json=True)


@pytest.mark.parametrize(
    "sent", [b'{"f": "0x1p1024"}', b'[{"q": "1/0"}]', b'{"m": "1e999999999"}', b'{"m": "x"}', b'{"g": 3}']
)
def test_numbers_that_are_none_are_no_values(sent: bytes) -> None:
    with pytest.raises(NotAValueError):
        same(1, sent)


def test_sequences() -> None:
    assert same_sequence([1, (2,)], wire((1, (2,))))
    assert same_sequence((1, 2), wire([1, 2]))
    assert not same_sequence([1, (2,)], wire([1, [2]]))
    assert not same_sequence([1, 2], wire({1, 2}))
    # A list of one item, and an object that is no tuple: neither is read as one.
    assert same_sequence([1], b"[1]")
    assert not same_sequence([2], b"[1]")
    assert not same_sequence([1], b"7")


@pytest.mark.parametrize(
    ("expected", "returned", "equal"),
    [
        ([2, 3], [3, 2, 2], True),
        ([2, 3], {2.0, 3}, True),
        ([2, 3], (2, 3, 4), False),
        ([2, 3], {2: 0, 3: 0}, True),
        (["a", "b"], "abba", True),
        ([1], [True], True),
        ([1, 2], map(int, "12"), True),
        ([1, 2], {1: 0, 2: 0}.keys(), True),
        ([(1, 2)], [[1, 2]], False),
        ([], 5, False),
        ([], None, False),
        ([], [], True),
    ],
)
def test_items(expected: list[Any], returned: Any, equal: bool) -> None:
    assert same_items(expected, wire(returned)) is equal


def test_items_of_an_object_are_no_items() -> None:
    with pytest.raises(NotAValueError):
        same_items([], b'{"o": "Liar"}')


@pytest.mark.parametrize(
    ("expected", "returned", "equal"),
    [
        (0.5, 0.5 + 1e-12, True),
        (0.5, 0.501, False),
        (2, 2, True),
        (2, True, False),
        (2.0, math.nan, False),
        (2.0, "2.0", False),
        (2.0, 10**400, False),
    ],
)
def test_is_close(expected: float, returned: Any, equal: bool) -> None:
    assert is_close(expected, wire(returned), 1e-9, 0.0) is equal
