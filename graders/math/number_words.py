"""Numbers in words: `four`, `twenty-one`, `3 million`, `three halves`, `one and a half`."""

from fractions import Fraction

from cotfactory.graders.math.decimals import decimal

_ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
_WORD_VALUES = {word: value for value, word in enumerate(_ONES)} | {
    word: 10 * tens for tens, word in enumerate(_TENS) if word
}


def number_words(text: str) -> Fraction | None:
    """Return the value of number words: `four`, `twenty-one`, `3 million`, `two hundred and five`."""
    total, current, seen = Fraction(0), Fraction(0), False
    for word in text.lower().replace("-", " ").split():
        value = _WORD_VALUES.get(word)
        digits = decimal(word) if value is None and word[:1].isdigit() else None
        if value is not None:
            current += value
        elif digits is not None:
            if seen:
                return None
            current += digits
        elif word in SCALES:
            scaled = (current if seen else Fraction(1)) * SCALES[word]
            total, current = (total, scaled) if word == "hundred" else (total + scaled, Fraction(0))
        elif word != "and" or not seen:
            return None
        seen = True
    return total + current if seen else None


_PARTS = {
    "half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9, "tenth": 10, "twelfth": 12, "hundredth": 100, "thousandth": 1000,
}  # fmt: skip


def fraction_words(words: str) -> Fraction | None:
    """Return the value of `three halves`, `two-thirds`, `a quarter`, `half`, `one and a half`; an ordinal is none."""
    if words == "half":
        return Fraction(1, 2)
    if words == "half a dozen":
        return Fraction(6)
    *counted, part = words.replace("-", " ").split()
    parts = _PARTS.get(part) or _PARTS.get(part.removesuffix("s"))
    if parts is None or not counted:
        return None
    whole: Fraction | None = Fraction(0)
    if "and" in counted:
        at = counted.index("and")
        whole, counted = number_words(" ".join(counted[:at])), counted[at + 1 :]
    count = Fraction(1) if counted in (["a"], ["an"], ["one"]) else number_words(" ".join(counted))
    if whole is None or count is None or part.endswith("s") != (count != 1):
        return None
    return whole + count / parts
