"""Text answers by words: a match, after folding, with one of the accepted forms.

Letters are compared without case, articles and the marks a sentence puts around them; marks that carry meaning count:
`[0, 1)` is not `(0, 1]`, `.5` is not `5`, `foo()` is not `foo`, `) >` is not `) ) >`.
"""

import re
import unicodedata
from collections.abc import Sequence

from cotfactory.graders.math.expression_answers import ValueFinding
from cotfactory.graders.math.latex import plain_words
from cotfactory.graders.math.number_words import number_words
from cotfactory.graders.math.units import read_unit

MAX_STATED_WORDS = 12
"""A longer statement is a sentence about the answer, and no rule here judges sentences."""

MAX_WRAPPERS = 1_000
"""Each layer of marks is shorter than the one around it; no text has so many that means anything."""

_SIGNS = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "−": "-", "–": "-", "‐": "-", "‑": "-"})
_ARROWS = (
    ("→", " -> "), ("⟶", " -> "), ("⇒", " => "), ("←", " <- "), ("\\to ", " -> "), ("\\rightarrow", " -> "),
    ("≤", " <= "), ("≥", " >= "), ("≠", " != "), ("\\leq", " <= "), ("\\geq", " >= "), ("\\neq", " != "),
)  # fmt: skip
_ARTICLE = re.compile(r"^(?:the|a|an)\s+(?=\S)")
_SENTENCE_MARK = re.compile(r"(?<=[^\W_])[.,;:!?]+\Z|(?<=[)\]}>\"'`*])[.,;!]+\Z|(?<=\s)[.,;:!?]\Z")
_WRAPPED = re.compile(
    r"\A(?:\"(?P<double>[^\"]+)\"|'(?P<single>[^']+)'|`(?P<code>[^`]+)`"
    r"|\*{1,2}(?P<bold>[^*]+)\*{1,2}|__(?P<under>[^_]+)__)\Z"
)
_BRACKETED = re.compile(r"\A(?:\(([^()]*)\)|\[([^\[\]]*)\]|\{([^{}]*)\})\Z")
_WORD = re.compile(r"[^\W\d_]{2}")
_ABBREVIATION = re.compile(r"(?<!\w)(?:[^\W\d_]\.){2,}(?:[^\W\d_](?!\w))?")
_INITIALS = re.compile(r"(?<![\w.])(?:[A-Z]\.)+[A-Z](?!\w)\.?")
"""Capitals with points between them: `U.K.`, `J.K. Rowling`."""
_MARK = re.compile(r"[()\[\]{}<>|\\/^_*=+~@#\"`]|\A[-.&']|[-']\Z|\A[^\w\s]+\Z")
_PROSE = re.compile(r"[^\W\d_]{3,}\S*\s(?:.*\s)?\S*[^\W\d_]{3,}")


def normalise(text: str) -> str:
    """Return `text` folded for comparison: case, spaces, articles, and the marks that a sentence puts around it.

    >>> normalise("  The *Friday*. "), normalise("[0, 1).")
    ('friday', '[0, 1)')
    """
    text = _folded(text)
    for _ in range(MAX_WRAPPERS):
        shorter = _joined(_unwrapped(text if text.isascii() else _folded(text)))
        if shorter == text:
            break
        text = shorter
    return text


def _unwrapped(text: str) -> str:
    """Take one layer off: a sentence's mark, quotation marks, brackets around a word, an article."""
    shorter = _SENTENCE_MARK.sub("", text.strip())
    if wrapped := _WRAPPED.match(shorter):
        shorter = next(inside for inside in wrapped.groups() if inside is not None)
    bracketed = _BRACKETED.match(shorter)
    if bracketed and _WORD.search(inside := next(inside for inside in bracketed.groups() if inside is not None)):
        shorter = inside
    return _ARTICLE.sub("", shorter.strip())


def _folded(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_SIGNS)
        text = "".join(character for character in text if unicodedata.category(character) != "Cf")
    for arrow, spelled in _ARROWS:
        if arrow in text:
            text = text.replace(arrow, spelled)
    text = plain_words(text.replace("\\textbf{", "\\text{").replace("\\mbox{", "\\text{").replace("$", ""))
    return " ".join(_INITIALS.sub(lambda match: match[0].replace(".", ""), text).casefold().split())


