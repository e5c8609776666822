"""Text answers by what their problem declares: several accepted forms, exact, lists, sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.text_comparisons import text_comparison
from cotfactory.schemas.problem import TextCompare
from tests.builders import a_problem

CASES: list[tuple[TextCompare, str, str, str]] = [
    ("exact", "foo()", "foo()", "equal"),
    ("exact", "foo()", " foo() ", "equal"),
    ("exact", "foo()", "\\text{foo()}", "equal"),
    ("exact", "foo()", "foo", "different"),
    ("exact", "foo()", "Foo()", "different"),  # case counts
    ("exact", "[0, 1)", "(0, 1]", "different"),
    ("exact", "a  b", "a b", "different"),  # and so do spaces
    ("exact", "foo()", "foo() returns it", "undecided"),  # it is there, with words around it
    ("exact", "foo()", "", "undecided"),
    ("list", "red, green, blue", "Red, green and blue", "equal"),
    ("list", "red, green, blue", "[red, green, blue]", "equal"),
    ("list", "red, green, blue", "red; green; blue", "equal"),
    ("list", "red, green, blue", "red\ngreen\nblue", "equal"),
    ("list", "red, green, blue", "green, red, blue", "different"),
    ("list", "red, green, blue", "red, green", "different"),
    ("list", "red, red", "red", "different"),
    ("list", "red", "it is the colour that a fire engine has in most of the countries that I know", "undecided"),
    ("set", "red, green, blue", "blue, the red, green", "equal"),
    ("set", "red, green, blue", "{blue, red, green}", "equal"),
    ("set", "red, green", "\\{green, red\\}", "equal"),
    ("set", "red, green", "red, green, red", "equal"),
    ("set", "red, green, blue", "red, green", "different"),
    ("set", "red", "", "undecided"),
    ("set", "sandy, andy", "andy, sandy", "equal"),  # "and" inside a word is no comma
]


@pytest.mark.parametrize(("compare", "reference", "answer", "result"), CASES)
def test_comparison(compare: TextCompare, reference: str, answer: str, result: str) -> None:
    problem = a_problem("Which?", reference, "text", text_compare=compare)
    assert text_comparison(problem)(reference, answer).result == result


@pytest.mark.parametrize("compare", ["words", "exact", "list", "set"])
def test_every_comparison_takes_any_accepted_form_but_only_for_the_reference(compare: TextCompare) -> None:
    problem = a_problem("Which day?", "Friday", "text", answers=("Fri",), text_compare=compare)
    compared = text_comparison(problem)
    assert compared("Friday", "Fri").result == "equal"
    assert compared("Friday", "Monday").result == "different"
    assert compared("Monday", "Fri").result == "different"  # two statements of a response with each other


@given(st.sampled_from(["words", "exact", "list", "set"]), st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_compare_and_equality_is_symmetric(compare: TextCompare, left: str, right: str) -> None:
    compared = text_comparison(a_problem("Which?", "\0", "text", text_compare=compare))
    forth, back = compared(left, right).result, compared(right, left).result
    assert forth in {"equal", "different", "undecided", "several"}
    if compare != "exact":  # there a stated formula may stand in a command that a reference has not
        assert (forth == "equal") == (back == "equal")
