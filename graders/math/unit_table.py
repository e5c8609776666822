r"""The table of units: SI with its prefixes, what is used beside it, customary units, information, currencies.

Factors are exact. Sources: BIPM, The International System of Units, 9th edition (2019, constants included); NIST
Special Publication 811, Appendix B (customary units); IEC 80000-13 (bits, bytes, binary prefixes).
"""

from fractions import Fraction

Dimensions = tuple[tuple[str, int], ...]
Scale = tuple[Dimensions, Fraction]
"""What a unit measures, as base quantity -> power, and the exact factor to SI base units."""

_SI = """
m|meter metre|1|length
g|gram gramme gm|1/1000|mass
s|second sec|1|time
A|ampere amp|1|current
K|kelvin|1|temperature
mol|mole|1|amount
cd|candela|1|luminosity
Hz|hertz|1|time-1
N|newton|1|length mass time-2
Pa|pascal|1|length-1 mass time-2
J|joule|1|length2 mass time-2
W|watt|1|length2 mass time-3
C|coulomb|1|current time
V|volt|1|length2 mass time-3 current-1
F|farad|1|length-2 mass-1 time4 current2
\\Omega Ω|ohm|1|length2 mass time-3 current-2
S|siemens|1|length-2 mass-1 time3 current2
Wb|weber|1|length2 mass time-2 current-1
T|tesla|1|mass time-2 current-1
H|henry henries|1|length2 mass time-2 current-2
lm|lumen|1|luminosity
lx|lux|1|luminosity length-2
Bq|becquerel|1|time-1
Gy|gray|1|length2 time-2
Sv|sievert|1|length2 time-2
L l|liter litre|1/1000|length3
eV|electronvolt|1602176634/10000000000000000000000000000|length2 mass time-2
Da u|dalton amu|1/602214076000000000000000000|mass
bar|bar|100000|length-1 mass time-2
B|byte|8|information
bit|bit|1|information
cal|calorie|4184/1000|length2 mass time-2
Wh|watthour watt-hour|3600|length2 mass time-2
pc|parsec|30856775814913673|length
"""
"""Symbols | names | factor | dimensions of the units that take SI prefixes."""

_PLAIN = """
min|minute|60|time
h hr|hour|3600|time
d|day|86400|time
wk|week|604800|time
mo|month|31557600/12|time
yr|year annum|31557600|time
ha|hectare|10000|length2
t|tonne|1000|mass
Å|angstrom|1/10000000000|length
|micron|1/1000000|length
atm|atmosphere|101325|length-1 mass time-2
mmHg|torr|101325/760|length-1 mass time-2
in|inch inches|254/10000|length
ft|foot feet|3048/10000|length
yd|yard|9144/10000|length
mi|mile|1609344/1000|length
nmi|nauticalmile|1852|length
ly|lightyear light-year|9460730472580800|length
AU||149597870700|length
acre|acre|316160658/78125|length2
lb lbs|pound|45359237/100000000|mass
oz|ounce|45359237/1600000000|mass
ton|ton|45359237/50000|mass
lbf||45359237/100000000*980665/100000|length mass time-2
psi||6894757293168/1000000000|length-1 mass time-2
hp|horsepower|745699872/1000000|length2 mass time-3
BTU Btu||1055056/1000|length2 mass time-2
gal|gallon|3785411784/1000000000000|length3
qt|quart|3785411784/4000000000000|length3
pt|pint|3785411784/8000000000000|length3
|cup|3785411784/16000000000000|length3
tbsp|tablespoon|3785411784/256000000000000|length3
tsp|teaspoon|3785411784/768000000000000|length3
mph||1609344/3600000|length time-1
kph kmph kmh||1000/3600|length time-1
knot kn|knot|1852/3600|length time-1
rpm||1/60|turn time-1
bpm||1/60|beat time-1
|beat|1|beat
rev|revolution turn|1|turn
dB|decibel|1|level
deg ^\\circ °|degree|1|angle
arcmin|arcminute|1/60|angle
arcsec|arcsecond|1/3600|angle
rad|radian|1|radian
sr|steradian|1|solid_angle
\\dollar USD|dollar usd buck|1|dollar
¢|cent|1/100|dollar
€ EUR|euro eur|1|euro
£ GBP|gbp sterling quid|1|pound_sterling
¢p|pence penny|1/100|pound_sterling
¥ CNY RMB|yuan rmb renminbi|1|yuan
JPY|yen|1|yen
Rs Rs. INR ₹|rupee|1|rupee
₩ KRW|won|1|won
CHF|franc|1|franc
|peso|1|peso
₽ RUB|ruble rouble|1|ruble
"""
"""The same for units that take none."""

