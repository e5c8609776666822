"""Wrong arithmetic is found where it is plainly stated, and nothing else is called wrong."""

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.curation.chain_checks.arithmetic_steps import stated_steps

WRONG = [
    "6 * 7 = 44",
    "So 6 × 7 = 44 apples.",
    "She has 3 + 4 = <<3+4=8>>8 left.",  # GSM8K's annotation
    "3 + 4 = 8 + 2 = 10",  # a running total may be sloppy, but not wrong
    "10 / 4 = 3.5",
    "0.4 * 3 = 1.2000018",  # more than a calculator's noise, which is a millionth
    "12.50 - 2.25 = 10.20",
    "\\$15 \\times 3 = \\$48",
    "1,200 + 300 = 1,600",
    "(2 + 3) * 4 = 24",
    "- 5 + 3 = 9",  # a list's bullet, not a sign
    "0.2 x 50 = 12",
    "25% + 5% = 35%",
    "-" + " + ".join(["1"] * 30) + " = 27",  # long, and still read: 60 signs and numbers
    "9" * 30 + " + 1 = 9",
    # every sign that people write
    "6 \\cdot 7 = 44",
    "84 \\div 2 = 44",
    "6 · 7 = 44",
    "84 ÷ 2 = 44",
    "5 − 3 = 9",
    "5 – 3 = 9",
    "€6 + £7 = $14",
    "6x7 = 44",
    "6% x 50 = 4",
    "So.\n" * 20 + "6 * 7 = 44\nx = 3\n" + "And so.\n" * 20 + "y = 4",  # few lines have two sides
    # what stands before the sum and says nothing about it
    "so, 3 + 4 = 9",
    "get -4 + 7 = 4",  # the sign of the first number
    "The base is wide: 3 * 2 = 7",
    # what stands after it
    "6 * 7 = 44 (dozen)",
    "6 * 7 = 44\nx",
    "6 * 7 = 44 and no more",  # a word ends what could take it back
    "6 * 7 = 44 .... wait",
    "10 / 3 = 3.35",  # no rounding
    "5 / 2 = 4",
    "0 + 7 = 8",
    "0.5 + 0.5 = 2",
    "The base is 3 cm wide and the height is 2, so the area is 3 * 2 = 7",  # a base that is no number base
]

RIGHT_OR_UNCLEAR = [
    "6 * 7 = 42",
    "3 + 4 = 7 + 2 = 9",  # a running total
    "10 / 3 = 3.33",  # rounded
    "2 / 3 = 0.66",  # cut
    "10 / 3 = 3 buses",
    "18 * 3.14159 = 56.54866",  # worked out with more digits of pi than are shown
    "0.4 * 3 = 1.2000008",
    "0.5 - 0.4 = 0.09999999999999998",  # a calculator's noise
    "20% of 50 + 3 = 13",  # `of` binds before the sum
    "20% * 50 = 10",
    "In base 8, 7 + 1 = 10",
    "in base 2, 1 + 1 = 10",
    "25% + 5 = 30",  # the per cent sign is only a unit
    "3 / 4 = 75%",
    "2x + 3 = 11",
    "x = 3",
    "f(2) = 9",
    "2^3 * 4 = 32",
    "5! / 3 = 40",
    "7 + 8 = 3 (mod 12)",
    "3 apples + 4 = 7",
    "5 + 3 apples * 4 = 17",  # its start is hidden behind a word
    "25 / 1 / 3 = 75",  # people mean 25 divided by a third
    "45 * 0,2 = 9",  # a decimal comma
    "0900 - 0130 = 0730",  # times of day
    "10 - 2 * 3 = 24? No: 10 - 6 = 4",  # thinking aloud, and better of it
    "6 * 7 = 44. Wait, 6 * 7 = 42",
    "log 100 + 1 = 3",
    "negative 3 + 5 = 2",
    "twice 5 + 3 = 13",
    "In base 8, 7 + 1 = 10",
    "10 / 0 = 5",
    "3 * (4 = 12",
    "Then 3 * 4 = 2 * 6 = 12",
    " + ".join(["1"] * 31) + " = 30",  # too long to be worth a look
    "9" * 31 + " + 1 = 9",  # too many digits
    "5 + 3 = 8 (",  # the text ends inside a parenthesis
    "-100 / 3 = -33%",  # the sign is a unit only, so that a whole per cent is the last digit
    "y 3 + 4 = 9",  # a variable's multiple?
    "^ 3 + 4 = 9",
    "CO2 + 1 = 4",
    "get - 4 + 7 = 4",  # the rest of a longer sum?
    "6 * 7 = 44x",
    "10 + 7 = 3 mod 7",
    "10 + 7 = 3 remainder 2",
    "6 * 7 = 44?",
    "6 * 7 = 44, no, 42",
    "6 * 7 = 44 ... wait",
    "First.\n\nSo\n6 * 7 = 44\n\n\nWait.\n\nNo more.",  # taken back three lines later
    "We write in base\n, 7 + 1 = 10",  # which the line before says
    "70 + 5 = 25 / 1 / 3",
    "07 + 1 = 9",
    "10 / 3 = 3.34",
    "1 / 2 = 1",
    "1 1/2 + 1/2 = 2",  # mixed numbers are not read
    "",
]


def has_wrong_step(text: str) -> bool:
    return any(not step.holds for step in stated_steps(text))


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_step_is_found(text: str) -> None:
    assert has_wrong_step(text)


@pytest.mark.parametrize("text", RIGHT_OR_UNCLEAR)
def test_a_right_or_unclear_step_is_left_alone(text: str) -> None:
    assert not has_wrong_step(text), [step.text for step in stated_steps(text) if not step.holds]


@given(st.integers(-999, 999), st.sampled_from("+-*"), st.integers(0, 999), st.integers(-50, 50))
def test_sums_are_recomputed(a: int, sign: str, b: int, error: int) -> None:
    right = {"+": a + b, "-": a - b, "*": a * b}[sign]
    (step,) = stated_steps(f"We get {a} {sign} {b} = {right + error}.")
    assert step.holds == (error == 0)


@given(st.text(alphabet="0123456789+-*/=()., x%$\\<>\n", max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    list(stated_steps(text))


@pytest.mark.skipif("COTFACTORY_SHARED" not in os.environ, reason="the shared data is not here")
def test_worked_solutions_are_hardly_ever_called_wrong() -> None:
    """GSM8K's own train solutions: at most 1 % flagged; those looked at were wrong as written."""
    path = Path(os.environ["COTFACTORY_SHARED"]) / "data" / "gsm8k" / "train.problems.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        flagged = [has_wrong_step(json.loads(line)["solution"]) for line in lines]
    assert len(flagged) > 7000
    assert sum(flagged) / len(flagged) <= 0.01
