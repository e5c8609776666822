"""The language of a chain by its script: what is written in letters that the prompt does not use."""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

MIN_LETTERS = 40
"""A text with fewer letters has no language to speak of."""

_NOT_PROSE = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$|\\\[.*?\\\]|\\\(.*?\\\)|\\[a-zA-Z]+", re.DOTALL
)
# Letters of these scripts stand for quantities and sounds in the prose of every language.
_MATHEMATICAL = frozenset(("GREEK", "MATHEMATICAL", "MODIFIER", "SUPERSCRIPT", "SUBSCRIPT", "FEMININE", "MASCULINE",
                           "MICRO", "KELVIN", "ANGSTROM", "OHM", "SCRIPT", "DOUBLE-STRUCK", "BLACK-LETTER", "ALEF",
                           "PLANCK", "FULLWIDTH", "EULER", "HALFWIDTH"))  # fmt: skip
_JAPANESE = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "KATAKANA-HIRAGANA": "CJK", "IDEOGRAPHIC": "CJK"}


def foreign_share(chain: str, prompt: str) -> float:
    """Return the share of a chain's letters whose script the prompt does not use; code and LaTeX do not count.

    0.0 for a chain of fewer than 40 letters. A prompt without any letters allows every script.

    >>> foreign_share("so we multiply six by seven and get 所以答案是四十二 forty-two", "What is 6 * 7?") > 0.1
    True
    """
    if chain.isascii():
        return 0.0
    known = _scripts(prompt)
    found = _scripts(_NOT_PROSE.sub(" ", chain))
    letters = sum(found.values())
    if letters < MIN_LETTERS or not known:
        return 0.0
    return sum(count for script, count in found.items() if script not in known and script != "LATIN") / letters


def _scripts(text: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for sign, count in Counter(text).items():
        script = _script(sign)
        if script:
            counts[script] += count
    return counts


@lru_cache(maxsize=20_000)
def _script(sign: str) -> str | None:
    """Return the first word of a letter's Unicode name, which is its script: LATIN, CJK, CYRILLIC, ..."""
    if not sign.isalpha():
        return None
    first = unicodedata.name(sign, "").split(" ")[0]
    return None if first in _MATHEMATICAL or not first else _JAPANESE.get(first, first)