_PREFIXES = {
    "Y": (24, "yotta"), "Z": (21, "zetta"), "E": (18, "exa"), "P": (15, "peta"), "T": (12, "tera"), "G": (9, "giga"),
    "M": (6, "mega"), "k": (3, "kilo"), "h": (2, "hecto"), "da": (1, "deca"), "d": (-1, "deci"), "c": (-2, "centi"),
    "m": (-3, "milli"), "μ": (-6, "micro"), "\\mu": (-6, ""), "u": (-6, ""), "n": (-9, "nano"), "p": (-12, "pico"),
    "f": (-15, "femto"), "a": (-18, "atto"), "z": (-21, "zepto"), "y": (-24, "yocto"),
}  # fmt: skip
_BINARY = {"Ki": (10, "kibi"), "Mi": (20, "mebi"), "Gi": (30, "gibi"), "Ti": (40, "tebi"), "Pi": (50, "pebi")}
_NO_SMALL = ("B", "bit")
"""No part of a byte has a prefix, and K is written for k there."""

_CASUAL = {
    "KG": "kg",
    "Kg": "kg",
    "KM": "km",
    "Km": "km",
    "CM": "cm",
    "Cm": "cm",
    "ML": "mL",
    "cc": "cm3",
    "sqft": "ft2",
}


def _dimensions(text: str) -> Dimensions:
    found = []
    for word in text.split():
        name = word.rstrip("-0123456789")
        found.append((name, int(word[len(name) :] or 1)))
    return tuple(sorted(found))


def _rows(table: str) -> list[tuple[list[str], list[str], Scale]]:
    rows = []
    for line in table.strip().splitlines():
        symbols, names, factor, dimensions = line.split("|")
        scale = Fraction(1)
        for part in factor.split("*"):
            scale *= Fraction(part)
        rows.append((symbols.split(), names.split(), (_dimensions(dimensions), scale)))
    return rows


def _tables() -> tuple[dict[str, Scale], dict[str, Scale]]:
    symbols: dict[str, Scale] = {}
    names: dict[str, Scale] = {}
    for written, spelled, (dimensions, factor) in _rows(_SI):
        for prefix, (power, prefix_name) in _PREFIXES.items():
            if written[0] in _NO_SMALL and power < 3:
                continue
            scale = (dimensions, factor * Fraction(10) ** power)
            symbols.update({prefix + symbol: scale for symbol in written})
            if written[0] in _NO_SMALL and prefix == "k":
                symbols.update({"K" + symbol: scale for symbol in written})
            if prefix_name:
                names.update({prefix_name + name: scale for name in spelled})
        if written[0] in _NO_SMALL:
            for prefix, (power, prefix_name) in _BINARY.items():
                scale = (dimensions, factor * 2**power)
                symbols.update({prefix + symbol: scale for symbol in written})
                names.update({prefix_name + name: scale for name in spelled})
    for written, spelled, scale in _rows(_SI) + _rows(_PLAIN):
        symbols.update(dict.fromkeys(written, scale))  # a plain unit before a prefixed one: min, cd, ft, Pa, T
        names.update(dict.fromkeys(spelled, scale))
    names["kilo"] = names["kilogram"]
    names["celsius"] = names["centigrade"] = ((("celsius", 1),), Fraction(1))
    names["fahrenheit"] = ((("fahrenheit", 1),), Fraction(1))
    symbols["cm3"], symbols["ft2"] = (
        ((("length", 3),), Fraction(1, 10**6)),
        ((("length", 2),), Fraction(3048, 10_000) ** 2),
    )
    symbols.update({casual: symbols[meant] for casual, meant in _CASUAL.items()})
    return symbols, names


SYMBOLS, NAMES = _tables()
"""Symbol -> scale, in its case (mW is not MW); name in lower case and singular -> scale."""


def _one_reading() -> dict[str, Scale]:
    """Symbols in lower case that mean one scale in whatever case: `khz`, but not `mw`."""
    readings: dict[str, set[Scale]] = {}
    for symbol, scale in SYMBOLS.items():
        readings.setdefault(symbol.lower(), set()).add(scale)
    return {symbol: scales.pop() for symbol, scales in readings.items() if len(scales) == 1 and len(symbol) > 1}


ANY_CASE = _one_reading()
