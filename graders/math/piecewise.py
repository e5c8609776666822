r"""Functions given by cases, compared as (condition, value): every part of the line has the same value on both sides.

Conditions that are sets of real numbers are worked out, so that branches may come in another order, be split, or end in
"otherwise"; at a single point, such as the 0 that both `x \ge 0` and `x \le 0` may hold, the values there are compared.
Other conditions ("n even") are matched by their words.
"""

import math
import re
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

from cotfactory.graders.math.evaluation import real_value
from cotfactory.graders.math.expression_answers import Comparison, ValueFinding
from cotfactory.graders.math.expressions import Tree, Unreadable, parse_expression
from cotfactory.graders.math.latex import plain_words
from cotfactory.graders.math.real_sets import LINE, Cut, Spans, real_set
from cotfactory.graders.math.structures import OTHERWISE, Shape

COUNTED = "nkmijpqN"
"""Letters that stand for whole numbers: between 1 and 2 they have no value."""

CompareShapes = Callable[[Shape, Shape, Comparison], ValueFinding]

_DIFFERENT = ValueFinding("different", "cases")
_UNDECIDED = ValueFinding("undecided", "cases")
_FILLERS = re.compile(r"\b(?:is|are|an?|the|if|when|for|number|integer)\b")


def compare_cases(reference: Shape, answer: Shape, comparison: Comparison, compare: CompareShapes) -> ValueFinding:
    """Compare two functions given by cases; `compare` compares the values of two branches."""
    sets = [_regions(shape) for shape in (reference, answer)]
    if sets[0] is not None and sets[1] is not None:
        (name, left), (other, right) = sets[0], sets[1]
        if name != other:
            return _UNDECIDED
        return _by_regions(name, (reference, left), (answer, right), comparison, compare)
    return _by_words(reference, answer, comparison, compare)


def _regions(shape: Shape) -> tuple[str, list[Spans]] | None:
    """Return the symbol and the set of every branch's condition, None where one is no set of real numbers."""
    names: set[str] = set()
    sets: list[Spans | None] = []
    for branch in shape.parts:
        condition = branch.parts[1]
        if condition.text == OTHERWISE:
            sets.append(LINE)  # the first branch that holds counts
            continue
        names |= set(re.findall(r"(?<![\\A-Za-z])[A-Za-z](?![A-Za-z])", condition.text))
        found = real_set(condition.text)
        if found is None:
            value = re.fullmatch(r"[A-Za-z]\s*=\s*(.+)", condition.text)
            found = real_set(f"\\{{{value[1]}\\}}") if value else None
        sets.append(found)
    known = [found for found in sets if found is not None]
    # "otherwise" is what the others leave, wherever it stands.
    order = sorted(range(len(known)), key=lambda place: shape.parts[place].parts[1].text == OTHERWISE)
    if len(known) != len(sets) or len(names) != 1 or order != list(range(len(known))):
        return None
    return names.pop(), known


def _by_regions(
    name: str,
    left: tuple[Shape, list[Spans]],
    right: tuple[Shape, list[Spans]],
    comparison: Comparison,
    compare: CompareShapes,
) -> ValueFinding:
    cuts = sorted({cut for _, sets in (left, right) for spans in sets for span in spans for cut in span} | set(LINE[0]))
    found = ValueFinding("equal", "cases")
    for start, end in pairwise(cuts):
        if name in COUNTED and not _holds_whole(start, end):
            continue
        expected, given = (_value_in(shape, sets, start, end) for shape, sets in (left, right))
        if expected is None and given is None:
            continue
        if expected is None or given is None:
            return _DIFFERENT
        same = compare(expected, given, comparison)
        if same.result == "equal" or (start[0] == end[0] and _same_at(name, Fraction(start[0]), expected, given)):
            continue
        if same.result != "undecided":
            return _DIFFERENT
        found = same
    return found


def _holds_whole(start: Cut, end: Cut) -> bool:
    if math.inf in (abs(start[0]), abs(end[0])):
        return True
    first = math.floor(start[0]) + 1 if start[1] or start[0] != math.floor(start[0]) else math.floor(start[0])
    return (Fraction(first), 1) <= (Fraction(end[0]), end[1])


def _value_in(shape: Shape, sets: list[Spans], start: Cut, end: Cut) -> Shape | None:
    for branch, spans in zip(shape.parts, sets, strict=True):
        if any(first <= start and end <= last for first, last in spans):
            return branch.parts[0]
    return None


def _same_at(name: str, point: Fraction, expected: Shape, given: Shape) -> bool:
    try:
        values = [real_value(_put_in(parse_expression(shape.text)[0], name, point)) for shape in (expected, given)]
    except Unreadable:
        return False
    return values[0] is not None and values[1] is not None and abs(values[0] - values[1]) < Fraction(1, 10**30)


def _put_in(tree: Tree, name: str, point: Fraction) -> Tree:
    if tree == ("sym", name):
        return ("num", point) if point >= 0 else ("neg", ("num", -point))
    return tuple(_put_in(child, name, point) if isinstance(child, tuple) else child for child in tree)


def _by_words(reference: Shape, answer: Shape, comparison: Comparison, compare: CompareShapes) -> ValueFinding:
    expected, given = ({_condition(branch): branch.parts[0] for branch in shape.parts} for shape in (reference, answer))
    if len(expected) != len(reference.parts) or set(expected) != set(given):
        return _UNDECIDED
    worst = ValueFinding("equal", "cases")
    for condition, value in expected.items():
        found = compare(value, given[condition], comparison)
        if found.result == "undecided":
            worst = found
        elif found.result != "equal":
            return _DIFFERENT
    return worst


def _condition(branch: Shape) -> str:
    return "".join(_FILLERS.sub(" ", plain_words(branch.parts[1].text).lower()).split())
