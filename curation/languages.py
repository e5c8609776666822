"""Which language a text is in: of its prose only, without code, LaTeX and numbers.

py3langid says, where the words leave a doubt: plain English is told at a tenth of the cost.
"""

import re
from functools import lru_cache
from typing import Protocol, cast

from py3langid.langid import MODEL_FILE, LanguageIdentifier

NOT_PROSE = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$|\\\[.*?\\\]|\\\(.*?\\\)|\\[a-zA-Z]+", re.DOTALL
)
MOST_CHARACTERS = 4_000
"""So much of a text says its language; more of it would only cost time."""

_SIGNS = re.compile(r"[\d_<>{}\[\]()=+*/^|\\#&%~-]+")
_SPACED = {sign: " " for sign in map(chr, range(0x80)) if _SIGNS.match(sign)}
_PLAIN_SIGNS = str.maketrans(_SPACED)
_NO_LETTERS = bytes(code for code in range(0x80) if not chr(code).isalpha())

ENGLISH_WORDS = frozenset((
    "after", "and", "are", "be", "because", "been", "before", "between", "by", "can", "could", "did", "does", "each",
    "every", "find", "first", "for", "from", "get", "had", "has", "have", "he", "her", "his", "how", "if", "into", "is",
    "it", "left", "let", "more", "must", "not", "now", "of", "other", "our", "she", "should", "since", "so", "than",
    "that", "the", "their", "them", "then", "there", "therefore", "these", "they", "this", "those", "thus", "was", "we",
    "were", "what", "when", "where", "which", "will", "with", "would", "you", "your",
))  # fmt: skip
"""Words that English prose is full of, and no other language in Latin letters has many of."""

ENGLISH_SHARE, ENGLISH_DIFFERENT, ENGLISH_COUNT = 0.3, 0.15, 8
"""Plainly English are so many of all words, of the different ones, and so many different words. Of 33,000 chains none
gets another language by it; of 27,000 pieces half English, half of 40 other languages, the model gives three one."""


class _Identifier(Protocol):
    def rank(self, text: str) -> list[tuple[str, float]]: ...


def prose_of(text: str) -> str:
    """Return the prose at a text's beginning: its words and their punctuation, one space between them.

    >>> prose_of("So $x = 7$ and\n`6 * 7` is 42.")
    'So and is .'
    """
    prose = NOT_PROSE.sub(" ", text[: 2 * MOST_CHARACTERS])
    prose = prose.translate(_PLAIN_SIGNS) if prose.isascii() else _SIGNS.sub(" ", prose)
    return " ".join(prose.split())[:MOST_CHARACTERS]


def is_plainly_english(prose: str) -> bool:
    """Return whether a long prose is so full of English words that the model need not be asked, at a tenth of the cost.

    >>> is_plainly_english("So we take the first of them, and what is left is then each of the others that she has.")
    True
    """
    if not prose.isascii() and any(sign > "\x7f" and sign.isalpha() for sign in set(prose)):
        return False
    words = prose.lower().split(" ")
    known = [word for word in words if word in ENGLISH_WORDS]
    if len(known) < ENGLISH_SHARE * len(words):
        return False
    return len(set(known)) >= max(ENGLISH_COUNT, ENGLISH_DIFFERENT * len(set(words)))


def languages(prose: str, min_letters: int) -> dict[str, float]:
    """Return the probability of each language (ISO 639) of a prose; nothing where it has too few letters.

    A sign of a script without an alphabet (Chinese, say) counts as three letters.

    >>> max(languages("How many clips did Natalia sell altogether?", 20).items(), key=lambda known: known[1])[0]
    'en'
    """
    words = "".join(word for word in prose.split() if len(word) > 2 or word > "\u3000")  # `v dv dt` are names
    if words.isascii():
        letters = len(words.encode().translate(None, _NO_LETTERS))
    else:
        letters = sum(map(str.isalpha, words)) + 2 * sum(sign > "\u3000" and sign.isalpha() for sign in words)
    return dict(_identifier().rank(prose)) if letters >= min_letters else {}


def likeliest_language(text: str) -> str | None:
    """Return the language (ISO 639) of a question or another short text; None where it is too short to say."""
    prose = prose_of(text)
    if is_plainly_english(prose):
        return "en"
    found = languages(prose, 20)
    language, probability = max(found.items(), key=lambda known: known[1], default=("", 0.0))
    return language if probability >= 0.3 else None


@lru_cache(maxsize=1)
def _identifier() -> _Identifier:
    """Return the library's model; it takes half a second to read."""
    return cast(_Identifier, LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True))
