"""Units: which word of an answer is a unit, and when two units contradict each other."""

import re
from dataclasses import dataclass
from fractions import Fraction

_LENGTH = {
    "mm": (Fraction(1, 1000), "mm millimeter millimetre"),
    "cm": (Fraction(1, 100), "cm centimeter centimetre"),
    "dm": (Fraction(1, 10), "dm decimeter decimetre"),
    "m": (Fraction(1), "m meter metre"),
    "km": (Fraction(1000), "km kilometer kilometre"),
    "in": (Fraction(254, 10_000), "in inch inches"),
    "ft": (Fraction(3048, 10_000), "ft foot feet"),
    "yd": (Fraction(9144, 10_000), "yd yard"),
    "mi": (Fraction(1_609_344, 1000), "mi mile"),
}
_TIME = {
    "s": (Fraction(1), "s sec second"),
    "min": (Fraction(60), "min minute"),
    "h": (Fraction(3600), "h hr hour"),
    "d": (Fraction(86_400), "day"),
    "week": (Fraction(604_800), "week"),
    "year": (Fraction(31_557_600), "yr year"),
}
_MASS = {
    "mg": (Fraction(1, 1_000_000), "mg milligram"),
    "g": (Fraction(1, 1000), "g gm gram"),
    "kg": (Fraction(1), "kg kilogram kilo"),
    "lb": (Fraction(45_359_237, 100_000_000), "lb pound"),
    "oz": (Fraction(45_359_237, 1_600_000_000), "oz ounce"),
}
_VOLUME = {
    "ml": (Fraction(1, 1000), "ml milliliter millilitre"),
    "l": (Fraction(1), "l liter litre"),
    "gal": (Fraction(3_785_411_784, 1_000_000_000), "gal gallon"),
}
_ANGLE = {"deg": (Fraction(1), "degree deg ^\\circ °"), "rad": (Fraction(57), "radian rad")}
_MONEY = {
    "dollar": (Fraction(1), "\\dollar dollar usd buck"),
    "cent": (Fraction(1, 100), "cent ¢"),
    "eur": (Fraction(10**9), "euro eur €"),
    "gbp": (Fraction(10**10), "gbp £"),
    "yuan": (Fraction(10**11), "yuan rmb ¥"),
}
_TABLES = {
    "length": _LENGTH, "time": _TIME, "mass": _MASS, "volume": _VOLUME, "angle": _ANGLE, "money": _MONEY
}  # fmt: skip

_KNOWN: dict[str, tuple[str, Fraction]] = {
    alias: (dimension, factor)
    for dimension, table in _TABLES.items()
    for factor, aliases in table.values()
    for alias in aliases.split()
}
"""Alias -> its dimension and the factor to the dimension's base unit (money and radians never convert)."""

_POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cu": 3, "cubed": 3}
_SHORT = {"mph": "mile/hour", "kmph": "km/hour", "kph": "km/hour"}
_TOKEN = re.compile(r"\\dollar|\^\\circ|[A-Za-z°€£¥¢]+|\^\{?-?[0-9]\}?|/|[-.]")


@dataclass(frozen=True)
class Unit:
    """What a unit measures, as dimension -> power, and the exact factor to base units.

    `dimensions` is empty for a word that no table knows ("apples", "ways"): it names a thing, not a scale.
    """

    dimensions: tuple[tuple[str, int], ...]
    factor: Fraction
    words: str


def read_unit(text: str) -> Unit:
    r"""Read cleaned unit text such as `cm^2`, `square feet`, `miles per hour`, `^\circ`, `apples`.

    >>> read_unit("square cm").dimensions == read_unit("cm^{2}").dimensions
    True
    """
    words = text.lower().strip(" .{}")
    for short, long in _SHORT.items():
        words = words.replace(short, long)
    dimensions: dict[str, int] = {}
    factor = Fraction(1)
    sign, power, last = 1, 1, None
    for word in _TOKEN.findall(words):
        if word in ("/", "per"):
            sign = -1
        elif word in _POWERS:
            power = _POWERS[word]
            if last and word.endswith("d"):  # "feet squared"
                dimensions[last[0]] += last[2] * (power - 1)
                factor *= last[1] ** (last[2] * (power - 1))
                power = 1
        elif word.startswith("^") and word != "^\\circ" and last:
            extra = int(word.strip("^{}")) - 1
            dimensions[last[0]] += last[2] * extra
            factor *= last[1] ** (last[2] * extra)
        else:
            known = _known(word)
            if known is not None:
                dimension, scale = known
                dimensions[dimension] = dimensions.get(dimension, 0) + sign * power
                factor *= scale ** (sign * power)
                last, power = (dimension, scale, sign), 1
    return Unit(tuple(sorted((d, p) for d, p in dimensions.items() if p)), factor, words)


def _known(word: str) -> tuple[str, Fraction] | None:
    return _KNOWN.get(word) or (_KNOWN.get(word[:-1]) if word.endswith("s") else None)


def units_conflict(left: Unit, right: Unit) -> bool:
    """Whether two units that both measure something are not the same one."""
    named = bool(left.dimensions and right.dimensions)
    return named and (left.dimensions, left.factor) != (right.dimensions, right.factor)


def is_known_unit(word: str) -> bool:
    """Whether a bare word (not wrapped in `\\text`) is a unit of the tables and more than one letter long."""
    return len(word) > 1 and (word.lower() in _SHORT or _known(word.lower()) is not None)
