"""Units: which words of an answer are a unit, and when two units contradict each other."""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from cotfactory.graders.math.qualifiers import is_qualified
from cotfactory.graders.math.unit_table import ANY_CASE, NAMES, SYMBOLS, Dimensions, Scale

MAX_UNIT_WORDS = 6
"""More words after a number are a sentence."""

_POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cu": 3, "cubed": 3}
_TOKEN = re.compile(
    r"\\dollar|(?:[kMGm]|\\mu)?\s*\\Omega|\^\s*\\circ\s*[CFK]?(?![A-Za-z])|\\mu\s*[A-Za-z]*|[^\W\d_]+(?:-[^\W\d_]+)*|[€£¥¢°₹₩₽]"
    r"|\^\s*\{?\s*-?[0-9]\s*\}?|/|[-.()*]|\\cdot"
)
_EXPONENT = re.compile(r"\^\s*\{?\s*(-?[0-9])\s*\}?\Z")
_EXPONENTS = re.compile(r"\^\s*\{?\s*-?[0-9]")
_DEGREES = {"C": "celsius", "F": "fahrenheit", "K": "kelvin"}
_AFFINE = {"celsius": (Fraction(1), Fraction("273.15")), "fahrenheit": (Fraction(5, 9), Fraction(45967, 180))}
"""Factor to kelvin and what is added to a reading on the scale: K = factor * reading + offset."""

_ANY_THING = {
    "way", "arrangement", "combination", "permutation", "possibility", "option", "method", "choice", "outcome",
    "case", "solution", "value", "number", "integer", "pair", "person", "individual", "unit", "item", "object",
    "piece", "thing", "total", "altogether", "overall", "all", "in", "of", "the", "a", "an", "and", "on", "for",
    "to", "by", "distinct", "different", "possible", "whole", "left", "remaining", "only", "exactly", "each", "per",
    "his", "her", "their", "its", "these", "those", "this", "that", "there", "element", "member", "point", "place",
    "time", "digit", "answer", "result", "final", "with", "such", "positive", "real", "full", "new", "square",
    "cubic", "sq", "cu", "squared", "cubed", "amount",
}  # fmt: skip
"""Words that say nothing about what is counted: "12 ways" are 12 arrangements."""

_IRREGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "mice": "mouse", "geese": "goose",
    "teeth": "tooth", "feet": "foot", "halves": "half", "leaves": "leaf", "knives": "knife", "wolves": "wolf",
    "loaves": "loaf", "shelves": "shelf", "vertices": "vertex", "dice": "die", "oxen": "ox",
}  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """What a unit measures, as dimension -> power, and the exact factor to base units.

    `dimensions` is empty for words that no table knows ("apples", "ways"): `things` then names what is counted, where
    the words name anything at all.
    """

    dimensions: Dimensions
    factor: Fraction
    words: str
    things: frozenset[str] = frozenset()


_COUNTED_SYMBOLS = {"min", "hr", "sec", "yr", "wk", "lb", "gal", "kg", "km", "cm", "mi"}
"""Symbols that people write in the plural: `mins`."""


def scale_of(word: str) -> Scale | None:
    """Return what the table knows of one word or symbol, a symbol in its case where the case decides."""
    found = SYMBOLS.get(word)
    if found is not None:
        return found
    name = word.lower()
    if (known := NAMES.get(name) or ANY_CASE.get(name)) is not None or not name.endswith("s"):
        return known
    return NAMES.get(name[:-1]) or (SYMBOLS.get(name[:-1]) if name[:-1] in _COUNTED_SYMBOLS else None)


@lru_cache(maxsize=4_096)
def read_unit(text: str) -> Unit:
    r"""Read cleaned unit text such as `cm^2`, `square feet`, `miles per hour`, `^\circ C`, `apples`.

    >>> read_unit("square cm").dimensions == read_unit("cm^{2}").dimensions, read_unit("red apples").things
    (True, frozenset({'apple', 'red'}))
    """
    words = text.strip(" .{}")
    dimensions: dict[str, int] = {}
    factor = Fraction(1)
    things: set[str] = set()
    sign, power = 1, 1
    last: tuple[Scale, int] | None = None

    def multiply(scale: Scale, times: int) -> None:
        nonlocal factor
        for dimension, exponent in scale[0]:
            dimensions[dimension] = dimensions.get(dimension, 0) + exponent * times
        factor *= scale[1] ** times

    for word in _TOKEN.findall(words):
        exponent = _EXPONENT.match(word)
        if word in ("/", "per"):
            sign = -1
        elif exponent is not None or (word in ("squared", "cubed") and last):
            if last:
                multiply(last[0], last[1] * ((int(exponent[1]) if exponent else _POWERS[word]) - 1))
        elif word.lower() in _POWERS:
            power = _POWERS[word.lower()]
        elif (known := _token_scale(word)) is not None:
            multiply(known, sign * power)
            last, power = (known, sign * power), 1
        elif word[:1].isalpha():
            things.add(_singular(word.lower()))
    if dimensions.keys() & _AFFINE.keys():
        dimensions.pop("angle", None)  # "degrees Celsius"
    kept = tuple(sorted((dimension, exponent) for dimension, exponent in dimensions.items() if exponent))
    return Unit(kept, factor, words, frozenset() if kept else frozenset(things - _ANY_THING))


