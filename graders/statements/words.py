"""Where words stand in a text: a search by plain text first, so that a pattern is tried only where it may match."""

import re


def places_of(words: tuple[str, ...], lowered: str) -> list[int]:
    """Return where one of `words` begins in a text in small letters, in order."""
    places = set()
    for word in words:
        place = lowered.find(word)
        while place >= 0:
            places.add(place)
            place = lowered.find(word, place + 1)
    return sorted(places)


def matches_at(pattern: re.Pattern[str], text: str, lowered: str, words: tuple[str, ...]) -> list[re.Match[str]]:
    """Return the matches of a pattern that begins with one of `words`, in order and apart from each other.

    `words` are in small letters, `lowered` is `text.lower()`.
    """
    if len(lowered) != len(text):  # a character whose small form is longer, as the dotted capital I
        return list(pattern.finditer(text))
    found: list[re.Match[str]] = []
    end = 0
    for place in places_of(words, lowered):
        if place >= end and (match := pattern.match(text, place)) is not None:
            found.append(match)
            end = max(match.end(), place + 1)
    return found
