"""One value against another: exact number, exact form, numbers at sample points, algebra - in that order."""

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from cotfactory.graders.math.evaluation import compare_values, real_value
from cotfactory.graders.math.exact_forms import difference, exact_form, is_decisive
from cotfactory.graders.math.expressions import TooLarge, Tree, Unreadable, parse_expression, symbols
from cotfactory.graders.math.numbers import Quantity, quantity, same_quantity, split_unit, within
from cotfactory.graders.math.polynomials import NoForm
from cotfactory.graders.math.units import Unit, read_unit, units_conflict
from cotfactory.graders.worker_pool import Algebra

UNSERVED = "unserved"
"""The reason where a comparison got no algebra worker in time: a fact about us, worth another try."""

MAX_ALGEBRA_CALLS = 6
"""Symbolic comparisons of one answer; after one time-out there are no more."""


@dataclass(frozen=True)
class ValueFinding:
    """What a comparison found and how.

    `several` is an answer that offers alternatives, `no_value` words where a value is asked, `undecided` what no
    rule could settle (`how` then names why: `unreadable`, `too_large`, `timeout`, ...).
    """

    result: Literal["equal", "different", "undecided", "several", "no_value"]
    how: str


@dataclass
class Comparison:
    """One running comparison: the algebra workers, what the problem declares, and how often they were asked."""

    algebra: Algebra | None
    asks_percent: bool = False
    question: str = ""
    tolerance: Fraction | None = None
    calls: int = field(default=0, init=False)

    def ask(self, kind: str, left: object, right: object) -> str:
        """Return what a worker says ("equal", "different", "undecided") or why it says nothing."""
        if self.algebra is None or self.calls >= MAX_ALGEBRA_CALLS:
            return "no_algebra"
        self.calls += 1
        reply = self.algebra.run(kind, left, right)  # type: ignore[arg-type]
        if reply.status == "done":
            return str(reply.value)
        if reply.status in ("timeout", "died", "unserved"):
            self.calls = MAX_ALGEBRA_CALLS
            return UNSERVED if reply.status == "unserved" else "timeout"
        return "unreadable"


_EQUAL_TEXT = ValueFinding("equal", "identical")
_PROSE = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{4,}")
_COMMAND = re.compile(r"\\[A-Za-z]+\*?")


def same_value(reference: str, answer: str, comparison: Comparison) -> ValueFinding:
    """Compare two cleaned texts that are one value each.

    Equal exact forms, and everything that algebra calls equal, must also agree numerically; where the two
    findings disagree the result is `undecided`.
    """
    if _squeezed(reference) == _squeezed(answer):
        return _EQUAL_TEXT
    expected, given = quantity(reference), quantity(answer)
    if expected is not None and given is not None:
        equal = same_quantity(expected, given, comparison.asks_percent)
        return ValueFinding("equal" if equal else "different", _kind(expected))
    return _same_expression(reference, answer, comparison)


def within_tolerance(reference: str, answer: str, comparison: Comparison) -> bool:
    """Whether two cleaned texts are numbers, and no further apart than the problem declares.

    A number is a quantity, or an expression without symbols such as `\\sqrt{2}`, taken to 50 digits.
    """
    if comparison.tolerance is None:
        return False
    expected, given = _measured(reference), _measured(answer)
    return expected is not None and given is not None and within(expected, given, comparison.tolerance)


def _measured(text: str) -> Quantity | None:
    known = quantity(text)
    if known is not None:
        return known
    body, percent, unit = split_unit(text)
    try:
        value = real_value(parse_expression(body)[0])
    except Unreadable:
        return None
    return None if value is None else Quantity(value, percent, unit)


def _squeezed(text: str) -> str:
    return text.replace(" ", "").removeprefix("+").rstrip(".")


def _kind(value: Quantity) -> str:
    if value.percent:
        return "percent"
    if value.unit is not None and value.unit.dimensions:
        return "quantity"
    return "integer" if value.value.denominator == 1 else "rational"


