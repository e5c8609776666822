"""One value against another: exact number, exact form, numbers at sample points, algebra - in that order."""

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from cotfactory.graders.math.asked_for import asked_of, log_is_natural, names_in
from cotfactory.graders.math.evaluation import compare_values, real_value
from cotfactory.graders.math.exact_forms import difference, exact_form, is_decisive
from cotfactory.graders.math.expressions import TooLarge, Tree, Unreadable, parse_expression, symbols
from cotfactory.graders.math.numbers import (
    NOTHING_ASKED,
    Quantity,
    Tolerance,
    exact_number,
    is_float_noise,
    quantity,
    same_quantity,
    split_unit,
    within,
)
from cotfactory.graders.math.polynomials import NoForm
from cotfactory.graders.math.units import Unit, read_unit, symbols_of_unit, units_conflict
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
    question: str = ""
    tolerance: Tolerance | None = None
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


_INFINITE = ("\\infty", "-\\infty")
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
        plain = expected.percent == given.percent and expected.unit is None and given.unit is None
        if same_quantity(expected, given, NOTHING_ASKED if plain else asked_of(comparison.question)):
            return ValueFinding("equal", _kind(expected))
        noise = not comparison.tolerance and is_float_noise(split_unit(reference)[0], split_unit(answer)[0])
        if noise and expected.percent == given.percent and not _conflict(expected.unit, given.unit):
            return ValueFinding("equal", "float_noise")
        return ValueFinding("different", _kind(expected))
    ends = [_squeezed(text) in _INFINITE for text in (reference, answer)]
    if all(ends) or (any(ends) and (expected is not None or given is not None)):
        return ValueFinding("different", "infinity")
    return _same_expression(reference, answer, comparison)


def _conflict(one: Unit | None, two: Unit | None) -> bool:
    return one is not None and two is not None and units_conflict(one, two)


_SYMBOL_TAIL = re.compile(r"(.*[0-9)}])\s*((?:[A-Za-zμΩÅ]|\\mu|\\Omega)[A-Za-zμΩÅ\\ ^{}0-9/().*-]*)\Z")
_BRACED_POWER = re.compile(r"\^\{(-?[0-9])\}")
_VARIABLES_FIRST = re.compile(r"[a-z]{1,3}\Z")


def beside_symbol(text: str, question: str, is_reference: bool) -> str | None:
    r"""Return a number with unit symbols right after it (`50 Hz`, `7.6 m/s`, `12 J`) as a number with `\text{...}`.

    None where the letters may be variables: the question uses one of them as a name, or a reference has only small
    ones. Used only beside another number.
    """
    match = _SYMBOL_TAIL.match(_BRACED_POWER.sub(r"^\1", text))
    if match is None or exact_number(match[1]) is None:
        return None
    symbols = symbols_of_unit(match[2].strip())
    if symbols is None or any(set(symbol) <= names_in(question) for symbol in symbols):
        return None
    if is_reference and all(_VARIABLES_FIRST.match(symbol) for symbol in symbols) and "/" not in match[2]:
        return None
    return f"{match[1]} \\text{{{match[2].strip()}}}"


def within_tolerance(reference: str, answer: str, comparison: Comparison) -> bool:
    """Whether two cleaned texts are numbers, and no further apart than the problem declares.

    A number is a quantity, or an expression without symbols such as `\\sqrt{2}`, taken to 50 digits.
    """
    if comparison.tolerance is None:
        return False
    expected, given = _measured(reference), _measured(answer)
    return (
        expected is not None
        and given is not None
        and within(expected, given, comparison.tolerance, asked_of(comparison.question))
    )


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


_CONSTANT = r"(C|c|K|k|C_\{?1\}?|\\text\{\s*(?:C|const(?:ant)?\.?)\s*\}|const(?:ant)?)"
_CONSTANT_LAST = re.compile(rf"(.*\S)\s*\+\s*{_CONSTANT}\s*\Z", re.DOTALL)
_CONSTANT_FIRST = re.compile(rf"{_CONSTANT}\s*([+-].*)\Z", re.DOTALL)


def _without_constant(text: str) -> tuple[str, str] | None:
    """Return an antiderivative without its constant of integration, and the constant; None where there is none."""
    if match := _CONSTANT_LAST.match(text):
        rest, constant = match[1], match[2]
    elif match := _CONSTANT_FIRST.match(text):
        rest, constant = match[2], match[1]
    else:
        return None
    alone = len(constant) > 1 or not re.search(rf"(?<![A-Za-z\\]){constant}(?![A-Za-z])", rest)
    return (rest.removeprefix("+").strip(), constant) if alone else None


def _is_constant(left: str, right: str) -> bool:
    """Whether one of two names, C or a word, is surely a constant of integration: `b + c`, `b + k` are two sums."""
    return not {left, right} <= {"c", "k", "K"}