def _token_scale(token: str) -> Scale | None:
    if token.startswith("^"):
        letter = token[-1]
        return NAMES[_DEGREES[letter]] if letter in _DEGREES else SYMBOLS["^\\circ"]
    return scale_of(token.replace(" ", "") if "\\" in token else token)


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending, singular in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("zes", "z")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + singular
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


_UNCLEAR = {"B", "M"}
"""Bytes or billions, molar or millions."""


def is_unit_text(words: str) -> bool:
    r"""Whether words after a number can be its unit: known ones, or a few that name what is counted.

    A letter alone that no table knows and words that change the number ("is wrong", "lakh", "k") are none.

    >>> is_unit_text("red marbles"), is_unit_text("kW"), is_unit_text("is wrong"), is_unit_text("M")
    (True, True, False, False)
    """
    if words.strip(" .") in _UNCLEAR or "?" in words or "n't" in words:
        return False
    found = [word for word in _TOKEN.findall(words) if word[:1].isalpha() or word[0] in "\\^°€£¥¢₹₩₽"]
    known = [_token_scale(word) is not None for word in found]
    if found and all(known):
        return True
    loose = " ".join(word for word, is_known in zip(found, known, strict=True) if not is_known)
    if any(known):
        loose = re.sub(r"\b(?:squared|cubed)\b", "", loose)
    figures = any(character.isdigit() for character in _EXPONENTS.sub("", words))
    if is_qualified(loose) or len(found) > MAX_UNIT_WORDS or figures:
        return False
    return all(
        is_known or len(word) > 2 or word.lower() in _ANY_THING for word, is_known in zip(found, known, strict=True)
    )


def _is_bare_degree(unit: Unit) -> bool:
    return unit.dimensions == (("angle", 1),) and unit.factor == 1


def _is_temperature(unit: Unit) -> bool:
    return unit.dimensions in ((("celsius", 1),), (("fahrenheit", 1),))


def same_scale(left: Unit, right: Unit) -> bool:
    """Whether two units leave a number what it is: one unit, or words of which one says no less than the other."""
    if left.dimensions and right.dimensions:
        if (left.dimensions, left.factor) == (right.dimensions, right.factor):
            return True
        # 50 degrees may be of Celsius or of Fahrenheit; only the two against each other differ.
        return (_is_bare_degree(left) and _is_temperature(right)) or (_is_bare_degree(right) and _is_temperature(left))
    if left.dimensions or right.dimensions:
        return not (left.things or right.things)
    return left.things <= right.things or right.things <= left.things


def units_conflict(left: Unit, right: Unit) -> bool:
    """Whether two units are not the same one."""
    return not same_scale(left, right)


def converted(value: Fraction, unit: Unit) -> tuple[Dimensions, Fraction]:
    """Return a value in base units with their dimensions; degrees Celsius and Fahrenheit become kelvin."""
    if _is_temperature(unit):
        factor, offset = _AFFINE[unit.dimensions[0][0]]
        return (("temperature", 1),), value * factor + offset
    return unit.dimensions, value * unit.factor


def is_money(unit: Unit) -> bool:
    """Whether a unit is dollars or cents, which are written for each other whatever a question asks for."""
    return unit.dimensions == (("dollar", 1),)


_EVERYDAY = {
    "mm", "cm", "dm", "km", "in", "ft", "yd", "mi", "s", "sec", "min", "h", "hr", "mg", "g", "gm", "kg", "lb", "lbs",
    "oz", "ml", "mL", "l", "L", "gal", "deg", "rad", "mph", "kmph", "kph", "usd", "USD",
}  # fmt: skip


def is_known_unit(word: str) -> bool:
    r"""Whether a bare word (not wrapped in `\text`) is a unit even where letters may be variables: `cm`, not `cd`."""
    name = word.lower()
    named = name in NAMES or (name.endswith("s") and name[:-1] in NAMES)
    return len(word) > 1 and (word in _EVERYDAY or name in _EVERYDAY or (named and len(word) > 2))


_ALONE = frozenset("msghlLNWVAKCFTJ")
"""Letters that are read as a unit where one letter alone stands after a number; others are variables first."""

_STRICT = re.compile(r"(?:[A-Za-zμΩÅ]+|\\mu\s*[A-Za-z]+|\\Omega)(?:\s*\^\s*(?:\{\s*-?[0-9]\s*\}|-?[0-9]))?")
_BETWEEN = re.compile(r"\s*(?:/|\\cdot(?![A-Za-z])|\*|\.|\(|\)|\s)\s*")


def symbols_of_unit(text: str) -> list[str] | None:
    r"""Return the symbols of text that is a product or quotient of unit symbols and nothing else, else None.

    >>> symbols_of_unit("kg m/s^2"), symbols_of_unit("J/(mol K)"), symbols_of_unit("2x")
    (['kg', 'm', 's'], ['J', 'mol', 'K'], None)
    """
    at, symbols = 0, []
    while at < len(text):
        match = _STRICT.match(text, at)
        if match is not None:
            symbol = re.split(r"\s*\^", match[0])[0].replace(" ", "")
            if SYMBOLS.get(symbol) is None or (len(symbol) == 1 and symbol not in _ALONE):
                return None
            symbols.append(symbol)
        else:
            match = _BETWEEN.match(text, at)
            if match is None or not match[0]:
                return None
        at = match.end()
    return symbols or None
