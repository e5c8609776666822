"""Whether a reference is an answer that a response can be held against, or words where one should be.

A source of proofs writes "See proof." in its answer column, a textbook "Answers may vary". Any such text equals itself,
so that a self-test alone lets it pass, and then every chain is called wrong.
"""

import re

MAX_TEXT_WORDS = 30
"""A `text` reference of more words is prose: hardly any right response repeats it."""

_NO_ANSWER = re.compile(
    r"(?:see|refer to|cf\.?)\s+(?:the\s+|our\s+)?(?:attached\s+)?"
    r"(?:proof|solution|explanation|above|below|figure|diagram|graph|text|appendix|notes?|remarks?|comments?)\b"
    r"|(?:the\s+|this\s+|our\s+)?(?:statement|claim|theorem|result|identity|inequality|lemma|proposition|assertion|conjecture)"
    r"\s+(?:is|has\s+been|was)\s+(?:thus\s+|now\s+|hence\s+)?(?:proved|proven|shown|established|verified|demonstrated)"
    r"|(?:the\s+)?proof\s+(?:is\s+)?(?:omitted|given|shown|above|below|left|complete|provided|follows)\b"
    r"|(?:hence|thus|therefore)\s+(?:proved|proven|shown)\b|q\.?\s?e\.?\s?d\b|proved\Z|proven\Z"
    r"|(?:the\s+)?answers?\s+(?:may|might|will|can)\s+(?:vary|differ)|(?:the\s+)?answers?\s+(?:vary|varies|differ)"
    r"|(?:the\s+)?(?:answer|solution|proof)\s+(?:is\s+)?(?:omitted|not\s+(?:given|provided|available))"
    r"|(?:no|not)\s+(?:answer|solution|reference)?\s*(?:given|provided|available)\b"
    r"|(?:is\s+)?left\s+(?:to|for|as)\s+(?:the\s+reader|an\s+exercise)"
)
_WRAPPING = re.compile(r"\\(?:text|mathrm|boxed)\s*\{|[{}$*_]")


def stands_for_no_answer(reference: str) -> bool:
    """Whether a reference says, in place of an answer, that there is none or where it is to be found.

    >>> stands_for_no_answer("See proof."), stands_for_no_answer("Proof by induction")
    (True, False)
    """
    words = " ".join(_WRAPPING.sub(" ", reference[:300]).casefold().split())
    return _NO_ANSWER.match(words) is not None


def why_no_text(answer: str) -> str | None:
    """Return why the reference of a `text` problem is no answer (`missing`, `prose`), or None."""
    if not answer.strip() or stands_for_no_answer(answer):
        return "missing"
    return "prose" if len(answer.split()) > MAX_TEXT_WORDS or "\n" in answer.strip() else None
