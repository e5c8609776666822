r"""Numbers in another base, as digits and base: `2A_{16}`, `0x2A`, `1011 in base 2`, `(1011)_2`."""

import re

_SUBSCRIPT = re.compile(
    r"(-?)\s*(?:\\text\{|\{)?\s*\(?\s*([0-9A-Fa-f]+)\s*[)}]?\s*_\s*\{?\s*(?:\\text\{)?\s*\(?\s*([0-9]{1,2}|[a-z]+)\s*\)?\s*\}*\Z"
)
_LITERAL = re.compile(r"(-?)\s*0([xXbBoO])([0-9A-Fa-f]+)\Z")
_SPOKEN = re.compile(
    r"(-?)\s*([0-9A-Fa-f]+)\s*(?:\\text\{)?\s*\(?\s*(?:in\s+)?"
    r"(?:base[\s}-]*([0-9]{1,2}|[a-z]+)|(binary|ternary|octal|hexadecimal|hex)(?: (?:notation|form))?)\s*\)?\s*\}?\.?\Z"
)
_NAMED = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "sixteen": 16,
}  # fmt: skip
_SYSTEMS = {"binary": "2", "ternary": "3", "octal": "8", "hexadecimal": "16", "hex": "16"}
_PREFIXES = {"x": 16, "b": 2, "o": 8}


def based_number(text: str) -> tuple[str, str] | None:
    r"""Return digits, in capitals and without leading zeros, and base of a number such as `2401_7`, else None.

    Small letters are digits only where every character is a digit of the base and one of them is a figure.

    >>> based_number("2a_{16}"), based_number("0b1011"), based_number("a_{16}"), based_number("12_2")
    (('2A', '16'), ('1011', '2'), None, ('12', '2'))
    """
    if match := _LITERAL.match(text):
        base = str(_PREFIXES[match[2].lower()])
        digits = match[3]
    elif match := _SUBSCRIPT.match(text) or _SPOKEN.match(text):
        digits, base = match[2], match[3] or _SYSTEMS[match[4]]
        base = str(_NAMED.get(base, base))
        if not base.isdigit():
            return None
    else:
        return None
    small = any(character.islower() for character in digits)
    if small and (
        (not any(character.isdigit() for character in digits) and len(digits) < 2) or not _all_below(digits, int(base))
    ):
        return None
    return match[1] + digits.upper().lstrip("0"), base


def _all_below(digits: str, base: int) -> bool:
    return all(int(digit, 16) < base for digit in digits)
