r"""The one number that an answer states beside words: "Jane started 3 hours ago".

Used only to accept an answer against a reference that is a bare number, never to reject one.
"""

import re
from fractions import Fraction

from cotfactory.graders.math.latex import plain_words
from cotfactory.graders.math.number_words import number_words
from cotfactory.graders.math.numbers import exact_number
from cotfactory.graders.math.qualifiers import is_qualified

MAX_WORDS = 25
MAX_SPELLED = 10

_NUMBER = re.compile(r"(?<![^\s($])-?(?:\\dollar )?[0-9](?:[0-9.,]*[0-9])?(?![^\s).,;:!?%$])")
_CHANGES = re.compile(
    r"\b(?:not|no|none|nor|neither|never|cannot|or|either|between|from|than|least|most|more|less|fewer|over|under|above"
    r"|below|about|around|approximately|nearly|almost|roughly|half|third|quarter|twice|double|triple|times|dozen|percent"
    r"|pairs?|squared?|cubed?|root|power|factorial|log|sin|cos|tan|sum|product|difference|plus|minus|negative|per|each"
    r"|every|if|unless|maybe|perhaps|wrong|incorrect|question|problem|step|row|part|case|choice|option"
    r"|multiples?|first|only (?:for|if|when)|close|closer|near|nearer|such|like|similar"
    r"|all|any|everything|anything|except|excluding|but|last|mod|modulo|base|degrees?|others?|out|away|off|until|up|down)\b|n't\b|[=+*/^<>\\_{}~|]|%",
    re.IGNORECASE,
)


_OWN_VERBS = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|would|can|do|does|did|must|should|so|be|been|being)\b", re.I
)
"""A sentence has a verb: "Jane has 3 apples"."""


def _is_denied(words: str) -> bool:
    return is_qualified(_OWN_VERBS.sub(" ", words))


def _spelled_number(words: str) -> Fraction | None:
    """Return the number of "fifty dollars", "two hundred and five red marbles": nothing but its unit stands behind."""
    parts = words.replace(",", "").rstrip(".").split()
    if not 2 <= len(parts) <= MAX_SPELLED or any(map(str.isdigit, words)) or _CHANGES.search(words):
        return None
    for unit_words in (1, 2, 3):
        number, unit = parts[:-unit_words], parts[-unit_words:]
        if number and (value := number_words(" ".join(number))) is not None:
            return value if all(word.isalpha() and number_words(word) is None for word in unit) else None
    return None


def number_beside_words(text: str) -> Fraction | None:
    """Return the only number of a cleaned answer, when no word in it says that the answer is another one.

    >>> number_beside_words("Jane started growing Sphere 3 hours ago"), number_beside_words("3 more than x")
    (Fraction(3, 1), None)
    """
    words = plain_words(text)
    if (spelled := _spelled_number(words)) is not None:
        return spelled
    if len(words.split()) > MAX_WORDS or len(words.split()) < 3 or _CHANGES.search(words) or _is_denied(words):
        return None
    numbers = _NUMBER.findall(words)
    others = [word for word in re.findall(r"[A-Za-z-]+", words) if number_words(word) is not None]
    if (
        len(numbers) != 1
        or others
        or sum(character.isdigit() for character in words) != len(re.sub(r"[^0-9]", "", numbers[0]))
    ):
        return None
    return exact_number(numbers[0])
