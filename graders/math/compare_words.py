"""Words against words: "odd", "an odd number", "Monday", "True" and "Yes"."""

import re

from cotfactory.graders.math.expression_answers import ValueFinding
from cotfactory.graders.math.latex import plain_words
from cotfactory.graders.math.structures import Shape

DIFFERENT_SHAPE = ValueFinding("different", "shape")

_HEAD_NOUNS = frozenset(
    ["number", "numbers", "integer", "integers", "function", "functions", "value", "values", "triangle", "triangles",
     "curve", "graph", "series", "sequence", "matrix", "on"]
)  # fmt: skip
"""`an odd number`, `an odd function` are odd, `on Monday` is Monday."""

_TRUTH = {"true": True, "yes": True, "false": False, "no": False}

_SUBJECT = re.compile(r"\A(?:it|they|this|that|these|those)(?:['’]s| is| are| was| were) (?!not\b|no\b|never\b)")
_SOFT = re.compile(r"[^a-z0-9]+")


def compare_words(reference: Shape, answer: Shape) -> ValueFinding:
    """Compare two shapes of which one is words; what only overlaps is undecided."""
    if answer.kind == "list" and answer.marks == "or":
        return ValueFinding("several", "words")
    if reference.kind != "words":
        return ValueFinding("no_value", "words") if reference.kind == "value" else DIFFERENT_SHAPE
    if answer.kind == "list":
        return DIFFERENT_SHAPE
    expected, given = _bare_words(reference.text), _bare_words(answer.text)
    if expected == given or (len(expected) == 1 and expected == [word for word in given if word not in _HEAD_NOUNS]):
        return ValueFinding("equal", "words")
    if (
        len(expected) == len(given) == 1
        and _TRUTH.get(expected[0]) is not None
        and _TRUTH.get(expected[0]) == _TRUTH.get(given[0])
    ):
        return ValueFinding("equal", "truth_value")
    if (
        set(expected) <= set(given)
        or set(given) <= set(expected)
        or sorted("".join(expected)) == sorted("".join(given))
    ):
        return ValueFinding("undecided", "words_overlap")
    return ValueFinding("different", "words")


def _bare_words(text: str) -> list[str]:
    """Return the words in lower case, without "it is" and an article in front of more than a letter: A is an answer."""
    words = _SOFT.sub(" ", _SUBJECT.sub("", plain_words(text).casefold().strip())).split()
    return words[1:] if len(words) > 1 and words[0] in ("the", "a", "an") and len(words[1]) > 1 else words
