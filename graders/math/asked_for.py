r"""What a question says about the form of its answer: the unit, an order, an interval, a time, the base of `\log`.

Only what is said plainly counts. Each reading is for one rule; a question that says nothing leaves the rule aside.
"""

import re
from functools import lru_cache

from cotfactory.graders.math.numbers import Asked
from cotfactory.graders.math.units import Unit, is_known_unit, read_unit, scale_of

MAX_QUESTION_CHARS = 20_000
"""Of a longer question the end is read."""

_PERCENT = re.compile(r"percent|%", re.IGNORECASE)
_HOW_MANY = re.compile(r"\bhow many ((?:square |cubic )?[A-Za-z]+(?: per [A-Za-z]+)?)", re.IGNORECASE)
_IN_UNIT = re.compile(
    r"(?<![0-9])(?:\bin|\bnearest) (?:units? of |terms of )?\$?(?:\\text\{)?"
    r"((?:square |cubic )?[A-Za-zμ]+(?:(?: per |/)[A-Za-z]+)?(?:\^\{?[0-9]\}?)?)"
    r"\}?\$?(?=\s*(?:[.,;:?)(]|\Z|(?:to|is|does|do|are|of|for|and|rounded|correct|when|if|was|will|using)\b))"
)
_UNIT_LINE = re.compile(r"\bunits?\s*(?:[:=]|is|are|in)\s*\$?(?:\\text\{)?([A-Za-zμ°/^0-9·]+)", re.IGNORECASE)


@lru_cache(maxsize=1024)
def asked_of(question: str) -> Asked:
    """Return whether the question speaks of percent, and the one unit in which it asks for the answer.

    >>> asked_of("How many meters long is the rope?").unit.words, asked_of("How long is the rope?").unit
    ('meters', None)
    """
    text = question[-MAX_QUESTION_CHARS:]
    found = [*_HOW_MANY.findall(text), *_IN_UNIT.findall(text), *_UNIT_LINE.findall(text)]
    units: dict[object, Unit] = {}
    for words in found:
        first = re.split(r"[ /^]", re.sub(r"(?i)^(?:square|cubic) ", "", words))[0]
        unit = read_unit(words) if scale_of(first) is not None and _is_plain(first) else None
        if unit is not None and unit.dimensions:
            units[unit.dimensions, unit.factor] = unit
    return Asked(_PERCENT.search(text) is not None, next(iter(units.values())) if len(units) == 1 else None)


def _is_plain(word: str) -> bool:
    """Whether a word after "in" can be a unit at all: "in a", "in as" and "in second" are other phrases."""
    return word not in ("a", "as", "at", "in", "am", "second", "feet of", "minute", "hour") and (
        is_known_unit(word)
        or word[0].isupper()
        or any(character.isupper() for character in word)
        or word in ("m", "s", "g", "h", "L", "nm", "ms", "mol", "mm")
    )


_ORDER = re.compile(
    r"\bin (?:what|which) order\b|\b(?:in|give|state|find) the order in which\b"
    r"|\b(?:increasing|ascending|decreasing|descending|alphabetical|chronological|numerical|reverse) order\b"
    r"|\bin (?:the |their )?(?:correct |right |proper )?order (?:of|from|they|that|in which)\b"
    r"|\bin (?:this |that |the (?:given|same) )?order(?=\s*(?:[.,;:?!)]|\Z))"
    r"|\b(?:give|find|state|list|write|enter|express|determine|what (?:are|is))\b[^.?!]*\brespectively\b"
    r"|\bfirst,? (?:and )?second\b|\bterms of (?:the|this|a|an) (?:[a-z]+ )?(?:sequence|series|progression)\b"
    r"|\bfrom (?:the )?(?:least|smallest|lowest|shortest|youngest|lightest|slowest|earliest|first|greatest|largest"
    r"|highest|tallest|longest|oldest|heaviest|biggest|fastest|latest|left|top|best|worst|most|fewest|nearest) to\b"
    r"|\b(?:arrange|rank|sort|order) (?:the|these|those|them|all|each|his|her|their|its)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)
def asks_for_order(question: str) -> bool:
    """Whether the answer's parts are wanted in an order.

    >>> asks_for_order("In which order do they arrive?"), asks_for_order("Find all ordered pairs.")
    (True, False)
    """
    return _ORDER.search(question) is not None


_INTERVAL = re.compile(
    r"\binterval|\binequalit|\brange\b|\bdomain\b|\bset of\b|\bsolution set\b|\bvalues? of\b|\bwhich values\b"
    r"|\bincreasing\b|\bdecreasing\b|\bconverge|[<>]|\\le(?:q|qslant)?(?![A-Za-z])|\\ge(?:q|qslant)?(?![A-Za-z])|\\lt\b|\\gt\b|[≤≥]",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)
def speaks_of_interval(question: str) -> bool:
    """Whether `(1, 3)` may be an interval in the answer to this question."""
    return _INTERVAL.search(question) is not None


_TIME = re.compile(r"\bwhat time\b|\bwhen (?:do|does|did|will|is|was)\b|o'clock|\b[ap]\.?m\b|\bclock\b", re.IGNORECASE)


@lru_cache(maxsize=1024)
def asks_for_time(question: str) -> bool:
    """Whether `3:20` may be a time of day in the answer to this question."""
    return _TIME.search(question) is not None


_ANALYSIS = re.compile(
    r"\\int|∫|\bintegra|\bderivative|\bdifferentia|\bnatural log|\\ln(?![A-Za-z])|\bln\b|\bprime number theorem"
    r"|\\frac\{d\}?\{?d|\blim(?:it)?\b|\bseries\b|\bentropy\b|\basymptotic",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)
def log_is_natural(question: str) -> bool:
    r"""Whether the question's field writes `\log` for the natural logarithm; elsewhere it has base ten.

    >>> log_is_natural(r"Evaluate $\int_1^2 \frac{dx}{x}$."), log_is_natural("What is the pH?")
    (True, False)
    """
    return _ANALYSIS.search(question) is not None


@lru_cache(maxsize=1024)
def names_in(question: str) -> frozenset[str]:
    """Return the single letters that a question uses as names: not after a number or "in", not the article A."""
    bare = re.sub(r"(?:[0-9]\s*|\bin |\bper |/|[Uu]nits?:? ?)[A-Za-z]\b|\bA(?= [a-z])|\bI\b", " ", question)
    return frozenset(re.findall(r"(?<![A-Za-z\\])[A-Za-z](?![A-Za-z'])", bare))
