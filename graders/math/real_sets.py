r"""Sets of real numbers worked out: unions, intersections, differences, set-builders, "x < 1 or x > 3".

A set is a tuple of spans that neither overlap nor touch, so that equal sets are equal tuples. Ends are exact rationals
or infinite; anything else is left to the comparison part by part.
"""

import math
import re
from fractions import Fraction

from cotfactory.graders.math.numbers import exact_number
from cotfactory.graders.math.resolve_shapes import TURNED, resolve
from cotfactory.graders.math.structures import Shape, read_shape, split_top

Cut = tuple[Fraction | float, int]
"""A place between numbers: just below a value (0) or just above it (1); the floats are the two infinities."""

Spans = tuple[tuple[Cut, Cut], ...]

LINE: Spans = (((-math.inf, 1), (math.inf, 0)),)
MAX_DEPTH = 6
MAX_SPANS = 64

_OPERATIONS = {"\\cup", "\\cap", "\\setminus"}
_OPERATES = re.compile(r"\\(?:cup|cap|setminus|mid)(?![A-Za-z])|\\\{[^|:]*[|:]|\b(?:and|or)\b|\|")
_BUILDER = re.compile(
    r"\\\{\s*([A-Za-z])\s*(?:\\in\s*\\mathbb\s*\{?\s*R\s*\}?)?\s*(?:\\mid|\||:|,)\s*(.+?)\s*\\\}\Z", re.DOTALL
)
_MAGNITUDE = re.compile(r"\|\s*([A-Za-z])\s*\|\Z")


def works_out(text: str) -> bool:
    """Whether cleaned text has anything in it that `real_set` works out beyond a plain list or interval."""
    return _OPERATES.search(text) is not None


def real_set(text: str, depth: int = 0) -> Spans | None:
    r"""Return the set of real numbers that cleaned text denotes, None for anything else.

    >>> real_set(r"(0, 1) \cup [1, 2)") == real_set("(0, 2)"), real_set(r"\{1, 2\} \cap \{2, 3\}") == real_set(r"\{2\}")
    (True, True)
    """
    text = text.strip()
    if depth > MAX_DEPTH:
        return None
    pieces = split_top(text, _OPERATIONS)
    if len(pieces) > 1:
        return _operated(pieces, depth)
    for word in ("or", "and"):
        conditions = split_top(text, {word})
        if len(conditions) > 1:
            return _joined([piece for _, piece in conditions], word, depth)
    if built := _BUILDER.match(text):
        return real_set(built[2], depth + 1) if _only_symbol(built[2], built[1]) else None
    if text.startswith("(") and text.endswith(")") and len(split_top(text)) == 1 and "," not in text:
        return real_set(text[1:-1], depth + 1)
    return _plain(read_shape(text))


def _operated(pieces: list[tuple[str, str]], depth: int) -> Spans | None:
    """Two different operations side by side have no agreed order: None, unless brackets tell it."""
    operations = {operation for operation, _ in pieces[1:]}
    sets = [real_set(piece, depth + 1) for _, piece in pieces]
    if len(operations) > 1 or any(spans is None for spans in sets):
        return None
    total, *others = [spans for spans in sets if spans is not None]
    for other in others:
        if "\\cup" in operations:
            total = _union((*total, *other))
        else:
            total = _intersection(total, other if "\\cap" in operations else _complement(other))
        if len(total) > MAX_SPANS:
            return None
    return total


def _joined(conditions: list[str], word: str, depth: int) -> Spans | None:
    """`x < 1 or x > 3`: conditions on one and the same symbol."""
    names = {tuple(sorted(set(re.findall(r"(?<!\\)\b[A-Za-z]\b", condition)))) for condition in conditions}
    sets = [real_set(condition, depth + 1) for condition in conditions]
    if len(names) != 1 or len(next(iter(names))) != 1 or any(spans is None for spans in sets):
        return None
    total, *others = [spans for spans in sets if spans is not None]
    for other in others:
        total = _union((*total, *other)) if word == "or" else _intersection(total, other)
    return total


def _only_symbol(condition: str, name: str) -> bool:
    return set(re.findall(r"(?<!\\)\b[A-Za-z]\b", condition)) == {name}


def _plain(shape: Shape) -> Spans | None:
    if shape.kind == "inequality" and (between := _within_magnitude(shape)) is not None:
        return between
    shape = resolve(shape)
    if shape.kind == "set":
        points = [exact_number(part.text) for part in shape.parts]
        known = [point for point in points if point is not None]
        return _union(tuple(((point, 0), (point, 1)) for point in known)) if len(known) == len(points) else None
    if shape.kind == "union":
        spans = [_plain(part) for part in shape.parts]
        return _union(tuple(span for piece in spans if piece for span in piece)) if None not in spans else None
    if shape.kind == "tuple" and len(shape.parts) == 2 and shape.marks in ("()", "[]", "(]", "[)"):
        low, high = (_end(part.text) for part in shape.parts)
        if low is None or high is None:
            return None
        start, end = (low, int(shape.marks[0] == "(")), (high, int(shape.marks[1] == "]"))
        return ((start, end),) if start < end else ()
    return None


def _within_magnitude(shape: Shape) -> Spans | None:
    r"""`|x| \le 2` is [-2, 2], `|x| > 2` what lies outside."""
    if len(shape.parts) != 2:
        return None
    (left, right), operator = shape.parts, shape.marks
    if not _MAGNITUDE.match(left.text):
        left, right, operator = right, left, TURNED.get(operator, "")
    bound = exact_number(right.text)
    if not _MAGNITUDE.match(left.text) or bound is None or bound < 0 or operator not in ("<", "<=", ">", ">="):
        return None
    closed = operator in ("<=", ">")  # what `>` leaves out is the closed interval
    start, end = (-bound, 1 - int(closed)), (bound, int(closed))
    inside: Spans = ((start, end),) if start < end else ()
    return inside if operator in ("<", "<=") else _complement(inside)


def _end(text: str) -> Fraction | float | None:
    bare = text.replace(" ", "")
    if bare in ("\\infty", "+\\infty", "infinity", "oo", "inf"):
        return math.inf
    if bare in ("-\\infty", "-infinity", "-oo", "-inf"):
        return -math.inf
    return exact_number(text)


def _union(spans: Spans) -> Spans:
    merged: list[tuple[Cut, Cut]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


def _intersection(left: Spans, right: Spans) -> Spans:
    common = [(max(a, c), min(b, d)) for a, b in left for c, d in right]
    return _union(tuple((start, end) for start, end in common if start < end))


def _complement(spans: Spans) -> Spans:
    left = LINE
    for start, end in spans:
        outside: Spans = (((-math.inf, 1), start), (end, (math.inf, 0)))
        left = _intersection(left, tuple(span for span in outside if span[0] < span[1]))
    return left