def _joined(text: str) -> str:
    """Spell what joins words in one way: "Tom & Jerry", "red, green", "U.S.A."."""
    if " & " in text:
        text = text.replace(" & ", " and ")
    if "." in text:
        text = _ABBREVIATION.sub(lambda match: match[0].replace(".", ""), text)
    if ", " in text and not _MARK.search(text):
        text = " ".join(text.replace(", ", " ").split())
    return text


_BOOLEANS = {"yes": True, "true": True, "no": False, "false": False}
_ANSWERED = re.compile(r"(yes|no|true|false)\s*[,.;:–—-](?!.*\b(?:yes|no|true|false|but|or|not sure|maybe|however)\b)")
_NUMBER = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.[0-9]+)?\Z")
_QUANTITY = re.compile(r"(-?[0-9][0-9.,]*)\s*([a-z][a-z /^0-9]*)\Z")


def is_same_text(reference: str, stated: str) -> bool:
    """Whether a stated text means a reference, both normalised: the same, or another word for the same value."""
    if reference == stated:
        return True
    if reference in _BOOLEANS:
        return _BOOLEANS.get(stated) is _BOOLEANS[reference]
    if _NUMBER.match(reference) and _NUMBER.match(stated):
        return _plain_number(reference) == _plain_number(stated)
    if reference[:1].isdigit() != stated[:1].isdigit():
        words, digits = (stated, reference) if reference[:1].isdigit() else (reference, stated)
        value = number_words(words) if words[-1:].isalpha() else None
        return value is not None and digits == str(value)
    ours, theirs = _QUANTITY.match(reference), _QUANTITY.match(stated)
    if ours is None or theirs is None or ours[1] != theirs[1]:
        return False
    units = read_unit(ours[2]), read_unit(theirs[2])
    return (
        bool(units[0].dimensions) and units[0].dimensions == units[1].dimensions and units[0].factor == units[1].factor
    )


def _plain_number(text: str) -> str:
    """Return a number without what groups its digits and with a digit before the point: 1,000 is 1000, .5 is 0.5."""
    digits = text.replace(",", "")
    return digits.replace(".", "0.", 1) if digits.lstrip("-").startswith(".") else digits


def compare_words(accepted: Sequence[str], answer: str) -> ValueFinding:
    """Compare a stated answer with every accepted form.

    Equal to one is `equal`. It is `different` only where that can be decided: the statement is short, and neither
    holds all the words of the other (so that "Friday, the 13th" beside "Friday" is left `undecided`), unless the
    reference is no prose and its marks are what differs.
    """
    lines = [given for given in accepted if normalise(given)]
    stated = normalise(answer)
    if (answered := _ANSWERED.match(_folded(answer))) and any(normalise(line) in _BOOLEANS for line in lines):
        stated = answered[1]  # "yes, there are"
    for line in lines:
        if is_same_text(normalise(line), stated) and (not _is_quoted(line) or _is_quoted(answer)):
            return ValueFinding("equal", "text")
    if not lines or not stated or len(stated.split()) > MAX_STATED_WORDS:
        return ValueFinding("undecided", "not_decidable")
    forms = [_folded(line) for line in lines]
    if re.search(r"\bor\b", stated) and not any(re.search(r"\bor\b", form) for form in forms):
        return ValueFinding("several", "alternatives")
    held = set(re.findall(r"[^\W_]+", stated))
    for form in forms:
        wanted = set(re.findall(r"[^\W_]+", form))
        symbolic = _MARK.search(form) is not None and not _PROSE.search(form)
        if not symbolic and wanted and held and (wanted <= held or held <= wanted):
            return ValueFinding("undecided", "words_overlap")
    return ValueFinding("different", "text")


def _is_quoted(text: str) -> bool:
    """Whether quotation marks are part of a text: `"a"`."""
    return _folded(text).rstrip(".").startswith('"')
