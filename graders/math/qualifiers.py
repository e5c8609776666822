"""Words beside a number that make another statement of it: "42 is wrong", "at least 42", "42 lakh", "anything but 42".

No unit holds one of them, and a number beside one is not what an answer states.
"""

import re

_DENIED = (
    "not|no|none|nor|neither|never|cannot|without|except|excepting|excluding|excluded|excludes|included|inclusive|omitted|but|besides|instead"
    "|rather|unless|if|wrong|incorrect|false|falsely|untrue|invalid|inaccurate|impossible|mistakes?|mistaken|mistakenly"
    "|errors?|erroneous|erroneously|erred|rejected|reject|discarded|disproved|refuted|fake|bogus|nonsense|denied|ruled"
    "|failed|fails|nope|nah|oops|sorry|scratch|scrapped|retracted|withdrawn|deleted|cancelled|typo|misprint|avoid|ignore|forbidden|disallowed|contradiction|contradicts|contradictory"
)
_UNSURE = (
    "maybe|perhaps|probably|possibly|presumably|supposedly|allegedly|apparently|seemingly|likely|unlikely|guess|guessed"
    "|guessing|unsure|uncertain|unverified|unknown|unclear|about|around|approximately|approx|roughly|nearly|almost|ish"
    "|circa|so|estimated?|either|or|any|anything|anyone|every|everything|questionable|doubtful|doubtfully|tentative"
    "|tentatively|approximate|ballpark|dubious|implausible|hopefully|say|think|thought|believe|suppose|supposed|hypothetically|temporarily|provisional"
)
_VERBS = (
    "is|isn't|are|aren't|was|wasn't|were|weren't|be|been|being|am|has|have|had|do|does|did|can|could|will|would|should"
    "|shall|may|might|must|seems?|seemed|appears?|becomes?|became|equals?"
)
_COMPARED = (
    "at least|at most|least|most|more|less|fewer|greater|larger|smaller|bigger|higher|lower|over|under|above|below|than"
    "|beyond|maximum|minimum|max|min\\.|exceeding|onwards?|upwards?|up to|too|between|from"
)
_SCALED = (
    "k|mn|mio|mil|mln|bn|bil|bln|tn|trn|b|lakhs?|lacs?|crores?|hundreds?|thousands?|millions?|billions?|trillions?"
    "|quadrillions?|dozens?|score|scores|gross|myriad|ppm|ppb|permille|bps|percent|percentage|pct|halves|half|thirds?"
    "|quarters?|fourths?|fifths?|sixths?|sevenths?|eighths?|ninths?|tenths?|hundredths?|thousandths?|millionths?|twice"
    "|double|doubled|triple|tripled|quadruple"
)
_WORKED = (
    "squared|cubed|factorial|repeating|repeated|recurring|periodic|bar|root|rooted|power|powers|exponent|mod|modulo|modulus"
    "|base|binary|octal|hex|hexadecimal|remainder|plus|minus|times|divided|multiplied|negative|negated|inverse|inverted"
    "|reciprocal|reversed|backwards|log|sin|cos|tan|sum|product|difference|other|another|others"
)

QUALIFIED = re.compile(
    rf"(?<![\w'])(?:{'|'.join((_DENIED, _UNSURE, _VERBS, _COMPARED, _SCALED, _WORKED))})(?![\w'])|n't\b|\?", re.I
)
"""A word that changes what the number beside it states."""


def is_qualified(words: str) -> bool:
    """Whether words beside a number make another statement of it.

    >>> is_qualified("is wrong"), is_qualified("lakh"), is_qualified("red marbles in total")
    (True, True, False)
    """
    return QUALIFIED.search(words) is not None
