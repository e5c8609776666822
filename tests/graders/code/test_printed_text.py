"""Printed text: exact lines by default, and what a problem's judge allows beside them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.code.printed_text import same_text
from cotfactory.schemas.judging import StdioJudge

LINES = StdioJudge()
TOKENS = StdioJudge(tokens=True)
NEAR = StdioJudge(absolute=1e-6, relative=1e-6)


@pytest.mark.parametrize(
    ("expected", "printed", "equal"),
    [
        ("3\n15\n6\n", b"3\n15\n6", True),
        ("3\n15\n6\n", b"3 \r\n15\n6\n\n\n", True),
        ("3\n15\n6\n", b"3\n", False),  # a prefix
        ("3\n", b"3\n15\n", False),
        ("3\n15\n", b"3\n\n15\n", False),
        (" 3\n", b"3\n", False),  # leading spaces may be a picture
        ("3\n", "３\n".encode(), False),  # int() takes full-width digits, text does not
        ("3\n", b"3\n\xff", False),
        ("", b"", True),
        ("1.0\n", b"1\n", False),
    ],
)
def test_printed_text(expected: str, printed: bytes, equal: bool) -> None:
    assert same_text(expected, printed) is equal


@pytest.mark.parametrize(
    ("judge", "expected", "printed", "equal"),
    [
        # a float to its last digit is what arithmetic left; what is expected in fewer digits was meant so
        (LINES, "2.3333333333333335\n", "2.333333\n", True),
        (LINES, "x 0.30000000000000004 y\n", "x 0.3 y\n", True),
        (TOKENS, "0.30000000000000004", " 0.3\n", True),
        (LINES, "-1.4142135623730951e-05", "-0.000014142136", True),
        (LINES, "2.3333333333333335\n", "2.33\n", False),
        (LINES, "2.3333333333333335\n", "x\n", False),
        (LINES, "2.3333333333333335 1", "2.333333", False),
        (LINES, "2.3333333333333335 1", "2.333333  1", False),  # lines are lines
        (LINES, "2.333333", "2.3333333333333335", False),
        (LINES, "3.14159265358979323846", "3.141593", False),  # more digits than a float has
        (LINES, "1234567890123456", "1234567890123457", False),  # no float
        (LINES, "1234567890123456.0", "1234567890123457.0", False),  # a whole number has no noise
        # words between white space, whatever that is
        (TOKENS, "1 2 3\n", "  1   2\n3", True),
        (TOKENS, "1 2 3\n", "1 23", False),
        (TOKENS, "1 2 3\n", "1 2", False),
        (TOKENS, "1 2 3\n", "1 2 3 4", False),
        (TOKENS, "3", "3.0", False),  # no number without a tolerance
        (TOKENS, "", "  \n", True),
        # a tolerance for what is a number; either side of it is enough
        (NEAR, "2.3333333333333335\n", "2.333333\n", True),
        (NEAR, "3\n", "3.0\n", True),
        (NEAR, "3e5", "300000.0", True),
        (NEAR, "1000000000", "1000000500", True),
        (StdioJudge(absolute=1e-6), "1000000000", "1000000500", False),
        (StdioJudge(relative=1e-6), "0", "0.0000001", False),
        (NEAR, "2.3333", "2.3334", False),
        (NEAR, "YES 1.0", "YES 1", True),
        (NEAR, "YES 1.0", "NO 1", False),
        (NEAR, "1 2", "1", False),
        # what Python calls a float and no judge does
        (NEAR, "1.0", "nan", False),
        (NEAR, "1e300", "inf", False),
        (NEAR, "1e999", "1e998", False),
        (NEAR, "10", "1_0", False),
        (NEAR, "10", "0x0a", False),
        (NEAR, "1", "1" + "0" * 500, False),
        (NEAR, "9" * 500, "9" * 500, True),
        # letters in any case
        (StdioJudge(ignore_case=True), "YES\n", "Yes", True),
        (StdioJudge(ignore_case=True), "YES\n", "no", False),
        # lines, or words, in any order: as often as they are expected
        (StdioJudge(any_order=True), "1 2\n3 4\n", "3 4\n1 2\n", True),
        (StdioJudge(any_order=True), "1 2\n3 4\n", "2 1\n3 4\n", False),
        (StdioJudge(any_order=True), "1\n1\n2\n", "1\n2\n2\n", False),
        (StdioJudge(any_order=True, tokens=True), "1 2 3", "3 1 2", True),
        (StdioJudge(any_order=True, tokens=True), "1 1 2", "1 2 2", False),
        (StdioJudge(any_order=True, absolute=0.01), "1.0 10.0 9.5", "9.501 1 10.001", True),
        (StdioJudge(any_order=True, absolute=0.01), "1.0 10.0 9.5", "9.6 1 10", False),
    ],
)  # fmt: skip
def test_a_judge(judge: StdioJudge, expected: str, printed: str, equal: bool) -> None:
    assert same_text(expected, printed.encode(), judge) is equal


@given(
    st.builds(
        StdioJudge, tokens=st.booleans(), any_order=st.booleans(), ignore_case=st.booleans(),
        absolute=st.sampled_from([0.0, 0.1]), relative=st.sampled_from([0.0, 0.1]),
    ),
    st.text(),
    st.binary(),
)  # fmt: skip
def test_every_judge_takes_the_text_itself_and_survives_any_other(judge: StdioJudge, text: str, other: bytes) -> None:
    assert same_text(text, text.encode(), judge)
    same_text(text, other, judge)
