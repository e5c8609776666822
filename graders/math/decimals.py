"""Plain decimal numbers: digits with at most one point, grouped by commas or spaces."""

import re
from fractions import Fraction

MAX_DIGITS = 2_000

_PLAIN = re.compile(r"([-+]?)\s?([0-9]+)(?:\.([0-9]*))?\Z|([-+]?)\s?\.([0-9]+)\Z")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?\Z|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]*)?\Z")
"""Thousands, or lakhs and crores: 12,34,567."""
_SPACED = re.compile(r"[0-9]{1,3}(?: [0-9]{3})+(?:\.[0-9]*)?\Z")
_CONTINENTAL = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+\Z")
"""Thousands grouped by points before a decimal comma; without the comma, 1.234 is a number a little over one."""


def decimal(text: str) -> Fraction | None:
    """Read `12`, `-3.50`, `.5`, `1,234.5`: digits with at most one point, thousands grouped by comma or space."""
    match = _PLAIN.match(text)
    if match is None:
        lead = text[:1] if text[:1] in ("-", "+") else ""
        digits = text[len(lead) :].lstrip()
        if _CONTINENTAL.match(digits):
            digits = digits.replace(".", "").replace(",", ".")
        elif not (_GROUPED.match(digits) or _SPACED.match(digits)):
            return None
        grouped = decimal(digits.replace(",", "").replace(" ", ""))
        return -grouped if grouped is not None and lead == "-" else grouped
    if len(text) > MAX_DIGITS:
        return None
    sign, whole, part, small_sign, small = match.groups()
    if small is not None:
        value = Fraction(int(small), 10 ** len(small))
    else:
        value = Fraction(int(whole + part), 10 ** len(part)) if part else Fraction(int(whole))
    return -value if (sign or small_sign) == "-" else value
