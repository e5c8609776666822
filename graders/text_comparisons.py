"""Text answers: compared with the accepted forms by words, exactly, as a list of items or as a set of them."""

import re
from collections.abc import Callable, Sequence

from cotfactory.graders.grader import Tools
from cotfactory.graders.math.expression_answers import ValueFinding
from cotfactory.graders.math.latex import plain_words
from cotfactory.graders.stated_answers import Compare, grade_stated
from cotfactory.graders.texts import MAX_STATED_WORDS, compare_words, normalise
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import Problem, TextCompare

_BRACKETS = re.compile(r"\A(?:\\?\{(.*)\\?\}|\[(.*)\]|\((.*)\))\Z", re.DOTALL)
_BETWEEN = re.compile(r"\s*(?:,\s*and\s|[,;]|\sand\s)\s*")


TEXT_GRADER_VERSION = "7"


def grade_text(problem: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return the grade of one candidate for a `text` problem."""
    return grade_stated(problem, candidate, "text", TEXT_GRADER_VERSION, text_comparison(problem))


def text_comparison(problem: Problem) -> Compare:
    """Return how a stated answer is compared with the accepted ones, and two statements with each other."""
    compare = COMPARISONS[problem.text_compare]

    def compared(reference: str, answer: str) -> ValueFinding:
        return compare(problem.accepted_answers if reference == problem.answer else (reference,), answer)

    return compared


def _exactly(accepted: Sequence[str], answer: str) -> ValueFinding:
    """Compare character by character, but for outer spaces and the command that sets words in a formula."""
    stated = {answer.strip(), plain_words(answer).strip()}
    if stated & {form.strip() for form in accepted}:
        return ValueFinding("equal", "exact")
    if not answer.strip() or any(form.strip() in answer for form in accepted):
        return ValueFinding("undecided", "words_overlap")  # the answer may be there, with words around it
    return ValueFinding("different", "exact")


def _as_list(accepted: Sequence[str], answer: str) -> ValueFinding:
    return _by_items([_items(form) for form in accepted], _items(answer), "list")


def _as_set(accepted: Sequence[str], answer: str) -> ValueFinding:
    return _by_items([tuple(sorted({*_items(form)})) for form in accepted], tuple(sorted({*_items(answer)})), "set")


def _by_items(accepted: Sequence[tuple[str, ...]], stated: tuple[str, ...], how: str) -> ValueFinding:
    """Equal to one of the accepted ones, else different, unless an item is a sentence, which nothing here reads."""
    if stated and stated in accepted:
        return ValueFinding("equal", how)
    if not stated or any(len(item.split()) > MAX_STATED_WORDS for item in stated):
        return ValueFinding("undecided", "not_decidable")
    return ValueFinding("different", how)


def _items(text: str) -> tuple[str, ...]:
    r"""Return the items of a list, normalised.

    >>> _items("[Red, green and Blue]"), _items("\\{b; a\\}")
    (('red', 'green', 'blue'), ('b', 'a'))
    """
    text = plain_words(text.strip().replace("\n", ";")).strip()
    if inside := _BRACKETS.match(text):
        text = next(group for group in inside.groups() if group is not None).removesuffix("\\")
    return tuple(item for part in _BETWEEN.split(text) if (item := normalise(part)))


COMPARISONS: dict[TextCompare, Callable[[Sequence[str], str], ValueFinding]] = {
    "exact": _exactly,
    "words": compare_words,
    "set": _as_set,
    "list": _as_list,
}
