"""Times of day: `3:30 PM`, `15:30`, `3 p.m.`, noon."""

import re

_TIME = re.compile(
    r"([0-9]{1,2})(?:\s*:\s*([0-9]{2}))?(?:\s*:\s*([0-9]{2}))?\s*(?:\\text\{\s*)?(?:([ap])\.?\s*m\b\.?)?\s*\}?\.?\Z",
    re.IGNORECASE,
)
_NAMED = {"noon": 12 * 3600, "midnight": 0, "midday": 12 * 3600}
NOON_S = 12 * 3600


def time_of_day(text: str) -> tuple[int, bool] | None:
    """Return the seconds since midnight that cleaned text states, and whether it says which half of the day.

    None for no time.

    >>> time_of_day("3:30 PM"), time_of_day("15:30"), time_of_day("25:00")
    ((55800, True), (55800, False), None)
    """
    name = text.replace("\\text{", "").strip(" .}").lower().removeprefix("12 ")
    if name in _NAMED:
        return _NAMED[name], True
    match = _TIME.match(text.strip())
    if match is None or not (match[2] or match[4]):
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.group(1, 2, 3))
    if minutes > 59 or seconds > 59 or hours > (12 if match[4] else 24):
        return None
    if match[4]:
        hours = hours % 12 + (12 if match[4].lower() == "p" else 0)
    says_half = match[4] is not None or (len(match[1]) == 2 and match[1][0] == "0")  # 03:30 is at night
    return hours * 3600 + minutes * 60 + seconds, says_half


def same_time(left: tuple[int, bool], right: tuple[int, bool]) -> bool:
    """Whether two times are the same; one without am or pm may be meant on the clock of twelve hours."""
    if left[0] == right[0]:
        return True
    if left[1] == right[1]:
        return False
    (marked, _), (bare, _) = (left, right) if left[1] else (right, left)
    return bare < NOON_S + 3600 and (marked - bare) % NOON_S == 0
