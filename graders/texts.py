"""Text answers: an exact match, after normalising, with one of the accepted forms the problem lists."""

import re
import unicodedata

from cotfactory.graders.grader import Tools
from cotfactory.graders.math.expression_answers import ValueFinding
from cotfactory.graders.math.latex import plain_words
from cotfactory.graders.stated_answers import grade_stated
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import Problem

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


def accepted_forms(answer: str) -> tuple[str, ...]:
    """Return the accepted forms of a reference answer, one a line, normalised."""
    return tuple(form for line in answer.splitlines() if (form := normalise(line)))


def compare_text(reference: str, answer: str) -> ValueFinding:
    """Compare a stated answer with every accepted form.

    Equal to one is `equal`. It is `different` only where that can be decided: the statement is short, and neither
    holds all the words of the other (so that "Friday, the 13th" beside "Friday" is left `undecided`).
    """
    forms, stated = accepted_forms(reference), normalise(answer)
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


TEXT_GRADER_VERSION = "3"


def grade_text(problem: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return the grade of one candidate for a `text` problem."""
    return grade_stated(problem, candidate, "text", TEXT_GRADER_VERSION, compare_text)
