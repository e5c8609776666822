"""The signs that the small student reads and writes: a number, an operation with its operand, a result, the answer.

`From left to right: 4+3*2` is read as `4`, `+3`, `*2`; it says `4` `+3` `=7`, a line, and at the end `####` `14`. Words
of a question it reads past. Whole signs, and not characters, keep each step at the same place.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

LARGEST_NUMBER = 40
PADDING, END, BEGIN = "", "<end>", "<begin>"
ANSWER = "#### "
_NUMBERS = tuple(str(value) for value in range(LARGEST_NUMBER + 1))
_OPERATIONS = tuple(f"{sign}{operand}" for sign in "+-*" for operand in range(10))
_RESULTS = tuple(f"={value}\n" for value in range(LARGEST_NUMBER + 1))
SIGNS: tuple[str, ...] = (PADDING, END, BEGIN, ANSWER, *_NUMBERS, *_OPERATIONS, *_RESULTS)
PADDING_ID, END_ID, BEGIN_ID = range(3)
_IDS = {sign: number for number, sign in enumerate(SIGNS)}
_QUESTION = re.compile(r"(\d{1,2})((?:[-+*]\d){1,16})(?!\d)")
_SIGN = re.compile(r"#### |=\d{1,2}\n|[-+*]\d(?!\d)|\d{1,2}")
LONGEST = 64
"""Signs of a question and its chain together."""


def read_question(text: str) -> list[int] | None:
    """Return the signs of the last expression in a text, and that an answer begins; None where there is no such."""
    expressions = list(_QUESTION.finditer(text))
    if not expressions:
        return None
    found = expressions[-1]
    signs = [found[1], *(found[2][place : place + 2] for place in range(0, len(found[2]), 2))]
    ids = _ids(signs)
    return None if ids is None else [*ids, BEGIN_ID]


def read_chain(text: str) -> list[int] | None:
    """Return the signs of a chain, and that it ends; None for a text that the student could not have written."""
    signs, place = [], 0
    while place < len(text):
        found = _SIGN.match(text, place)
        if found is None:
            return None
        signs.append(found[0])
        place = found.end()
    ids = _ids(signs)
    return None if ids is None else [*ids, END_ID]


def written(ids: Sequence[int]) -> str:
    """Return what signs say, up to the end sign; two numbers in a row would read as another number."""
    signs = [SIGNS[number] for number in ids]
    said = signs[: signs.index(END)] if END in signs else signs
    text = said[0] if said else ""
    for before, after in pairwise(said):
        text += f" {after}" if before and after and before[-1].isdigit() and after[0].isdigit() else after
    return text


def _ids(signs: Iterable[str]) -> list[int] | None:
    ids = [_IDS.get(sign) for sign in signs]
    return None if None in ids else [number for number in ids if number is not None]
