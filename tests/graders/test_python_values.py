"""What programs print, in the notation of mathematics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.python_values import as_mathematics


@pytest.mark.parametrize(
    ("printed", "reading"),
    [
        ("[8]", "8"),  # what sympy's solve returns
        ("[{x: 2}]", "x = 2"),
        ("{x: 2, y: 3}", "x = 2, y = 3"),
        ("Fraction(-3, 4)", "-3/4"),
        ("[Rational(1, 2), Rational(1, 3)]", "1/2, 1/3"),
        ("Decimal('1.50')", "1.50"),
        ("np.float64(3.5)", "3.5"),
        ("{1, 2}", "\\{1, 2\\}"),
        ("x**2 - 1", "x ^ 2 - 1"),
        ("[[1 2]\n [3 4]]", "[[1, 2], [3, 4]]"),  # numpy's arrays
        ("[1. 2.5]", "[1.0, 2.5]"),
        ("2 3", "(2, 3)"),  # print(2, 3)
        ("Matrix([[1, 2]])", "1, 2"),
        ("['a', 'b']", "a, b"),
    ],
)
def test_values_are_read_as_what_they_mean(printed: str, reading: str) -> None:
    assert reading in as_mathematics(printed)


@pytest.mark.parametrize("printed", ["18 apples", "", "(", "lambda: 0 =", "9" * 600, "x" + "+x" * 240 + "+"])
def test_what_is_no_value_is_left_alone(printed: str) -> None:
    assert as_mathematics(printed) == ()


def test_brackets_that_mean_something_stay() -> None:
    """`[2, 3)` is no list, and the list `[2, 3]` is no open interval."""
    assert "2, 3" in as_mathematics("[2, 3]")
    assert as_mathematics("[2, 3]", bracketed=True) == ("[2, 3]",)


@given(st.text(max_size=80) | st.text("[](){}0123456789., \n'\"*-+eExj:", max_size=600))
def test_any_text_is_read_without_an_exception(printed: str) -> None:
    assert all(isinstance(reading, str) for reading in as_mathematics(printed))
