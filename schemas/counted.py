"""How many of something, in words that agree: `1 chain`, `1,200 chains`."""


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun, which is `noun` for one; `plural` where that is no `noun` with an s.

    >>> counted(1, "fault"), counted(1200, "more row"), counted(0, "entry", "entries")
    ('1 fault', '1,200 more rows', '0 entries')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
