"""Text answers against the accepted forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.texts import compare_words, normalise

CASES = [
    ("Friday", "friday.", "equal"),
    ("Friday", "**The Friday**", "equal"),
    ("Friday", "\\text{Friday}", "equal"),
    ("12 o'clock", "12 o’clock", "equal"),
    ("Friday", "Saturday", "different"),
    ("Friday", "", "undecided"),
    ("", "Friday", "undecided"),
    ("Friday", "Friday or Saturday", "several"),
    ("Friday", "Friday the 13th", "undecided"),  # a paraphrase, or another answer
    ("the red house", "house", "undecided"),
    ("Friday", "it is the day that comes after the one we call Thursday in this country", "undecided"),
    ("yes", "no", "different"),
    ("unkind", "kind", "different"),  # a part of a word is no word
    ("x <= y", "x ≤ y", "equal"),
    ("a => b", "a ⇒ b.", "equal"),
    ("U.K.", "UK", "equal"),
    ("UK", "the U.K", "equal"),
    ("a.b", "ab", "different"),
    # one number in two spellings, and two version numbers
    ("1,000", "1000", "equal"),
    (".5", "0.5", "equal"),
    ("1.10", "1.1", "undecided"),
    # a sentence that begins with the answer
    ("True", "Yes, there are", "equal"),
    ("no", "no, it does not", "equal"),
    ("no", "yes, it does", "different"),
    ("yes", "no, wait, yes", "undecided"),
]


@pytest.mark.parametrize(("reference", "answer", "result"), CASES)
def test_text_rule(reference: str, answer: str, result: str) -> None:
    assert compare_words((reference,), answer).result == result


def test_any_of_the_accepted_forms_will_do() -> None:
    assert [compare_words(("Friday", "Fri"), said).result for said in ("Fri.", "friday", "Mon")] == [
        "equal",
        "equal",
        "different",
    ]


@given(st.one_of(st.text(max_size=60), st.text(alphabet="ab A.,;&'\"*`()[]{}_$ -the–’İß½→\\", max_size=30)))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_compare(reference: str, answer: str) -> None:
    assert compare_words((reference,), answer).result in {"equal", "different", "undecided", "several"}


@given(st.text(max_size=100), st.text(max_size=100))
def test_equality_is_symmetric(left: str, right: str) -> None:
    forth = compare_words((left,), right).result == "equal"
    assert forth == (compare_words((right,), left).result == "equal")
