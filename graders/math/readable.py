r"""Whether a reference can be read as a mathematical answer at all; one that cannot is a bad reference.

Any text equals itself, so that a self-test alone lets "4/0" and prose pass as a `math` answer. What passes here: every
number, expression and structure that the rules read, LaTeX that only the algebra workers read, and the short words
that MATH and its like hold as answers (`\text{even}`, `\text{Monday}`, "no real solutions", "October 30").
"""

import re

from cotfactory.graders.checkable import stands_for_no_answer
from cotfactory.graders.math.bases import based_number
from cotfactory.graders.math.exact_forms import exact_form
from cotfactory.graders.math.expressions import TooLarge, Tree, Unreadable, parse_expression
from cotfactory.graders.math.latex import clean, plain_words
from cotfactory.graders.math.numbers import quantity, split_unit
from cotfactory.graders.math.polynomials import NoForm
from cotfactory.graders.math.references import reference_answer
from cotfactory.graders.math.resolve_shapes import resolve
from cotfactory.graders.math.structures import Shape, read_shape
from cotfactory.graders.math.symbol_names import is_name

MAX_WORDS = 6
"""More words than these are a sentence."""

_MISSING = {"", "nan", "null", "n/a"}
"""What a table writes where there is no answer."""

_UNSURE = re.compile(
    r"\b(?:maybe|perhaps|probably|possibly|presumably|supposedly|unsure|unknown|i\s+(?:think|guess|believe|suppose)"
    r"|not\s+(?:quite\s+|entirely\s+)?(?:sure|certain)|(?:do\s+not|don't|dont)\s+know|or\s+(?:so|thereabouts)"
    r"|to\s+be\s+(?:determined|decided|done|added|checked|confirmed))\b|\A(?:tbd|tba|todo|idk|dunno)\Z",
    re.IGNORECASE,
)
"""Whoever wrote these did not know the answer, or had none yet: no response can be held against that."""
_COMMAND = re.compile(r"\\[A-Za-z{|]")
_PHRASE = re.compile(r"[A-Za-z0-9 .,;:'\"!?&/()%-]+\Z")


def why_no_answer(reference: str) -> str | None:
    """Return why a reference answer is none (`missing`, `unsure`, `unreadable`, `prose`, `division_by_zero`), or None.

    >>> why_no_answer("4/0"), why_no_answer("The answer depends on what the author meant by it")
    ('division_by_zero', 'prose')
    """
    text = clean(reference_answer(reference))
    if text.casefold() in _MISSING or stands_for_no_answer(text):
        return "missing"
    if _UNSURE.search(plain_words(text)):
        return "unsure"
    return _fault(read_shape(text))


def is_in_words(reference: str) -> bool:
    """Whether a readable reference, or a part of it, is words that are compared as such: "Monday", "two apples".

    >>> is_in_words("Monday"), is_in_words("(2, even)"), is_in_words("3 apples"), is_in_words("x^2 + 1")
    (True, True, False, False)
    """
    return _has_words(read_shape(clean(reference_answer(reference))))


def _has_words(shape: Shape) -> bool:
    return shape.kind == "words" or any(map(_has_words, shape.parts))


def _fault(shape: Shape) -> str | None:
    if shape.kind == "broken" or (shape.kind == "equation" and resolve(shape).kind == "broken"):
        return "unreadable"
    if shape.kind == "words":
        return "prose" if len(shape.text.split()) > MAX_WORDS else None
    if shape.parts:
        return next((fault for part in shape.parts if (fault := _fault(part))), None)
    return _value_fault(shape.text) if shape.kind == "value" else None


def _value_fault(text: str) -> str | None:
    if quantity(text) is not None or based_number(text) or is_name(text):
        return None
    try:
        return "division_by_zero" if _divides_by_zero(parse_expression(split_unit(text)[0])[0]) else None
    except TooLarge:
        return None
    except Unreadable:
        words = plain_words(text)
        if len(re.findall(r"(?<!\\)\b[A-Za-z]{2,}", words)) > MAX_WORDS:
            return "prose"
        phrase = _PHRASE.match(words) and re.search(r"[A-Za-z]{2}", words)
        return None if phrase or _COMMAND.search(text) else "unreadable"


def _divides_by_zero(tree: Tree) -> bool:
    if tree[0] == "div":
        try:
            if not exact_form(tree[2])[0]:
                return True
        except NoForm:
            pass
    return any(_divides_by_zero(child) for child in tree[1:] if isinstance(child, tuple))
