"""Limits of time and memory as rows of data sets write them: numbers, or texts like `2.0 seconds`."""

import math
import re

from cotfactory.generators.problems.formats.benchmark_row import ProblemFields

QUANTITY = re.compile(r"\s*(\d{1,12}(?:\.\d{1,12})?)\s*([a-z]{1,12})\.?\s*", re.IGNORECASE)
SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
}
BYTES = {
    **dict.fromkeys(("b", "byte", "bytes"), 1),
    **dict.fromkeys(("kb", "kib", "kilobyte", "kilobytes"), 1 << 10),
    **dict.fromkeys(("mb", "mib", "megabyte", "megabytes"), 1 << 20),
    **dict.fromkeys(("gb", "gib", "gigabyte", "gigabytes"), 1 << 30),
}


def limits_of(tests: ProblemFields, time_s: float | None, memory_bytes: float | None) -> ProblemFields:
    """Return the limits of a problem as problem files write them; none where nothing runs, and none of nought.

    >>> limits_of({"kind": "stdio"}, 2.0, 256 << 20)
    {'time_limit_s': 2.0, 'memory_limit_mb': 256}
    """
    if tests["kind"] == "unsupported":
        return {}
    stated: ProblemFields = {}
    if time_s is not None and 0 < time_s < math.inf:
        stated["time_limit_s"] = float(time_s)
    if memory_bytes is not None and 0 < memory_bytes < math.inf:
        stated["memory_limit_mb"] = math.ceil(memory_bytes / (1 << 20))
    return stated


def seconds_of(text: str | None) -> float | None:
    """Return the seconds that a text states, None where it is no time.

    >>> seconds_of("2.0 seconds"), seconds_of("500 ms"), seconds_of("")
    (2.0, 0.5, None)
    """
    return _quantity(text, SECONDS)


def bytes_of(text: str | None) -> float | None:
    """Return the bytes that a text states, None where it is no size.

    >>> bytes_of("256.0 megabytes"), bytes_of("no limit")
    (268435456.0, None)
    """
    return _quantity(text, BYTES)


def _quantity(text: str | None, units: dict[str, float] | dict[str, int]) -> float | None:
    found = QUANTITY.fullmatch(text or "")
    unit = units.get(found[2].lower()) if found else None
    return None if found is None or unit is None else float(found[1]) * unit