def _same_expression(reference: str, answer: str, comparison: Comparison) -> ValueFinding:
    left, left_percent, left_unit = split_unit(reference)
    right, right_percent, right_unit = split_unit(answer)
    if left_unit and right_unit and units_conflict(left_unit, right_unit):
        return ValueFinding("different", "unit")
    if _in_degrees(left_unit) != _in_degrees(right_unit) and "\\pi" in left + right and not (left_unit and right_unit):
        left, right = (
            f"({text})^\\circ" if _in_degrees(unit) else text for text, unit in ((left, left_unit), (right, right_unit))
        )
    if left_percent != right_percent:
        return _percent_of_one(left, right, comparison)
    if _squeezed(left) == _squeezed(right):
        return _EQUAL_TEXT
    try:
        readings = [(_read(left, tight), _read(right, tight)) for tight in (False, True)]
    except TooLarge as error:
        return ValueFinding("undecided", f"too_large ({error})")
    except Unreadable:
        return _unreadable(left, right, comparison)
    found = _same_trees(*readings[0], comparison)
    if readings[1] != readings[0] and _same_trees(*readings[1], comparison).result != found.result:
        return ValueFinding("undecided", "ambiguous_slash")
    return found


def _in_degrees(unit: Unit | None) -> bool:
    """Whether a unit is degrees of angle: beside an answer in pi without a unit, 90 of them are pi / 2."""
    return unit is not None and unit == read_unit("^\\circ")


def _percent_of_one(left: str, right: str, comparison: Comparison) -> ValueFinding:
    """A percentage against an expression: different, unless it has the number's value or a hundredth of it."""
    try:
        left_tree, right_tree = _read(left, False), _read(right, False)
    except Unreadable:
        return ValueFinding("undecided", "percent")
    hundred: Tree = ("num", Fraction(100))
    pairs = [
        (left_tree, right_tree),
        (("div", left_tree, hundred), right_tree),
        (left_tree, ("div", right_tree, hundred)),
    ]
    found = {_same_trees(*pair, comparison).result for pair in pairs}
    return ValueFinding("different" if found == {"different"} else "undecided", "percent")


def _read(text: str, tight: bool) -> Tree:
    return parse_expression(text, tight)[0]


def _same_trees(left: Tree, right: Tree, comparison: Comparison) -> ValueFinding:
    if left == right:
        return ValueFinding("equal", "identical")
    how = "exact_form"
    try:
        gap = difference(exact_form(left), exact_form(right))
        if gap and is_decisive(gap):
            return ValueFinding("different", how)
        equal = not gap
    except NoForm:
        equal = False
    numbers = compare_values(left, right)
    if numbers == "different":
        return (
            ValueFinding("undecided", "form_and_numbers_disagree")
            if equal
            else ValueFinding("different", "sample_points")
        )
    if equal:
        return ValueFinding("equal", how)
    if numbers == "unknown":
        return _opaque(left, right)
    said = comparison.ask("trees", _to_json(left), _to_json(right))
    return ValueFinding("equal", "symbolic") if said == "equal" else ValueFinding("undecided", said)


def _opaque(left: Tree, right: Tree) -> ValueFinding:
    """No number could be computed: values of an unnamed function at different symbols still differ."""
    if _applied(left) and _applied(right) and symbols(left) != symbols(right):
        return ValueFinding("different", "symbols")
    return ValueFinding("undecided", "no_sample_points")


def _applied(tree: Tree) -> bool:
    return bool(tree[0] == "fn" and tree[1].startswith("apply_"))


def _to_json(tree: Tree) -> object:
    if tree[0] == "num":
        return ["num", str(tree[1].numerator), str(tree[1].denominator)]
    return [tree[0], *(_to_json(child) if isinstance(child, tuple) else child for child in tree[1:])]


def _unreadable(left: str, right: str, comparison: Comparison) -> ValueFinding:
    if has_prose(right) and not has_prose(left):
        return ValueFinding("no_value", "words")
    if has_prose(left) or "\\" not in left + right:
        return ValueFinding("undecided", "unreadable")
    said = comparison.ask("latex", left, right)
    if said in ("equal", "different"):
        return ValueFinding("equal" if said == "equal" else "different", "symbolic")
    return ValueFinding("undecided", "unreadable" if said == "undecided" else said)


def has_prose(text: str) -> bool:
    """Whether cleaned text holds ordinary words: runs of four letters and more that are no command."""
    return _PROSE.search(_COMMAND.sub(" ", text.replace("\\text", " "))) is not None
