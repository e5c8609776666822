"""Texts in small letters, as patterns that ignore case take them: what a pattern must find is looked for first."""

_ALSO = (("\u0130", "i"), ("\u0131", "i"), ("\u017f", "s"))
"""Capital dotted and small dotless i, long s: `re.IGNORECASE` takes them for the letters of ASCII."""


def in_small_letters(text: str) -> str:
    """Return a text in which a string of small ASCII letters is found wherever `re.IGNORECASE` would find it.

    >>> in_small_letters("G\u0131ven AN\u017fWER, \u212anown")
    'given answer, known'
    """
    if not text.isascii():
        for sign, letter in _ALSO:
            text = text.replace(sign, letter)
    return text.lower()
