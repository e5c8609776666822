"""Which language a text is in, by py3langid: of its prose only, without code, LaTeX and numbers."""

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


class _Identifier(Protocol):
    def rank(self, text: str) -> list[tuple[str, float]]: ...


def languages(text: str, min_letters: int) -> dict[str, float]:
    """Return the probability of each language (ISO 639) of a text's prose; nothing where it has too few letters.

    A sign of a script without an alphabet (Chinese, say) counts as three letters.

    >>> max(languages("How many clips did Natalia sell altogether?", 20).items(), key=lambda known: known[1])[0]
    'en'
    """
    prose = " ".join(_SIGNS.sub(" ", NOT_PROSE.sub(" ", text[: 2 * MOST_CHARACTERS])).split())[:MOST_CHARACTERS]
    words = "".join(word for word in prose.split() if len(word) > 2 or word > "\u3000")  # `v dv dt` are names
    letters = sum(map(str.isalpha, words))
    if not words.isascii():
        letters += 2 * sum(sign > "\u3000" and sign.isalpha() for sign in words)
    return dict(_identifier().rank(prose)) if letters >= min_letters else {}


def likeliest_language(text: str) -> str | None:
    """Return the language (ISO 639) of a question or another short text; None where it is too short to say."""
    found = languages(text, 20)
    language, probability = max(found.items(), key=lambda known: known[1], default=("", 0.0))
    return language if probability >= 0.3 else None


@lru_cache(maxsize=1)
def _identifier() -> _Identifier:
    """Return the library's model; it takes half a second to read."""
    return cast(_Identifier, LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True))
