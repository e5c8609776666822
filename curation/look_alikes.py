"""Texts as they look: full-width, bold and look-alike letters are the plain ones, signs that nobody sees are gone.

What `pl\u0430in` (with a Cyrillic letter) and `pl\u200bain` hide from a comparison of words, NFKC, the Unicode table of
confusable letters and the removal of format characters bring back. A text of plain letters stays as it is.
"""

import unicodedata
from functools import lru_cache

from confusable_homoglyphs.confusables import confusables_data

UNSEEN = (0x00AD, *range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070),
          *range(0xFE00, 0xFE10), 0xFEFF)  # fmt: skip
"""Soft hyphens, joiners, marks of direction and variation selectors."""


def as_it_looks(text: str) -> str:
    """Return a text with its letters as the eye takes them.

    >>> as_it_looks("\U0001d41f\uff49nd p\u0430\u200b\u00adths")
    'find paths'
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text).translate(_look_alikes())


@lru_cache(maxsize=1)
def _look_alikes() -> dict[int, str]:
    """Return the plain letter of each letter that looks like one, and nothing for what is not seen.

    The table takes every upright stroke for an `l`: a capital that has a small letter of its own is taken by that.
    """
    plain = {
        sign: other["c"]
        for sign, others in confusables_data.items()
        if len(sign) == 1 and sign.isalpha() and not sign.isascii()
        for other in reversed(others)
        if len(other["c"]) == 1 and other["c"].isascii() and other["c"].isalpha()
    }
    capitals = {sign: plain[sign.lower()] for sign, letter in plain.items() if letter == "l" and sign.lower() in plain}
    table = {ord(sign): letter for sign, letter in {**plain, **capitals}.items()}
    return table | dict.fromkeys(UNSEEN, "")
