"""Chains that say what they should not know or tell: keys, the reference answer, the hint they were given."""

import re

from cotfactory.curation.small_letters import in_small_letters
from cotfactory.schemas.key_like import count_key_like

_FROM_PROMPT = re.compile(
    r"\b(?:the|a|our|its|your) (?:reference|gold|ground[- ]truth|provided|given|expected|known|official) "
    r"(?:final |correct )?(?:answer|solution|result)\b(?! ?(?:choice|option|s\b))"
    r"|\bthe (?:correct |final |right )?answer (?:that )?(?:is|was|has been) (?:given|provided|supplied|told)\b"
    r"|\b(?:answer|solution|result) (?:given|provided|stated|supplied) "
    r"(?:to us|to me|above|in the (?:prompt|instructions?))\b"
    r"|\b(?:we|i) (?:are|am|were|was) (?:told|given) (?:that )?the (?:correct |final |right )?answer\b",
    re.IGNORECASE,
)
_GIVEN = (
    "reference",
    "gold",
    "ground",
    "provided",
    "given",
    "expected",
    "known",
    "official",
    "supplied",
    "told",
    "stated",
)
"""One of these is in whatever _FROM_PROMPT finds."""

_HINT = re.compile(
    r"\bhint(?:s|ed)?\b|\b(?:the|that the) answer (?:should|must|has to|ought to) be\b"
    r"|\bwe (?:already )?know (?:that )?the (?:correct |final |right )?answer\b"
    r"|\b(?:as|since) (?:was )?(?:given|provided|told)\b|\bwork(?:ing)? backwards? from the (?:given |known )?answer\b",
    re.IGNORECASE,
)
_BACK = re.compile(
    r"\b(?:the|my|your|that|this|our) (?:earlier|previous|prior|original|initial|first) "
    r"(?:solution|attempt|answer|draft|version|response)\b"
    r"|\b(?:the|your|this|that) (?:review|critique|feedback|plan)\b"
    r"|\b(?:as|what) (?:you|the reviewer|the user) (?:pointed out|noted|said)\b"
    r"|\btime (?:is up|for thinking is over)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:/\d+)?")
_STATED = re.compile(
    r"\A[\s*#>_-]*(?:(?:the |my |final |correct |right )*(?:answer|option|choice)(?: is|:)|\\boxed\{|\$?\\boxed\{)",
    re.IGNORECASE,
)
EARLY_SHARE = 0.1
MIN_CHAIN = 200
"""Characters: in a shorter chain the answer is early wherever it stands."""


def key_like(chain: str) -> str | None:
    """Return how many strings of a chain look like credentials, in words; never the strings."""
    count = count_key_like(chain)
    return f"{count} strings that look like keys" if count else None


def answer_from_prompt(chain: str, question: str) -> str | None:
    """Return the words by which a chain takes the answer from what it was given, unless the question says them."""
    small = in_small_letters(chain)
    may_be_said = any(words in small for words in _GIVEN)
    return _words(_FROM_PROMPT, chain, question) if may_be_said else None


def hint_words(chain: str, question: str) -> str | None:
    """Return the words by which a chain that was asked with a hint gives it away, unless the question has them."""
    return _words(_HINT, chain, question) or answer_from_prompt(chain, question)


def refers_back(chain: str, question: str) -> str | None:
    """Return the words by which a chain speaks of earlier turns, which its readers never see; None when it does not.

    Example: `As the review says, step 3 is wrong` after a critique -> `the review`.
    """
    return _words(_BACK, chain, question)


def _words(pattern: re.Pattern[str], chain: str, question: str) -> str | None:
    found = (match.group() for match in pattern.finditer(chain))
    return next((words for words in found if words.casefold() not in question.casefold()), None)


def answer_first(reasoning: str, answer: str, question: str) -> str | None:
    """Return the opening that states the reference answer before any derivation; None when the chain derives first.

    Only the first tenth of a chain of 200 characters and more is looked at, and an answer that stands in the question
    proves nothing: people start with what is given. A letter counts as stated only after words like `the answer is`.
    """
    answer = answer.strip()
    if len(reasoning) < MIN_CHAIN or not answer:
        return None
    opening = reasoning.lstrip()[: max(40, int(len(reasoning) * EARLY_SHARE))]
    if _STATED.match(opening) and re.search(rf"(?<![\w.]){re.escape(answer)}(?![\w]|\.\d)", opening):
        return opening[:80]
    if _NUMBER.fullmatch(answer) and len(answer) > 1 and answer not in question.replace(",", ""):
        found = re.search(rf"(?<![\w.,]){re.escape(answer)}(?![\w]|[.,]\d)", opening)
        # `12 * 8 = 96` is a derivation; so is everything after a first sign.
        if found and not re.search(r"[=+*/×÷<]|\d ?-|\\frac|\\times|\\cdot", opening[: found.start()]):
            return opening[: found.end()][-80:]
    return None
