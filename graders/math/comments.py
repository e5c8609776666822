"""A comment in brackets after an answer: "5 km (5000 m)", "5 (not 6)", "(2, 3) (the vertex)"."""

import re

from cotfactory.graders.math.expression_answers import beside_symbol
from cotfactory.graders.math.latex import plain_words
from cotfactory.graders.math.numbers import quantity
from cotfactory.graders.math.qualifiers import is_qualified
from cotfactory.graders.math.unit_table import SYMBOLS
from cotfactory.graders.math.units import is_known_unit

_COMMENT = re.compile(r"(.*\S)\s*(?:\\text\s*\{\s*)?\(([^()]{2,120})\)\s*\}?\s*\.?\Z", re.DOTALL)
_SAYS_AGAIN = re.compile(
    r"(?:that is|i\.e\.|which is|or|equal to|equivalently|same as|or equivalently)[, ]+", re.IGNORECASE
)
_NOT_ANOTHER = re.compile(r"not (?:[-+]?[0-9][0-9.,/]*|[a-z])\Z", re.IGNORECASE)
_MEANS_MORE = re.compile(r"\b(?:mod|base|multiplicity|twice|double|each|per|and|times)\b", re.IGNORECASE)
_UP_TO = re.compile(r"\ball (?:the )?reals? .*\Z", re.IGNORECASE)


def without_comment(text: str, question: str = "") -> tuple[str, str] | None:
    """Return what stands before the comment and the value that the comment states, empty where it states none.

    None where there is no comment, or one that may change the answer ("8 (mod 9)", "8 (wrong)").

    >>> without_comment("5 km (5000 mm)"), without_comment("8 (not 9)"), without_comment("8 (mod 9)")
    (('5 km', '5000 mm'), ('8', ''), None)
    """
    match = _COMMENT.match(text)
    if match is None or match[1].endswith(("\\", "^", "_", "=", "/", "*", "+", "-", ",")):
        return None
    stated = match[1].strip()
    if stated.endswith("\\text{"):
        stated = stated[:-6].strip()
    comment = plain_words(match[2]).strip(" .")
    again = _SAYS_AGAIN.sub("", comment, count=1)
    for value in (match[2].strip(), again, beside_symbol(again, question, False) or ""):
        if quantity(value) is not None:
            return stated, value
    if _NOT_ANOTHER.match(comment) or _UP_TO.match(comment):
        return stated, ""
    if is_known_unit(comment) or comment in SYMBOLS:
        return f"{stated} \\text{{{comment}}}", ""
    if comment.startswith("="):
        return stated, match[2].strip().removeprefix("=").strip()
    if not re.search(r"[A-Za-z]{3}", comment) or is_qualified(comment) or _MEANS_MORE.search(comment) or "=" in comment:
        return None
    return stated, ""
