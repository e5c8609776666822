"""Numbers as exact rationals, units and percent."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.math.latex import clean
from cotfactory.graders.math.number_words import number_words
from cotfactory.graders.math.numbers import (
    NOTHING_ASKED,
    Asked,
    Quantity,
    Tolerance,
    exact_number,
    quantity,
    same_quantity,
    split_unit,
    within,
)

EXACT = [
    ("18", "18"),
    ("-1,234.50", "-2469/2"),
    (".5", "1/2"),
    ("1 234 567", "1234567"),
    ("15,\\!625", "15625"),
    ("15, \\!625", "15625"),
    ("10{,}000", "10000"),
    ("1\\,234.5", "2469/2"),
    ("\\dfrac{-3}{4}", "-3/4"),
    ("\\frac12", "1/2"),
    ("-\\frac{3}{4}", "-3/4"),
    ("3/4", "3/4"),
    ("1\\frac{4}{5}", "9/5"),
    ("-1\\frac{1}{2}", "-3/2"),  # the sign belongs to the whole mixed number
    ("2 3/4", "11/4"),
    ("1½", "3/2"),
    ("3 \\times 10^{-2}", "3/100"),
    ("10^6", "1000000"),
    ("2.5E-3", "1/400"),
    ("0.\\overline{9}", "1"),
    ("0.1\\overline{6}", "1/6"),
    ("１７", "17"),  # full width
    ("−5", "-5"),  # U+2212
    ("1\u20605", "15"),  # a word joiner inside a number
    ("٣٤", "34"),
    ("2^{10}", "1024"),
    ("2^5", "32"),
    ("(-3)^2", "9"),
    ("10^{0}", "1"),
    ("-3^2", "-9"),  # the sign is outside the power
    ("(1)/(2)", "1/2"),
    ("1.5 \\cdot 10^2", "150"),
    ("9" * 2_000, "9" * 2_000),  # the longest that is read
    ("10^{400}", "1" + "0" * 400),
    ("2e-400", "2/1" + "0" * 400),
    ("99^{999}", str(99**999)),
    ("1.\\overline{09}", "12/11"),
]


@pytest.mark.parametrize(("text", "value"), EXACT)
def test_one_number_in_every_notation(text: str, value: str) -> None:
    assert exact_number(clean(text)) == Fraction(value)


@pytest.mark.parametrize(
    "text",
    ["1,23", "32, 349", "x", "", "1.2.3", "²", "10^{10^9}", "9**9**9**9", "2\\frac{5}{3}", "1/0", "5x", "3 4", "1e",
     "10^{99999999}", "9" * 5_000, "9" * 2_001, "10^{401}", "1e-401", "999^{999}", "10^{1000000}", "1,2345", "2 5/3",
     "1 0/3", "--3", "\\frac{1}{0}"],
)  # fmt: skip
def test_what_is_no_single_number(text: str) -> None:
    assert exact_number(clean(text)) is None


SAME = [
    ("5 \\text{ cm}", "5"),  # a unit that only one side names
    ("5", "5 apples"),
    ("5 \\text{ m}", "500 cm"),
    ("20 \\text{ square feet}", "20 \\text{ ft}^2"),
    ("10 feet per second", "10 \\text{ ft/s}"),
    ("30", "30^\\circ"),
    ("\\$18", "18 dollars"),
    ("$18", "18.00"),
    ("28\\%", "28"),
    ("0.335", "33.5\\%"),
    ("50", "50 percent"),
    ("10^6", "1 \\text{ million}"),
    ("\\text{four}", "4"),
    ("5 \\text{ apples}", "5 \\text{ red apples}"),  # says more of the same thing
    ("5 \\text{ ways}", "5 \\text{ arrangements}"),  # names no thing
    ("100\\%", "1"),
    ("0\\%", "0"),
    ("2\\%", "2"),
]
NOT_SAME = [
    ("5 \\text{ cm}", "5 \\text{ m}"),
    ("5 \\text{ cm}", "5 \\text{ cm}^2"),
    ("\\$5", "5 \\text{ kg}"),
    ("0.5", "50"),
    ("0.5", "0.5\\%"),  # up to 1 a bare number is a proportion
    ("28\\%", "2.8"),
    ("1\\%", "1"),
    ("4\\%", "4 \\text{ cm}"),
    ("5 \\text{ apples}", "6 \\text{ apples}"),
    ("5 \\text{ apples}", "5 \\text{ cm}"),
    ("5 \\text{ apples}", "5 \\text{ pears}"),
    ("5 \\text{ apples}", "6"),
]


@pytest.mark.parametrize(("reference", "answer"), SAME)
def test_same_quantities(reference: str, answer: str) -> None:
    left, right = quantity(clean(reference)), quantity(clean(answer))
    assert left is not None
    assert right is not None
    assert same_quantity(left, right)
    assert same_quantity(right, left)


@pytest.mark.parametrize(("reference", "answer"), NOT_SAME)
def test_different_quantities(reference: str, answer: str) -> None:
    left, right = quantity(clean(reference)), quantity(clean(answer))
    assert left is not None
    assert right is not None
    assert not same_quantity(left, right)
    assert not same_quantity(right, left)


def test_a_question_about_percent_reads_a_bare_number_as_percent() -> None:
    half = Quantity(Fraction(1, 2))
    assert same_quantity(Quantity(Fraction(1, 2), percent=True), half, Asked(percent=True))


def test_number_words() -> None:
    assert number_words("two hundred and five") == 205
    assert number_words("3 million") == 3_000_000
    assert number_words("twenty-one") == 21
    assert number_words("five apples") is None
    assert number_words("1.5 million") == 1_500_000
    assert number_words("two million five thousand and six") == 2_005_006
    assert number_words("hundred") == 100
    assert number_words("and five") is None
    assert number_words("two 5") is None  # digits after a word are another number
    assert number_words("") is None


@pytest.mark.parametrize(
    ("word", "value"),
    [("hundred", 10**2), ("thousand", 10**3), ("million", 10**6), ("billion", 10**9), ("trillion", 10**12),
     ("dozen", 12)],
)  # fmt: skip
def test_every_scale_is_worth_what_it_says(word: str, value: int) -> None:
    assert number_words(f"two {word}") == 2 * value


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("5 wolves", "5"),
        ("5 cm", "5"),  # short, but in the tables
        ("5 ab", "5 ab"),  # two letters may be two variables
        ("5 x", "5 x"),
        ("5 cows", "5"),
        ("5 cow", "5 cow"),
        ("5 more than Bob", "5 more than Bob"),  # words that make another number of it
    ],
)
def test_which_words_after_a_number_are_a_unit(text: str, body: str) -> None:
    assert split_unit(text)[0] == body


@pytest.mark.parametrize(
    ("reference", "answer", "tolerance", "inside"),
    [
        ("3.14", "3.15", "0.01", True),  # the bound itself is inside
        ("3.14", "3.16", "0.01", False),
        ("3.14", "3.12", "0.01", False),
        ("5 \\text{ m}", "510 \\text{ cm}", "0.1", True),  # in the reference's unit
        ("5 \\text{ m}", "520 \\text{ cm}", "0.1", False),
        ("5 \\text{ m}", "5 \\text{ kg}", "1", False),
        ("5 \\text{ m}", "5.5", "1", True),  # a unit that only one side names
        ("5 \\text{ apples}", "5.5 \\text{ m}", "1", False),  # no length is a number of apples
        ("30\\%", "31\\%", "1", True),
        ("30\\%", "30.5", "1", True),  # above 1 a bare number is a percentage too
        ("30\\%", "0.305", "1", True),  # and up to 1 a proportion
        ("30\\%", "0.32", "1", False),
        ("0.0758", "7.6\\%", "0.003", True),
        ("0.0758", "8.1\\%", "0.003", False),
    ],
)
def test_a_tolerance(reference: str, answer: str, tolerance: str, inside: bool) -> None:
    expected, stated = quantity(clean(reference)), quantity(clean(answer))
    assert expected is not None
    assert stated is not None
    assert within(expected, stated, Tolerance(Fraction(tolerance)), NOTHING_ASKED) is inside


@given(st.fractions(max_denominator=10**6))
def test_every_spelling_of_a_fraction_is_that_fraction(value: Fraction) -> None:
    sign = "-" if value < 0 else ""
    spelled = f"{sign}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
    assert exact_number(clean(spelled)) == value
    assert exact_number(clean(f"{value.numerator}/{value.denominator}")) == value


@given(st.integers(min_value=-(10**30), max_value=10**30), st.integers(min_value=0, max_value=6))
def test_thousands_and_trailing_zeros_change_nothing(value: int, zeros: int) -> None:
    assert exact_number(clean(f"{value:,}")) == value
    assert exact_number(clean(f"{value}.{'0' * zeros}")) == value


@given(st.text(max_size=80))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = clean(text)
    assert clean(once) == once


@given(st.text(alphabet="0123456789.,-+/\\frac{}^ e%$xtimes", max_size=60))
def test_any_text_is_a_quantity_or_none(text: str) -> None:
    found = quantity(clean(text))
    assert found is None or isinstance(found.value, Fraction)
