"""Values by a problem's own judge, trap by trap."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.code.compare import NotAValueError
from cotfactory.graders.code.judged_values import changed_argument, judged_same, same_floats
from cotfactory.graders.sandbox.values import encode
from cotfactory.schemas.judging import CallJudge

NEAR = CallJudge(absolute=1e-6)
ANY = CallJudge(any_order=True)
NESTED = CallJudge(any_order="nested")


@pytest.mark.parametrize(
    ("expected", "returned", "equal"),
    [
        ([0.1, 0.2, 0.3], [0.1, 0.2, 0.1 * 3], True),
        ({"a": (0.3,)}, {"a": [0.1 * 3]}, True),
        (0.3, 0.3000001, False),
        (10**15, 10**15 + 1, False),  # integers have no noise
        (1e15, 10**15 + 1, False),
        (0.3, "0.3", False),
        (0.0, 1e-300, False),
        (float("nan"), float("nan"), True),
        (1e308, float("inf"), False),
    ],
)
def test_floats_are_the_same_but_for_the_order_of_their_arithmetic(expected: Any, returned: Any, equal: bool) -> None:
    assert same_floats(expected, json.dumps(encode(returned))) is equal


@pytest.mark.parametrize(
    ("judge", "expected", "returned", "equal"),
    [
        (NEAR, 0.3, 0.1 + 0.2, True),
        (NEAR, [0.1, 0.2, 0.3], [0.1, 0.2, 0.1 + 0.2], True),
        (NEAR, [0.1, 0.2], (0.1, 0.2), True),  # JSON has no tuples
        (NEAR, [[1, 2.5]], [[1, 2.5000001]], True),
        (NEAR, {"a": 0.3}, {"a": 0.1 + 0.2}, True),
        (NEAR, {"1": 0.3}, {1: 0.3}, True),  # nor keys that are numbers
        (NEAR, 3, 3.0, True),
        (NEAR, 3, 3.1, False),
        (NEAR, [1.0], [1.0, 1.0], False),
        (NEAR, {"a": 1.0}, {"b": 1.0}, False),
        (NEAR, 1.0, "1.0", False),
        (NEAR, True, 1.0, False),  # JSON tells them apart
        (NEAR, 1e308, float("inf"), False),
        (NEAR, 1.0, float("nan"), False),
        (NEAR, 10**400, 10**400, True),  # larger than any float
        (NEAR, 10**400, 10**400 + 1, False),
        (CallJudge(relative=0.01), 100, 100.9, True),
        (CallJudge(relative=0.01), 100, 102, False),
        (ANY, [[1, 2], [1, 3]], [[1, 3], [1, 2]], True),
        (ANY, [[1, 2], [1, 3]], [[3, 1], [1, 2]], False),
        (ANY, [1, 1, 2], [1, 2, 2], False),
        (ANY, [1, 2], (2, 1), True),
        (ANY, [1, 2], {1, 2}, False),  # a set where a list is asked for
        (ANY, "ab", "ba", False),
        (NESTED, [[1, 2], [1, 3]], [[3, 1], [2, 1]], True),
        (NESTED, [[1, 2], [1, 3]], [[3, 1], [2, 2]], False),
        (CallJudge(), [1, 2], [2, 1], False),
    ],
)  # fmt: skip
def test_a_judge(judge: CallJudge, expected: Any, returned: Any, equal: bool) -> None:
    assert judged_same(expected, json.dumps(encode(returned)), judge) is equal


@pytest.mark.parametrize("judge", [NEAR, ANY, NESTED])
@pytest.mark.parametrize(
    "returned", ['{"o": "Liar"}', '[{"o": "Liar"}]', "1.5", "[1, NaN]", '{"f": "0x1p1024"}', "[" * 5000]
)
def test_what_is_no_value_equals_nothing(judge: CallJudge, returned: str) -> None:
    with pytest.raises(NotAValueError):
        judged_same([1], returned, judge)


def whole(args: Any) -> str:
    return json.dumps({"value": None, "args": args, "own": False})


def test_an_argument_is_what_the_call_made_of_it() -> None:
    assert changed_argument(([3, 1], 7), whole([[1, 3], 7]), 0) == "[1, 3]"
    assert changed_argument(([3, 1], 7), whole(None), 0) == "[3, 1]"  # left as it was


@pytest.mark.parametrize("returned", ["null", "[]", '{"raised": ["ValueError"], "message": ""}', whole([]), whole(7)])
def test_a_call_that_tells_nothing_of_its_argument(returned: str) -> None:
    with pytest.raises(NotAValueError):
        changed_argument(([1],), returned, 0)


values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values, st.sampled_from([NEAR, ANY, NESTED, CallJudge()]))
def test_every_judge_takes_the_value_itself(value: Any, judge: CallJudge) -> None:
    assert judged_same(value, json.dumps(encode(value)), judge)