def _same_expression(reference: str, answer: str, comparison: Comparison) -> ValueFinding:
    if "+" in reference and "+" in answer:
        expected, given = _without_constant(reference), _without_constant(answer)
        if expected and given and expected[1] != given[1] and _is_constant(expected[1], given[1]):
            return same_value(expected[0], given[0], comparison)
    left, left_percent, left_unit = split_unit(reference)
    right, right_percent, right_unit = split_unit(answer)
    pi = "\\pi" in left + right
    if pi and _in_degrees(left_unit) != _in_degrees(right_unit) and _angles_only(left_unit, right_unit):
        left, right = (
            f"({text})^\\circ" if _in_degrees(unit) else text for text, unit in ((left, left_unit), (right, right_unit))
        )
    elif _conflict(left_unit, right_unit):
        return ValueFinding("different", "unit")
    if left_percent != right_percent:
        return _percent_of_one(left, right, comparison)
    if _squeezed(left) == _squeezed(right):
        return _EQUAL_TEXT
    left, right = _with_one_unit(left, right, comparison.question)
    try:
        readings = [(_read(left, tight, comparison), _read(right, tight, comparison)) for tight in (False, True)]
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


_I, _J = re.compile(r"(?<![\\A-Za-z])i(?![A-Za-z])"), re.compile(r"(?<![\\A-Za-z])j(?![A-Za-z])")


def _with_one_unit(left: str, right: str, question: str) -> tuple[str, str]:
    """Write j as i where one side has i and the other j: engineers' letter for the imaginary unit."""
    if _J.search(left + " " + right) is None or _J.search(question):
        return left, right
    if _J.search(right) and _I.search(left) and not _J.search(left) and not _I.search(right):
        return left, _J.sub("i", right)
    if _J.search(left) and _I.search(right) and not _J.search(right) and not _I.search(left):
        return _J.sub("i", left), right
    return left, right


_RADIANS = (("radian", 1),)


def _angles_only(one: Unit | None, two: Unit | None) -> bool:
    """Whether beside degrees there is no unit, or radians."""
    others = [unit for unit in (one, two) if unit is not None and not _in_degrees(unit)]
    return all(unit.dimensions == _RADIANS for unit in others)


def _percent_of_one(left: str, right: str, comparison: Comparison) -> ValueFinding:
    """A percentage against an expression: different, unless it has the number's value or a hundredth of it."""
    try:
        left_tree, right_tree = _read(left, False, comparison), _read(right, False, comparison)
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


def _read(text: str, tight: bool, comparison: Comparison) -> Tree:
    tree = parse_expression(text, tight)[0]
    if "log" in text or "lg" in text:
        return _with_base(tree, log_is_natural(comparison.question))
    return tree


def _with_base(tree: Tree, natural: bool) -> Tree:
    """Spell logarithms without a base as natural ones, or as those to base ten."""
    children = tuple(_with_base(child, natural) if isinstance(child, tuple) else child for child in tree)
    if children[:2] != ("fn", "log") or len(children) != 3:
        return children
    logarithm: Tree = ("fn", "ln", children[2])
    return logarithm if natural else ("div", logarithm, ("fn", "ln", ("num", Fraction(10))))


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
    if numbers == "domain":
        # ln|x| has a value where ln x has none: who writes the bars means them.
        wider = _has_bars(left) and not _has_bars(right)
        return ValueFinding("different", "domain") if wider else ValueFinding("undecided", "domain")
    if numbers == "unknown":
        return _opaque(left, right)
    said = comparison.ask("trees", _to_json(left), _to_json(right))
    return ValueFinding("equal", "symbolic") if said == "equal" else ValueFinding("undecided", said)


def _opaque(left: Tree, right: Tree) -> ValueFinding:
    """No number could be computed: values of an unnamed function at different symbols still differ."""
    if _applied(left) and _applied(right) and symbols(left) != symbols(right):
        return ValueFinding("different", "symbols")
    return ValueFinding("undecided", "no_sample_points")


def _has_bars(tree: Tree) -> bool:
    return tree[:2] == ("fn", "abs") or any(_has_bars(child) for child in tree[1:] if isinstance(child, tuple))


def _applied(tree: Tree) -> bool:
    return bool(tree[0] == "fn" and tree[1].startswith("apply_"))


def _to_json(tree: Tree) -> object:
    if tree[0] == "num":
        return ["num", str(tree[1].numerator), str(tree[1].denominator)]
    return [tree[0], *(_to_json(child) if isinstance(child, tuple) else child for child in tree[1:])]


def _unreadable(left: str, right: str, comparison: Comparison) -> ValueFinding:
    if (has_prose(right) or "\\text" in right) and not (has_prose(left) or "\\text" in left):
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
