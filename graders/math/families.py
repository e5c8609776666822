"""The family of a reference answer: what an exam is broken down by."""

from cotfactory.graders.math.latex import clean
from cotfactory.graders.math.numbers import quantity
from cotfactory.graders.math.references import reference_answer
from cotfactory.graders.math.structures import Shape, read_shape

_INTERVALS = ("(]", "[)", "[]")


def answer_family(reference: str) -> str:
    r"""Return what kind of answer a reference is.

    >>> answer_family("18"), answer_family(r"\frac{1}{2}"), answer_family("5 cm"), answer_family(r"(1, \sqrt{2})")
    ('integer', 'rational', 'quantity', 'tuple')
    """
    shape: Shape = read_shape(clean(reference_answer(reference)))
    if shape.kind != "value":
        return "interval" if shape.kind == "tuple" and shape.marks in _INTERVALS else shape.kind
    number = quantity(shape.text)
    if number is None:
        return "expression"
    if number.percent:
        return "percent"
    if number.unit is not None:
        return "quantity"
    return "integer" if number.value.denominator == 1 else "rational"
