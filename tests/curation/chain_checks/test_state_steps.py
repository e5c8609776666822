"""A state that a chain writes down follows from the one before, or the chain is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.curation.chain_checks.state_steps import wrong_states

SWAPS = "Ann, Bob and Cy hold balls. First, Ann and Bob swap balls. Then, Bob and Cy swap balls."


@pytest.mark.parametrize(
    ("question", "chain", "is_wrong"),
    [
        ("[ (", "[ ; stack: [\n( ; stack: [ (", False),
        ("[ ]", "[ ; stack: [\n] ; stack: empty", False),
        ("[ ( )", "[ ; stack: [\n( ; stack: [ (\n) ; stack: empty", True),  # one popped too many
        ("[ (", "[ ; stack: [", True),  # a symbol of the question is left out
        ("[ (", '[ ; stack: [\n( ; stack: [ (\nThe final stack is "["', True),
        ("[ (", '[ ; stack: [\n( ; stack: [ (\nWe pop out "[", "(" one by one in that order', True),  # wrong order
        ("[ [", '[ ; stack: [\n[ ; stack: [ [\nWe pop out "[" twice', False),  # not a list
        (SWAPS, "Ann: red, Bob: blue, Cy: pink\nAnn and Bob swap: Ann: blue, Bob: red, Cy: pink\n"
                "Bob and Cy swap: Ann: blue, Bob: pink, Cy: red", False),
        (SWAPS, "A: red, B: blue, C: pink\nA and B swap: A: blue, B: red, C: pink\n"
                "B and C swap: A: blue, B: pink, C: red", False),  # initials
        (SWAPS, "Ann: red, Bob: blue, Cy: pink\nAnn and Bob swap: Ann: blue, Bob: blue, Cy: pink\n"
                "Bob and Cy swap: Ann: blue, Bob: pink, Cy: blue", True),
        (SWAPS, "Ann: red, Bob: blue, Cy: pink\nAnn and Bob swap: Ann: blue, Bob: red, Cy: pink", True),  # one missing
        ("", 'The second letter: "harem": "a" (1). "hilt": "i" (9).', False),
        ("", 'The second letter: "harem": "r" (18).', True),
        ("", 'The f\u0131fth letter: "harem": "m" (13).', False),  # a dotless i, which ignoring case is an i
        ("", '"harem": "h" (7)', True),  # h is the eighth
        ("", '"ave" < "menlo" < (18) "ret"', False),
        ("", '"menlo" < "ave"', True),
        ("", "first is the bus, second is any car, third is the van, fourth is the cab\n"
             "first is the bus, second is the car, third is the van, fourth is the cab", False),
        ("", "first is the bus, second is the car, third is the van\n"
             "first is the bus, second is the van, third is the car", True),
        ("", "Suppose first is the bus, second is the car, third is the van\n"
             "first is the van, second is the car, third is the bus", False),
        ("", "The first is red. The second is blue.\nThe first is green.", False),  # prose, no state
        ("", "StatedStep 1: add. StatedStep 2: divide.\nTime: 3, Speed: 4\nTime: 5, Speed: 6", False),  # no exchange
    ],
)  # fmt: skip
def test_states(question: str, chain: str, is_wrong: bool) -> None:
    assert bool(list(wrong_states(question, chain))) == is_wrong


@given(st.text(alphabet='[](){}<>; stack:,"first is the andswap\n', max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    list(wrong_states(text, text))
