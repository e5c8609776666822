"""What a reference answer says, and numbers that stand beside words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.math.families import answer_family
from cotfactory.graders.math.latex import clean
from cotfactory.graders.math.matrices import combine, read_block
from cotfactory.graders.math.references import reference_answer
from cotfactory.graders.math.sentences import number_beside_words

REFERENCES = [
    ("18", "18"),
    ("\\boxed{18}", "18"),
    ("\\boxed{1} pens and \\boxed{2} cups", "1, 2"),
    ("\\boxed{1}\\boxed{2}", "1, 2"),
    ("Add 2 and 2.\n#### 4", "4"),
    ("It is half. Final answer: the final answer is $50\\%$. I hope it is correct.", "$50\\%$"),
    ("Steps. " * 60 + "First \\boxed{3}. In the end \\boxed{4}.", "4"),  # a solution: its last box
    ("\\\\frac{1}{2}", "\\frac{1}{2}"),
    ("The answer is 4. The answer is 5.", "The answer is 4. The answer is 5."),  # two: nobody picks one
]


@pytest.mark.parametrize(("reference", "answer"), REFERENCES)
def test_reference_answer(reference: str, answer: str) -> None:
    assert reference_answer(reference) == answer


BESIDE = [
    ("Ann began 3 hours ago", 3),
    ("there are 1,250 ways to do it", 1250),
    ("3 more than x", None),
    ("not 3 hours", None),
    ("Ann has 3 and Bob has 5", None),
    ("half of the 3 cakes", None),
    ("three of the 5 cakes", None),
    ("at least 3 hours", None),
    ("x + 3 apples here", None),
    ("5", None),  # no words: the exact rules decide
]


@pytest.mark.parametrize(("text", "value"), BESIDE)
def test_number_beside_words(text: str, value: int | None) -> None:
    assert number_beside_words(clean(text)) == value


def test_matrices_add_up_cell_by_cell() -> None:
    left, right = "\\begin{pmatrix}1&2\\end{pmatrix}", "\\begin{pmatrix}3&4\\end{pmatrix}"
    total = combine([("", left), ("+", f"2{right}")])
    assert total is not None
    assert total.rows == (("(1)+(2)(3)", "(2)+(2)(4)"),)
    assert combine([("", left), ("+", "\\begin{pmatrix}3\\\\4\\end{pmatrix}")]) is None
    assert combine([("", left), ("+", "x")]) is None
    assert read_block("\\begin{pmatrix}1&2\\\\3\\end{pmatrix}") is not None  # read, and seen to be irregular


FAMILIES = [("7", "integer"), ("0.5", "rational"), ("5\\%", "percent"), ("5 \\text{ cm}", "quantity"),
            ("x+1", "expression"), ("(1,2)", "tuple"), ("[1,2)", "interval"), ("\\{1\\}", "set"), ("1,2", "list"),
            ("x=2", "equation"), ("x>2", "inequality"), ("\\text{odd}", "words"), ("1:2", "ratio")]  # fmt: skip


@pytest.mark.parametrize(("reference", "family"), FAMILIES)
def test_families(reference: str, family: str) -> None:
    assert answer_family(reference) == family


@given(st.text(max_size=200))
def test_any_text_is_a_reference_of_some_family(text: str) -> None:
    assert isinstance(reference_answer(text), str)
    assert answer_family(text)


@given(st.text(alphabet="0123456789 abcthrmore.,$-\\{}", max_size=80))
def test_any_text_has_a_number_beside_words_or_none(text: str) -> None:
    value = number_beside_words(clean(text))
    assert value is None or value.denominator
