"""Text of strangers as a terminal, a table or an error may show it."""

KEPT = frozenset("\n\t\xa0\u202f\u3000")
"""Blanks and line breaks, which do no harm."""


def printable(text: str) -> str:
    r"""Return `text` with U+FFFD in place of what a terminal obeys instead of showing, and of what it hides.

    That is control characters, escapes, turns of the writing direction and signs without width; line breaks stay.

    >>> printable("\x1b[31mred\u202e\n")
    '\ufffd[31mred\ufffd\n'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in KEPT else "\ufffd" for sign in text)
