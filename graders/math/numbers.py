"""Numbers in any notation as exact rationals, and when two quantities are equal or within a declared tolerance.

Integers, decimals, fractions, mixed numbers, scientific notation, percent, money, number words and units.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from cotfactory.graders.math.latex import plain_words
from cotfactory.graders.math.units import Unit, is_known_unit, read_unit

MAX_EXPONENT = 400
"""Powers of ten beyond this are not expanded: `10^{10^9}` would fill the memory."""

MAX_DIGITS = 2_000

_PLAIN = re.compile(r"([-+]?)\s?([0-9]+)(?:\.([0-9]*))?\Z|([-+]?)\s?\.([0-9]+)\Z")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?\Z")
_SPACED = re.compile(r"[0-9]{1,3}(?: [0-9]{3})+(?:\.[0-9]*)?\Z")
_ARGUMENT = r"\s*(?:\{\s*([-+]?[0-9.,]+)\s*\}|([0-9]))"
_FRACTION = re.compile(r"\\frac" + _ARGUMENT + _ARGUMENT + r"\s*\Z")
_SLASH = re.compile(r"\(?\s*([-+]?\s?[0-9.,]+)\s*\)?\s*/\s*\(?\s*([-+]?\s?[0-9.,]+)\s*\)?\Z")
_MIXED = re.compile(r"([0-9]+)\s*(?:(?<=[0-9])[ -]\s*(?:and )?([0-9]+)/([0-9]+)|(\\frac.+))\Z")
_SCIENTIFIC = re.compile(
    r"(?:([0-9.,]+)\s*(?:\\times|\\cdot|\*|x|\\ast)\s*)?10\s*\^\s*(?:\{\s*([-+]?[0-9]+)\s*\}|\(?([-+]?[0-9]+)\)?)\Z"
)
_E_NOTATION = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE]([-+]?[0-9]{1,4})\Z")
_REPEATING = re.compile(r"([0-9]*)\.([0-9]*)\\overline\s*\{\s*([0-9]+)\s*\}(?:\\ldots|\.\.\.)?\Z")
_POWER = re.compile(r"\(?\s*([-+]?[0-9]{1,12})\s*\)?\s*\^\s*(?:\{\s*([0-9]{1,3})\s*\}|([0-9]{1,3}))\Z")

_ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
_WORD_VALUES = {word: value for value, word in enumerate(_ONES)} | {
    word: 10 * tens for tens, word in enumerate(_TENS) if word
}


def _decimal(text: str) -> Fraction | None:
    """Read `12`, `-3.50`, `.5`, `1,234.5`: digits with at most one point, thousands grouped by comma or space."""
    match = _PLAIN.match(text)
    if match is None:
        lead = text[:1] if text[:1] in ("-", "+") else ""
        digits = text[len(lead) :].lstrip()
        if not (_GROUPED.match(digits) or _SPACED.match(digits)):
            return None
        grouped = _decimal(digits.replace(",", "").replace(" ", ""))
        return -grouped if grouped is not None and lead == "-" else grouped
    if len(text) > MAX_DIGITS:
        return None
    sign, whole, part, small_sign, small = match.groups()
    if small is not None:
        value = Fraction(int(small), 10 ** len(small))
    else:
        value = Fraction(int(whole + part), 10 ** len(part)) if part else Fraction(int(whole))
    return -value if (sign or small_sign) == "-" else value


def exact_number(text: str) -> Fraction | None:
    r"""Return the exact value of cleaned text that is one number in any notation, else None.

    A mixed number needs a proper fraction: `2\frac{3}{4}` is 11/4, while `2\frac{5}{3}` may be a product and is
    left to the expression rules.

    >>> exact_number(r"-1\frac{1}{2}"), exact_number("1,234.50"), exact_number(r"3 \times 10^{-2}")
    (Fraction(-3, 2), Fraction(2469, 2), Fraction(3, 100))
    """
    value = _decimal(text)
    if value is not None or not text:
        return value
    if text[0] in "-+":
        value = _unsigned(text[1:].lstrip())
        return -value if value is not None and text[0] == "-" else value
    return _unsigned(text)


def _unsigned(text: str) -> Fraction | None:
    if text[:1] in ("-", "+") or not any("0" <= character <= "9" for character in text):
        return None
    if match := _FRACTION.match(text):
        return _ratio(match[1] or match[2], match[3] or match[4])
    if match := _SLASH.match(text):
        return _ratio(match[1], match[2])
    if match := _MIXED.match(text):
        part = _unsigned(match[4]) if match[4] else _ratio(match[2], match[3])
        whole = Fraction(int(match[1])) if len(match[1]) <= MAX_DIGITS else None
        return whole + part if whole is not None and part is not None and 0 < part < 1 else None
    if match := _SCIENTIFIC.match(text):
        return _scaled(match[1] or "1", match[2] or match[3])
    if match := _E_NOTATION.match(text):
        return _scaled(match[1], match[2])
    if match := _REPEATING.match(text):
        integer, fixed, cycle = match.groups()
        if len(text) > MAX_DIGITS:
            return None
        start = _decimal(f"{integer or 0}.{fixed}0") or Fraction(0)
        return start + Fraction(int(cycle), (10 ** len(cycle) - 1) * 10 ** len(fixed))
    if match := _POWER.match(text):
        base, exponent = int(match[1]), int(match[2] or match[3])
        bounded = exponent * len(match[1]) <= MAX_DIGITS
        return Fraction(base**exponent) if bounded and (base >= 0 or text.startswith("(")) else None
    return None


def _ratio(numerator: str, denominator: str) -> Fraction | None:
    top, bottom = _decimal(numerator.strip()), _decimal(denominator.strip())
    return top / bottom if top is not None and bottom else None


def _scaled(mantissa: str, exponent: str) -> Fraction | None:
    value = _decimal(mantissa)
    power = int(exponent) if len(exponent) <= 6 else MAX_EXPONENT + 1
    if value is None or abs(power) > MAX_EXPONENT:
        return None
    return value * Fraction(10) ** power


def number_words(text: str) -> Fraction | None:
    """Return the value of number words: `four`, `twenty-one`, `3 million`, `two hundred and five`."""
    total, current, seen = Fraction(0), Fraction(0), False
    for word in text.lower().replace("-", " ").split():
        value = _WORD_VALUES.get(word)
        digits = _decimal(word) if value is None and word[:1].isdigit() else None
        if value is not None:
            current += value
        elif digits is not None:
            if seen:
                return None
            current += digits
        elif word in _SCALES:
            scaled = (current if seen else Fraction(1)) * _SCALES[word]
            total, current = (total, scaled) if word == "hundred" else (total + scaled, Fraction(0))
        elif word != "and" or not seen:
            return None
        seen = True
    return total + current if seen else None


def _spelled(text: str) -> Fraction | None:
    words = plain_words(text).rstrip(".")
    return number_words(words) if words[-1:].isalpha() and len(words) <= 80 else None


@dataclass(frozen=True)
class Quantity:
    """An exact number with what stands around it: a percent sign and a unit, each only if written."""

    value: Fraction
    percent: bool = False
    unit: Unit | None = None


_PERCENT = re.compile(r"\s*(?:%|\\text\{\s*(?:%|percent(?:age)?|pct)\s*\.?\}|percent(?:age)?\b|pct\b)\s*\.?\Z", re.I)
_UNIT_TEXT = re.compile(r"\s*\\text\{([^{}]*)\}\s*(\^\s*(?:\{\s*[0-9]\s*\}|[0-9]))?\s*\.?\Z")
_DEGREES = re.compile(r"\s*\^\s*(?:\{\s*\\circ\s*\}|\\circ)\s*[CF]?\.?\Z")
_ANGLE_OF = re.compile(r"\\?(?:sin|cos|tan|cot|sec|csc)(?![A-Za-z])")
"""The degrees in `\\sin 30^\\circ` are the angle's, not the answer's."""
_WORD_TAIL = re.compile(r"(?<=[0-9)}\]])\s*(/?[A-Za-z][A-Za-z ./-]*?(?:\^\{?[0-9]\}?)?)\s*\.?\Z")
_NO_UNIT = re.compile(
    r"\A\s*(?:squared|cubed|factorial)\b|\b(?:more|less|fewer|than|times|plus|minus|below|not|if|base|modulo|remainder"
    r"|hal(?:f|ves)|thirds?|fourths?|fifths?|sixths?|sevenths?|eighths?|ninths?|tenths?|hundredths?|thousandths?)\b",
    re.IGNORECASE,
)
"""Words after a number that make another number of it: "3 more than Bob", "3 squared", "3 halves"."""

_PREFIX = re.compile(r"([-+]?)\s*(?:\\dollar|[€£¥]|Rs\.?|USD)\s*([-+]?)")


def split_unit(text: str) -> tuple[str, bool, Unit | None]:
    r"""Split cleaned text into what is before its unit, whether it is a percentage, and the unit.

    Units are `\text{...}` at the end, a degree sign, a money sign in front, or plain words after a number.

    >>> split_unit(r"12\pi \text{ cm}^2")[0], split_unit("\\dollar 5")[2].words
    ('12\\pi', '\\dollar')
    """
    unit: Unit | None = None
    if match := _PREFIX.match(text):
        unit = read_unit("\\dollar" if "dollar" in text[: match.end()] or "USD" in match[0] else match[0].strip("-+ "))
        text = match[1] + match[2] + text[match.end() :].lstrip()
    if "%" in text or "ercent" in text or "pct" in text:
        body = _PERCENT.sub("", text)
        if body != text:
            return body.strip(), True, unit
    if (match := _UNIT_TEXT.search(text)) and match.start() and not _NO_UNIT.search(match[1]):
        return text[: match.start()].strip(), False, unit or read_unit(match[1] + (match[2] or ""))
    if "\\circ" in text and (match := _DEGREES.search(text)) and not _ANGLE_OF.search(text):
        return text[: match.start()].strip(), False, read_unit("^\\circ")
    if text[-1:].isalnum() or text[-1:] in ".}":
        tail = _word_tail(text)
        if tail is not None:
            return text[: len(text) - len(tail)].strip(), False, unit or read_unit(tail)
    return text, False, unit


def _word_tail(text: str) -> str | None:
    """Return the plain words at the end that are a unit: a word of the tables, or words of four letters and more."""
    match = _WORD_TAIL.search(text[-60:])
    if match is None or len(text) < 2 or _NO_UNIT.search(match[1]):
        return None
    words = [word for word in re.split(r"[ ./^{}-]+", match[1]) if word and not word.isdigit()]
    known = any(is_known_unit(word) for word in words)
    return match[0] if known or len(words[0]) >= 4 else None


def quantity(text: str) -> Quantity | None:
    r"""Return the quantity that cleaned text states, else None.

    >>> quantity(r"35.0%").value, quantity(r"5 \text{ cm}").unit.dimensions
    (Fraction(35, 1), (('length', 1),))
    """
    value = exact_number(text)
    if value is not None:
        return Quantity(value)
    value = _spelled(text)
    if value is not None:
        return Quantity(value)
    body, percent, unit = split_unit(text)
    if body == text:
        return None
    value = exact_number(body)
    if value is None:
        value = _spelled(body)
    return None if value is None else Quantity(value, percent, unit)


def within(reference: Quantity, answer: Quantity, tolerance: Fraction) -> bool:
    """Whether a quantity is at most `tolerance` away from the reference, in the reference's unit.

    Percent signs have to agree. A unit that only one side names is no difference, as in `same_quantity`.
    """
    if reference.percent != answer.percent:
        return False
    value, reference_unit, answer_unit = answer.value, reference.unit, answer.unit
    if reference_unit and answer_unit and reference_unit.dimensions and answer_unit.dimensions:
        if reference_unit.dimensions != answer_unit.dimensions:
            return False
        value = value * answer_unit.factor / reference_unit.factor
    return abs(value - reference.value) <= tolerance


def same_quantity(reference: Quantity, answer: Quantity, asks_percent: bool = False) -> bool:
    """Whether two quantities are equal: the same number in units that do not contradict each other.

    A unit that only one side names is no difference. Two units of one dimension are converted (500 cm is 5 m),
    two dimensions contradict each other. A percent sign that one side lacks: 28 and 0.28 both equal 28%; but a
    number up to 1 is read as a proportion, so 0.5 is not 0.5%, unless the question asks for percent.
    """
    if reference.percent != answer.percent:
        signed, bare = (reference, answer) if reference.percent else (answer, reference)
        if bare.unit is not None:
            return False  # 4% is not 4 units
        as_written = signed.value == bare.value and (abs(bare.value) > 1 or asks_percent or bare.value == 0)
        return as_written or signed.value == bare.value * 100
    if reference.unit is None or answer.unit is None:
        return reference.value == answer.value
    if not reference.unit.dimensions or not answer.unit.dimensions:
        return reference.value == answer.value
    if reference.unit.dimensions != answer.unit.dimensions:
        return False
    return reference.value * reference.unit.factor == answer.value * answer.unit.factor
