"""The language of a chain: letters of a script that the prompt does not use, and prose in another language than it."""

import unicodedata
from collections import Counter
from functools import lru_cache

from cotfactory.curation.languages import NOT_PROSE, is_plainly_english, languages, prose_of

MIN_LETTERS = 40
"""A text with fewer letters has no language to speak of."""

MIN_PROSE_LETTERS, MIN_PROMPT_LETTERS = 30, 20
SURE = 0.6
"""From this probability on a text is in a language."""
POSSIBLE = 0.1
"""A prompt may be in any language that is as likely as this: short ones leave it open."""
UNLIKELY = 0.05
"""A chain is not in the prompt's languages when all of them together are less likely than this."""

_ENGLISH_NAMES = {
    "ar": "arabic", "de": "german", "el": "greek", "en": "english", "es": "spanish", "fr": "french", "hi": "hindi",
    "it": "italian", "ja": "japanese", "ko": "korean", "la": "latin", "nl": "dutch", "pl": "polish",
    "pt": "portuguese", "ru": "russian", "tr": "turkish", "vi": "vietnamese", "zh": "chinese",
}  # fmt: skip
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
    found = _scripts(NOT_PROSE.sub(" ", chain))
    letters = sum(found.values())
    if letters < MIN_LETTERS or not known:
        return 0.0
    return sum(count for script, count in found.items() if script not in known and script != "LATIN") / letters


def other_language(chain: str, prompt: str) -> str | None:
    """Return the language (ISO 639) of a chain whose prose is surely in another one than its prompt; None otherwise.

    A prompt that names the language (`Translate into French`) has asked for it.
    """
    prose = prose_of(chain)
    if is_plainly_english(prose) and _may_be_english(prompt):
        return None
    found = languages(prose, MIN_PROSE_LETTERS)
    language, probability = max(found.items(), key=lambda known: known[1], default=("", 0.0))
    if probability < SURE:
        return None
    asked = _possible(prompt)
    if not asked or sum(found.get(code, 0.0) for code in asked) >= UNLIKELY:
        return None
    return None if _ENGLISH_NAMES.get(language, language) in prompt.casefold() else language


@lru_cache(maxsize=1_000)
def _may_be_english(prompt: str) -> bool:
    return is_plainly_english(prose_of(prompt)) or "en" in _possible(prompt)


@lru_cache(maxsize=1_000)
def _possible(prompt: str) -> frozenset[str]:
    """Return the languages that a prompt may be in; the chains of a problem come one after the other."""
    found = languages(prose_of(prompt), MIN_PROMPT_LETTERS)
    return frozenset(code for code, likely in found.items() if likely >= POSSIBLE)


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
