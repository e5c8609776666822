"""Whose answer is announced: the clause before the noun, as it stands in a response."""

import pytest

from cotfactory.graders.statements.governing import is_own

OWN = [
    "",
    "the final ",
    "So the ",
    "So I think the ",
    "We find that the ",
    "this means that the correct ",
    "I am confident that our ",
    "There is no doubt that the ",
    "After rounding, the ",
    "With these values our ",
    "Putting everything together the ",
    "In the end the ",
    "Since 6*7 = 42 the ",
    "it therefore follows that the ",
    "he has 8 apples The ",  # a sentence begins here, its stop is missing
    "**The ",
    "$x = 5$ the ",
    "Therefore, the most appropriate ",
    "x " * 90 + "the ",  # cut at its beginning: nothing is known against it
]
NOT_OWN = [
    "A careless reader would conclude that the ",
    "There is no evidence that the ",
    "Let us test the hypothesis that the ",
    "The oracle proclaimed that the ",
    "I was going to say the ",
    "nobody can see that the ",
    "It would be rash to conclude that the ",
    "this does not show that the ",  # a conclusion of the writer, denied
    "The hint in the margin reads: the ",
    "Claim: the ",
    "we are told to explain why the ",
]


@pytest.mark.parametrize("clause", OWN)
def test_the_writer_s_own(clause: str) -> None:
    assert is_own(clause)


@pytest.mark.parametrize("clause", NOT_OWN)
def test_somebody_else_s_or_nobody_s(clause: str) -> None:
    assert not is_own(clause)
