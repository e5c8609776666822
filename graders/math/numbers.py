"""Numbers in any notation as exact rationals, and when two quantities are equal or within a declared tolerance.

Integers, decimals, fractions, mixed numbers, scientific notation, percent, money, number words and units.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from cotfactory.graders.math.decimals import MAX_DIGITS, decimal
from cotfactory.graders.math.latex import plain_words
from cotfactory.graders.math.number_words import SCALES, fraction_words, number_words
from cotfactory.graders.math.units import Unit, converted, is_known_unit, is_money, is_unit_text, read_unit, same_scale

MAX_EXPONENT = 400
"""Powers of ten beyond this are not expanded: `10^{10^9}` would fill the memory."""

_ARGUMENT = r"\s*(?:\{\s*([-+]?[0-9.,]+)\s*\}|([0-9]))"
_FRACTION = re.compile(r"\\frac" + _ARGUMENT + _ARGUMENT + r"\s*\Z")
_SLASH = re.compile(r"\(?\s*([-+]?\s?[0-9.,]+)\s*\)?\s*/\s*\(?\s*([-+]?\s?[0-9.,]+)\s*\)?\Z")
_MIXED = re.compile(r"([0-9]+)\s*(?:(?<=[0-9])[ -]\s*(?:and )?([0-9]+)/([0-9]+)|(\\frac.+))\Z")
_SCIENTIFIC = re.compile(
    r"(?:([0-9.,]+)\s*(?:\\times|\\cdot|\*|x|\\ast)\s*)?10\s*\^\s*(?:\{\s*([-+]?[0-9]+)\s*\}|\(?([-+]?[0-9]+)\)?)\Z"
)
_E_NOTATION = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE]([-+]?[0-9]{1,4})\Z")
_REPEATING = re.compile(
    r"([0-9]*)\.([0-9]*)(?:\\overline\s*(?:\{\s*([0-9]+)\s*\}|([0-9]))|\(([0-9]+)\))(?:\s*\\ldots|\s*\.\.\.)?\Z"
)
_GOES_ON = re.compile(
    r"([0-9]*)\.([0-9]{0,12}?)(?:([0-9])\3{2,}|([0-9]{2,5})\4+|([0-9]{6,9})\5+)\s*(?:\\ldots|\.\.\.|…)\Z"
)
"""`0.1666...`: a digit that repeats three times, or several that do twice, before the dots are the cycle."""
_POWER = re.compile(r"\(?\s*([-+]?[0-9]{1,12})\s*\)?\s*\^\s*(?:\{\s*([0-9]{1,3})\s*\}|([0-9]{1,3}))\Z")


def exact_number(text: str) -> Fraction | None:
    r"""Return the exact value of cleaned text that is one number in any notation, else None.

    A mixed number needs a proper fraction: `2\frac{3}{4}` is 11/4, while `2\frac{5}{3}` may be a product and is
    left to the expression rules.

    >>> exact_number(r"-1\frac{1}{2}"), exact_number("1,234.50"), exact_number(r"3 \times 10^{-2}")
    (Fraction(-3, 2), Fraction(2469, 2), Fraction(3, 100))
    """
    value = decimal(text)
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
    if len(text) <= MAX_DIGITS and (match := _REPEATING.match(text) or _GOES_ON.match(text)):
        integer, fixed, *cycles = match.groups()
        cycle = next(digits for digits in cycles if digits)
        start = decimal(f"{integer or 0}.{fixed}0") or Fraction(0)
        return start + Fraction(int(cycle), (10 ** len(cycle) - 1) * 10 ** len(fixed))
    if match := _POWER.match(text):
        base, exponent = int(match[1]), int(match[2] or match[3])
        bounded = exponent * len(match[1]) <= MAX_DIGITS
        return Fraction(base**exponent) if bounded and (base >= 0 or text.startswith("(")) else None
    return None


def _ratio(numerator: str, denominator: str) -> Fraction | None:
    top, bottom = decimal(numerator.strip()), decimal(denominator.strip())
    return top / bottom if top is not None and bottom else None


def _scaled(mantissa: str, exponent: str) -> Fraction | None:
    value = decimal(mantissa)
    power = int(exponent) if len(exponent) <= 6 else MAX_EXPONENT + 1
    if value is None or abs(power) > MAX_EXPONENT:
        return None
    return value * Fraction(10) ** power


def _spelled(text: str) -> Fraction | None:
    words = plain_words(text).rstrip(".").lower()
    sign = re.match(r"(?:-|minus |negative )", words)
    if not words[-1:].isalnum() or len(words) > 80 or (words[-1].isdigit() and not sign):
        return None
    words = words[sign.end() :] if sign else words
    if words.startswith(("a ", "an ")) and words.split()[1] in SCALES:
        words = "one " + words.partition(" ")[2]
    value = number_words(words)
    value = fraction_words(words) if value is None else value
    return None if value is None else -value if sign else value


@dataclass(frozen=True)
class Quantity:
    """An exact number with what stands around it: a percent sign and a unit, each only if written."""

    value: Fraction
    percent: bool = False
    unit: Unit | None = None


_PERCENT = re.compile(r"\s*(?:%|\\text\{\s*(?:%|percent(?:age)?|pct)\s*\.?\}|percent(?:age)?\b|pct\b)\s*\.?\Z", re.I)
_UNIT_TEXT = re.compile(
    r"\s*((?:\\mu\s*)?)\\text\{([^{}]*)\}\s*((?:\\Omega\s*)?)(\^\s*(?:\{\s*-?[0-9]\s*\}|[0-9]))?\s*\.?\Z"
)
_DEGREES = re.compile(r"\s*\^\s*(?:\{\s*\\circ\s*\}|\\circ)\s*(?:\\text\{\s*([CFK])\s*\}|([CFK]))?\s*\.?\Z")
_ANGLE_OF = re.compile(r"\\?(?:sin|cos|tan|cot|sec|csc|cis)(?![A-Za-z])")
"""The degrees in `\\sin 30^\\circ` are the angle's, not the answer's."""
_WORD_TAIL = re.compile(r"(?<=[0-9)}\]])\s*(/?[A-Za-z][A-Za-z ./-]*?(?:\^\{?[0-9]\}?)?)\s*\.?\Z")
_SIGN_TAIL = re.compile(r"\s*([¢€£¥₹₩₽])\Z")
_SCALE_LEAD = re.compile(rf"\s*((?:{'|'.join(SCALES)}))s?\b(?:\s+of\b)?", re.IGNORECASE)
_SHORT_SCALE = re.compile(r"(.*[0-9])\s*(?:\\text\{\s*)?(k|K|M|mn|B|bn|T|tn)\s*\}?\Z")
_SHORT_SCALES = {"k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion", "t": "trillion",
                 "tn": "trillion"}  # fmt: skip

_PREFIX = re.compile(r"([-+]?)\s*(?:(?:US|U\.S\.)?\s*\\dollar|[€£¥₹₩₽]|Rs\.?|USD|EUR|GBP|INR)\s*([-+]?)")


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
        if short := _SHORT_SCALE.match(text):
            return f"{short[1]} {_SHORT_SCALES[short[2].lower()]}", False, unit
    if "%" in text or "ercent" in text or "pct" in text:
        body = _PERCENT.sub("", text)
        if body != text:
            return body.strip(), True, unit
    if "\\circ" in text and (match := _DEGREES.search(text)) and not _ANGLE_OF.search(text):
        return text[: match.start()].strip(), False, read_unit("^\\circ" + (match[1] or match[2] or ""))
    if (match := _UNIT_TEXT.search(text)) and match.start():
        return _without_tail(
            text, text[: match.start()].strip(), match[1] + match[2] + match[3] + (match[4] or ""), unit
        )
    if match := _SIGN_TAIL.search(text):
        return text[: match.start()].strip(), False, unit or read_unit(match[1])
    if text[-1:].isalnum() or text[-1:] in ".}":
        tail = _word_tail(text)
        if tail is not None:
            return _without_tail(text, text[: len(text) - len(tail)].strip(), tail, unit)
    return text, False, unit


def _without_tail(text: str, body: str, tail: str, unit: Unit | None) -> tuple[str, bool, Unit | None]:
    """Take a unit off; a scale in front of it ("5 million dollars") stays with the number."""
    if scale := _SCALE_LEAD.match(tail):
        body, tail = f"{body} {scale[1].lower()}", tail[scale.end() :]
        if not tail.strip(" ."):
            return body, False, unit
    if not is_unit_text(tail):
        return text, False, unit
    return body, False, unit or read_unit(tail)


def _word_tail(text: str) -> str | None:
    """Return the plain words at the end that may be a unit: a word of the tables, or words of four letters and more."""
    match = _WORD_TAIL.search(text[-60:])
    if match is None or len(text) < 2:
        return None
    words = [word for word in re.split(r"[ ./^{}-]+", match[1]) if word and not word.isdigit()]
    known = any(is_known_unit(word) for word in words)
    return match[0] if known or len(words[0]) >= 4 else None


_COMPOUND = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+)\.?(?:,? and |, | )?")
_MAX_COMPOUND = 4


def _compound(text: str) -> "Quantity | None":
    """Read `1 hour 30 minutes`, `5 ft 6 in`: numbers with ever smaller units of one kind, added up in base units."""
    words, at, total, last = plain_words(text), 0, Fraction(0), None
    if len(words) > 80 or not words[:1].isdigit():
        return None
    for _ in range(_MAX_COMPOUND):
        match = _COMPOUND.match(words, at)
        unit = read_unit(match[2]) if match and is_unit_text(match[2]) else None
        if match is None or unit is None or not unit.dimensions:
            return None
        if last is not None and (unit.dimensions != last.dimensions or unit.factor >= last.factor):
            return None
        total += Fraction(match[1]) * unit.factor
        at, first = match.end(), last is None
        last = unit
        if at == len(words):
            return None if first else Quantity(total, unit=Unit(unit.dimensions, Fraction(1), words))
    return None


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
        return _compound(text)
    value = exact_number(body)
    if value is None:
        value = _spelled(body)
    return _compound(text) if value is None else Quantity(value, percent, unit)


@dataclass(frozen=True)
class Tolerance:
    """How far a number may be from the reference: `size` as it is, or as a share of the reference."""

    size: Fraction
    relative: bool = False

    def allows(self, reference: Fraction, answer: Fraction) -> bool:
        """Whether an answer is near enough."""
        return abs(answer - reference) <= self.size * (abs(reference) if self.relative else 1)


def within(reference: Quantity, answer: Quantity, tolerance: Tolerance, asked: "Asked") -> bool:
    """Whether a quantity is near enough to the reference, in the reference's unit.

    A percent sign or a unit that only one side names is read as in `same_quantity`.
    """
    if reference.percent != answer.percent:
        return any(tolerance.allows(*pair) for pair in _percent_readings(reference, answer, asked))
    pair = _in_one_unit(reference, answer, asked)
    return pair is not None and tolerance.allows(*pair)


@dataclass(frozen=True)
class Asked:
    """What the question says about the number it asks for: whether it is a percentage, and its unit."""

    percent: bool = False
    unit: Unit | None = None


NOTHING_ASKED = Asked()


def same_quantity(reference: Quantity, answer: Quantity, asked: Asked = NOTHING_ASKED) -> bool:
    """Whether two quantities are equal: the same number in units that do not contradict each other.

    A unit that only one side names is no difference; where the question asks for one, a reference without a unit has
    that one. Two units of one dimension are converted (500 cm is 5 m) unless the question asks for one of them; money
    always. Two dimensions contradict each other, and so do two things ("5 boys", "5 girls"). A percent sign that one
    side lacks: 28 and 0.28 both equal 28%; but a number up to 1 is read as a proportion, so 0.5 is not 0.5%, unless
    the question asks for percent.
    """
    if reference.percent != answer.percent:
        return any(left == right for left, right in _percent_readings(reference, answer, asked))
    pair = _in_one_unit(reference, answer, asked)
    return pair is not None and pair[0] == pair[1]


def _percent_readings(reference: Quantity, answer: Quantity, asked: Asked) -> list[tuple[Fraction, Fraction]]:
    """Return the numbers to compare where one of two quantities has a percent sign."""
    signed, bare = (reference, answer) if reference.percent else (answer, reference)
    if bare.unit is not None:
        return []  # 4% is not 4 units
    factors = [Fraction(100)]
    if abs(bare.value) > 1 or asked.percent or bare.value == 0:
        factors.append(Fraction(1))
    if bare is reference:
        return [(bare.value, signed.value / factor) for factor in factors]
    return [(signed.value, bare.value * factor) for factor in factors]


def _in_one_unit(reference: Quantity, answer: Quantity, asked: Asked) -> tuple[Fraction, Fraction] | None:
    """Return both numbers in one unit; None where the units contradict each other or what is asked for."""
    expected, given = reference.unit, answer.unit
    wanted = asked.unit if given is not None and given.dimensions else None
    if expected is None or not (expected.dimensions or expected.things):
        expected = wanted
    if expected is None or given is None or same_scale(expected, given):
        return reference.value, answer.value
    if not expected.dimensions or not given.dimensions:
        return None
    if wanted is not None and not is_money(given) and not same_scale(wanted, given):
        return None
    (dimensions, left), (others, right) = converted(reference.value, expected), converted(answer.value, given)
    if dimensions != others:
        return None
    # In the reference's own unit, where an absolute tolerance is meant.
    return reference.value, reference.value + (right - left) / _step(expected)


def _step(unit: Unit) -> Fraction:
    """Return how much one step of a unit is in base units."""
    start, end = converted(Fraction(0), unit)[1], converted(Fraction(1), unit)[1]
    return end - start


_NOISY = re.compile(r"-?([0-9]*)\.([0-9]+)\Z")
NOISE_DIGITS = 12
DOUBLE_DIGITS = 17
NOISE = Fraction(1, 10**9)


def is_float_noise(reference: str, answer: str) -> bool:
    """Whether one of two plain numbers is the other as a program's floating point left it: 385000.00000000006.

    It has more than NOISE_DIGITS significant digits, no more than a double has, and is within a 10^-9th of the other,
    which has fewer.

    >>> is_float_noise("4", "3.999999999999999"), is_float_noise("4", "3.9999"), is_float_noise("0", "0.0000000000001")
    (True, False, False)
    """
    for noisy, plain in ((answer, reference), (reference, answer)):
        match = _NOISY.match(noisy)
        if match is None or not NOISE_DIGITS < len((match[1] + match[2]).lstrip("0")) <= DOUBLE_DIGITS + 1:
            continue
        value, known = exact_number(noisy), exact_number(plain)
        if value is None or known is None or not known:
            continue
        digits = len(re.sub(r"[^0-9]", "", plain).strip("0"))
        if digits <= NOISE_DIGITS and abs(value - known) <= NOISE * abs(known):
            return True
    return False
