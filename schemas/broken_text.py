"""Signs that no text is made of: NUL, and more than two of U+FFFD, which stands for bytes that nobody could read."""

NUL, UNREADABLE = "\x00", "\ufffd"
FORGIVEN = 2
"""A text may speak of U+FFFD; one with more of them was decoded wrongly."""


def count_broken_signs(text: str) -> int:
    """Return how many signs of `text` are none of a text.

    >>> count_broken_signs("a\\0b"), count_broken_signs("caf\ufffd"), count_broken_signs("\ufffd" * 5)
    (1, 0, 3)
    """
    return text.count(NUL) + max(0, text.count(UNREADABLE) - FORGIVEN)


def broken_signs_sql(text: str) -> str:
    """Return the DuckDB expression of `count_broken_signs` for the SQL expression `text` (never null)."""
    nul, unreadable = (f"len(regexp_extract_all({text}, '{sign}'))" for sign in (r"\x00", r"\x{FFFD}"))
    return f"{nul} + greatest({unreadable} - {FORGIVEN}, 0)"
