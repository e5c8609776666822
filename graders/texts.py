"""Text answers by words: a match, after normalising, with one of the accepted forms."""

import re
import unicodedata
from collections.abc import Sequence

from cotfactory.graders.math.expression_answers import ValueFinding
from cotfactory.graders.math.latex import plain_words

MAX_STATED_WORDS = 12
"""A longer statement is a sentence about the answer, and no rule here judges sentences."""

_EDGES = " \t\r\n.,;:!?\"'`*()[]{}"
_ARTICLE = re.compile(r"^(?:the|a|an)\s+", re.IGNORECASE)


def normalise(text: str) -> str:
    """Return `text` folded for comparison: case, spaces, quotes, and at the ends articles and punctuation.

    >>> normalise("  The *Friday*. ")
    'friday'
    """
    text = unicodedata.normalize("NFKC", text).replace("’", "'").replace("“", '"').replace("”", '"')
    text = "".join(character for character in text if unicodedata.category(character) != "Cf")
    text = plain_words(text.replace("\\textbf{", "\\text{").replace("\\mbox{", "\\text{").replace("$", ""))
    text = " ".join(text.casefold().split())
    while True:
        shorter = _ARTICLE.sub("", text.strip(_EDGES))
        if shorter == text:
            return text
        text = shorter


def compare_words(accepted: Sequence[str], answer: str) -> ValueFinding:
    """Compare a stated answer with every accepted form.

    Equal to one is `equal`. It is `different` only where that can be decided: the statement is short, and neither
    holds all the words of the other (so that "Friday, the 13th" beside "Friday" is left `undecided`).
    """
    forms, stated = [form for given in accepted if (form := normalise(given))], normalise(answer)
    if stated in forms:
        return ValueFinding("equal", "text")
    words = stated.split()
    if not forms or not stated or len(words) > MAX_STATED_WORDS:
        return ValueFinding("undecided", "not_decidable")
    if re.search(r"\bor\b", stated) and not any(re.search(r"\bor\b", form) for form in forms):
        return ValueFinding("several", "alternatives")
    held = set(re.findall(r"[^\W_]+", stated))
    for form in forms:
        wanted = set(re.findall(r"[^\W_]+", form))
        if wanted and held and (wanted <= held or held <= wanted):
            return ValueFinding("undecided", "words_overlap")
    return ValueFinding("different", "text")
