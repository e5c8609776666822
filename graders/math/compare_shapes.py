"""Structured answers against each other: brackets kept, elements compared one by one.

Order matters in tuples and intervals, not in sets and lists of roots. A letter that only names the answer
(`x = 5`) is no part of it. A list against a single value is different, alternatives ("5 or 6") are `several`.

A tolerance that the problem declares holds for each number by itself, in tuples, lists, intervals and matrices too: it
says how exactly numbers are asked for. It never touches the coefficients of an expression or an equation.
"""

import re
from collections.abc import Sequence

from cotfactory.graders.math.asked_for import asks_for_order, asks_for_time, speaks_of_interval
from cotfactory.graders.math.bases import based_number
from cotfactory.graders.math.clock import same_time, time_of_day
from cotfactory.graders.math.compare_words import DIFFERENT_SHAPE, compare_words
from cotfactory.graders.math.expression_answers import Comparison, ValueFinding, has_prose, same_value, within_tolerance
from cotfactory.graders.math.names import are_different, subject
from cotfactory.graders.math.numbers import exact_number, quantity, split_unit
from cotfactory.graders.math.piecewise import compare_cases
from cotfactory.graders.math.polynomials import Form
from cotfactory.graders.math.resolve_shapes import TURNED, form_of, gap_of, has_symbols, resolve
from cotfactory.graders.math.structures import Shape
from cotfactory.graders.math.symbol_names import is_name


def compare(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    """Compare two shapes of any kind."""
    if reference.text.replace(" ", "") == answer.text.replace(" ", "") and _alike(reference, answer):
        # Alternatives stay alternatives even when the reference is written the same way.
        return (
            ValueFinding("equal", "identical")
            if reference.kind != "broken"
            else ValueFinding("undecided", "unreadable")
        )
    if are_different(subject(reference), subject(answer), comparison.question):
        return ValueFinding("different", "name")
    if (timed := _times(reference, answer, comparison)) is not None:
        return timed
    both_equations = reference.kind == answer.kind == "equation"
    written = (reference, answer)
    reference, answer = resolve(reference), resolve(answer)
    if both_equations and _has_sides(*written):
        if "equation" in (reference.kind, answer.kind):
            return _equations(*written, comparison)
        found = compare(reference, answer, comparison)
        return _equations(*written, comparison) if found.result == "different" else found
    if "broken" in (reference.kind, answer.kind):
        return ValueFinding("undecided", "contradiction" if "=" in answer.text else "unreadable")
    pair = (reference.kind, answer.kind)
    if pair == ("value", "value"):
        return _values(reference, answer, comparison)
    if "words" in pair:
        return compare_words(reference, answer)
    if answer.kind == "list" and answer.marks == "or" and reference.kind not in ("list", "set", "union"):
        return _alternatives(reference, answer, comparison)
    rule = {
        ("equation", "equation"): _equations,
        ("inequality", "inequality"): _inequalities,
        ("tuple", "tuple"): _tuples,
        ("union", "union"): _unordered,
        ("matrix", "matrix"): _matrices,
        ("matrix", "tuple"): _vectors,
        ("tuple", "matrix"): _vectors,
        ("ratio", "ratio"): _ratios,
        ("cases", "cases"): _cases,
    }.get(pair)
    if rule is not None:
        return rule(reference, answer, comparison)
    if {*pair} <= {"list", "set"}:
        return _lists(reference, answer, comparison)
    return _mixed(reference, answer, comparison)


def _alike(reference: Shape, answer: Shape) -> bool:
    return reference.kind == answer.kind and not are_different(reference.name or None, answer.name or None)


def _cases(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    return compare_cases(reference, answer, comparison, compare)


def _times(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding | None:
    """Compare times of day, where am or pm or the question says that they are."""
    if ":" not in reference.text + answer.text:
        return None
    expected, given = time_of_day(reference.text), time_of_day(answer.text)
    if expected is None or given is None:
        return None
    if not (expected[1] or given[1] or asks_for_time(comparison.question)):
        return None
    return ValueFinding("equal" if same_time(expected, given) else "different", "clock")


def _has_sides(reference: Shape, answer: Shape) -> bool:
    """Whether both are `left = right` with a symbol somewhere on the right: a line, not an assignment."""
    return len(reference.parts) == len(answer.parts) == 2 and (
        has_symbols(reference.parts[1].text) or has_symbols(answer.parts[1].text)
    )


def _values(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    if within_tolerance(reference.text, answer.text, comparison):
        return ValueFinding("equal", "tolerance")
    found = same_value(reference.text, answer.text, comparison)
    if found.result == "equal":
        return found
    expected, given = based_number(reference.text), based_number(answer.text)
    if expected and given:
        return ValueFinding("equal" if expected == given else "different", "base")
    if expected or given:
        return _base_missing(reference, answer, expected or given or ("", ""), comparison)
    if _decimal_comma(reference.text, 2) == answer.text or _decimal_comma(answer.text, 1) == reference.text:
        return ValueFinding("equal", "decimal_comma")
    return found


def _base_missing(reference: Shape, answer: Shape, based: tuple[str, str], comparison: Comparison) -> ValueFinding:
    """`2401` for `2401_7` is right where the question itself names base 7, as a unit may be left out."""
    digits, base = based
    other = answer.text if based_number(reference.text) else reference.text
    if other.replace(" ", "").lstrip("0").upper() != digits:
        return ValueFinding("different", "base")
    names = re.search(rf"base[ -]*\$?{base}\b|_\{{?{base}\b", comparison.question)
    return ValueFinding("equal", "base") if names else ValueFinding("undecided", "base_missing")


def _decimal_comma(text: str, least: int) -> str | None:
    """`1,22` is 1.22 where the other side has a point; three digits after the comma are thousands.

    A reference `1,2` is the list of 1 and 2: there the comma has to have two digits after it.
    """
    return text.replace(",", ".") if re.fullmatch(rf"-?[0-9]+,[0-9]{{{least},2}}", text) else None


def _alternatives(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    first, *others = answer.parts
    found = compare(reference, first, comparison)
    if found.result == "equal" and all(
        "equal" in (compare(reference, other, comparison).result, compare(first, other, comparison).result)
        for other in others
    ):
        return found  # 1/2 or 50 %; 2.5 hours, or 2 hours and 30 minutes
    return ValueFinding("several", "alternatives")


def _in_order(expected: Sequence[Shape], given: Sequence[Shape], comparison: Comparison, how: str) -> ValueFinding:
    if len(expected) != len(given):
        return ValueFinding("different", how)
    worst = ValueFinding("equal", how)
    for left, right in zip(expected, given, strict=True):
        found = compare(left, right, comparison)
        if found.result != "equal":
            if found.result != "undecided":
                return ValueFinding("different", how)
            worst = found
    return worst


def _unordered(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    how = reference.kind
    if len(reference.parts) != len(answer.parts):
        return ValueFinding("different", how)
    left = list(answer.parts)
    undecided: ValueFinding | None = None
    for part in reference.parts:
        for index, other in enumerate(left):
            found = compare(part, other, comparison)
            if found.result == "equal":
                del left[index]
                break
            if found.result == "undecided":
                undecided = found
        else:
            return undecided or ValueFinding("different", how)
    return ValueFinding("equal", how)


def _lists(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    expected, given = _named(reference), _named(answer)
    if expected and given and set(expected) == set(given):
        names = list(expected)
        return _in_order([expected[name] for name in names], [given[name] for name in names], comparison, "assignments")
    if expected and given and len(expected) == len(given) and all(map(are_different, sorted(expected), sorted(given))):
        return ValueFinding("different", "name")
    left = _bare(_without_repeats(reference, answer.kind))
    right = _bare(_without_repeats(answer, reference.kind))
    if reference.kind == answer.kind == "list" and not expected and not given and asks_for_order(comparison.question):
        return _in_order(left.parts, right.parts, comparison, "order")
    found = _unordered(left, right, comparison)
    if found.result == "equal" and (bool(expected) != bool(given) or _are_counted(reference) != _are_counted(answer)):
        # Values without their names, or what they count, are right in the order of the names only.
        ordered = _in_order(left.parts, right.parts, comparison, "assignments")
        return ordered if ordered.result == "equal" else ValueFinding("undecided", "order_of_names")
    return found


def _are_counted(shape: Shape) -> bool:
    """Whether every part says what it counts: "4 boys and 6 girls"."""
    units = [split_unit(part.text)[2] for part in shape.parts]
    return all(unit is not None and unit.things for unit in units)


def _named(shape: Shape) -> dict[str, Shape]:
    """Return name -> value when every part is `name = value` and no name repeats, else an empty dict."""
    named = {
        part.parts[0].text.replace(" ", ""): part.parts[-1]
        for part in shape.parts
        if part.kind == "equation" and is_name(part.parts[0].text)
    }
    return named if len(named) == len(shape.parts) else {}


def _bare(shape: Shape) -> Shape:
    return Shape(shape.kind, shape.text, tuple(resolve(part) for part in shape.parts), shape.marks)


def _without_repeats(shape: Shape, other: str) -> Shape:
    pairs = all(part.kind == "tuple" for part in shape.parts)
    if "set" not in (shape.kind, other) and not pairs:
        return shape  # a list of roots may name a double root twice
    kept = {part.text.replace(" ", ""): part for part in shape.parts}
    return Shape(shape.kind, shape.text, tuple(kept.values()), shape.marks)


def _tuples(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    if reference.marks != answer.marks and not (
        len(reference.parts) > 2 and {reference.marks, answer.marks} == {"()", "[]"}
    ):
        return ValueFinding("different", "brackets")
    return _in_order(reference.parts, answer.parts, comparison, "tuple")


def _matrices(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    if reference.marks != answer.marks:
        return ValueFinding("different", "matrix")
    return _in_order(reference.parts, answer.parts, comparison, "matrix")


def _vectors(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    """A column or row is the tuple of its entries."""
    matrix, pair = (reference, answer) if reference.kind == "matrix" else (answer, reference)
    if matrix.marks not in ("1", str(len(matrix.parts))) or pair.marks not in ("()", "[]"):
        return DIFFERENT_SHAPE
    return _in_order(reference.parts, answer.parts, comparison, "vector")


def _ratios(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    if reference.marks and answer.marks and reference.marks != answer.marks:
        return ValueFinding("different", "clock")
    found = _in_order(reference.parts, answer.parts, comparison, "ratio")
    if found.result == "different" and not (reference.marks or answer.marks) and len(reference.parts) == 2:
        expected, given = ([exact_number(part.text) for part in shape.parts] for shape in (reference, answer))
        if None not in expected + given and len(given) == 2 and expected[0] * given[1] == expected[1] * given[0]:  # type: ignore[operator]
            return ValueFinding("undecided", "unreduced_ratio")
    return found


def _mixed(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    pair = {reference.kind, answer.kind}
    if "list" in pair and ("value" in pair or "ratio" in pair):
        return _list_or_number(reference, answer, comparison)
    if pair == {"set", "value"}:
        expected, given = (shape.parts if shape.kind == "set" else (shape,) for shape in (reference, answer))
        return _in_order(expected, given, comparison, "set")
    if pair == {"list", "tuple"}:
        return _list_or_tuple(reference, answer, comparison)
    if pair == {"ratio", "value"}:
        return _ratio_or_number(reference, answer, comparison)
    if pair == {"value", "equation"} and reference.kind == "equation":
        return ValueFinding("different", "equation")
    if answer.kind in ("value", "equation") and has_prose(answer.text):
        return ValueFinding("no_value", "words")
    if "\\" in answer.text and answer.kind == "value" and reference.kind != "value":
        readable = quantity(answer.text) is not None or form_of(split_unit(answer.text)[0]) is not None
        return DIFFERENT_SHAPE if readable else ValueFinding("undecided", "shape")
    return DIFFERENT_SHAPE


def _list_or_tuple(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    """`x = 1, y = 3` is the point (1, 3), in the order of the names; `1, 3` is it where no interval can be meant."""
    listed = reference if reference.kind == "list" else answer
    values = _named(listed)
    if values:
        in_order = Shape("list", listed.text, tuple(values[name] for name in sorted(values)))
        reference, answer = (in_order if shape is listed else shape for shape in (reference, answer))
        return _in_order(reference.parts, answer.parts, comparison, "tuple")
    found = _in_order(reference.parts, answer.parts, comparison, "tuple")
    if found.result != "equal":
        return found
    is_point = reference.marks == "()" and (len(reference.parts) > 2 or not speaks_of_interval(comparison.question))
    return ValueFinding("equal", "tuple") if is_point else ValueFinding("undecided", "brackets_missing")


def _ratio_or_number(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    """`3:4` is the fraction 3/4, unless it is a time."""
    ratio, number = (reference, answer) if reference.kind == "ratio" else (answer, reference)
    if ratio.marks or len(ratio.parts) != 2 or asks_for_time(comparison.question):
        return DIFFERENT_SHAPE
    quotient = f"\\frac{{{ratio.parts[0].text}}}{{{ratio.parts[1].text}}}"
    found = same_value(quotient, number.text, comparison)
    return found if found.result == "equal" else ValueFinding("different", "ratio")


def _list_or_number(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    """`15,600` alone is a number, beside "600, 15" it is the list; `1000,99` beside 1000.99 is a decimal."""
    listed, single = (reference, answer) if reference.kind == "list" else (answer, reference)
    if re.fullmatch(r"-?[0-9]{1,3}(,[0-9]{3})+", single.text):
        parts = tuple(Shape("value", digits) for digits in single.text.split(","))
        return _unordered(Shape("list", single.text, parts), _bare(listed), comparison)
    decimal = _decimal_comma(listed.text, 2 if listed is reference else 1)
    if decimal and "." in single.text:
        return same_value(decimal, single.text, comparison)
    return ValueFinding("different", "list")


def _equations(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    """Two equations are equal when one is a constant multiple of the other: y = 2x+1 and 2x - y + 1 = 0."""
    left, right = gap_of(reference), gap_of(answer)
    if left is None or right is None:
        return _in_order(reference.parts, answer.parts, comparison, "equation")
    if not left[0] and not right[0]:
        return _identities(reference, answer, comparison)
    factor = _multiple(left, right)
    if factor is None:
        degree = max((sum(e for _, e in monomial) for form in (left, right) for monomial in form[0]), default=0)
        return ValueFinding("different", "equation") if degree <= 2 else ValueFinding("undecided", "equation")
    return ValueFinding("equal", "equation")


def _identities(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    """Two identities are the same where their sides are, in either order."""
    for sides in (answer.parts, answer.parts[::-1]):
        if _in_order(reference.parts, sides, comparison, "identity").result == "equal":
            return ValueFinding("equal", "identity")
    return ValueFinding("undecided", "identity")


def _multiple(left: Form, right: Form) -> object:
    """Return the constant k with left = k * right as polynomials, or None."""
    left_terms, right_terms = left[0], right[0]
    if not left_terms or set(left_terms) != set(right_terms):
        return None
    factors = {left_terms[monomial] / right_terms[monomial] for monomial in left_terms}
    return factors.pop() if len(factors) == 1 else None


def _inequalities(reference: Shape, answer: Shape, comparison: Comparison) -> ValueFinding:
    left, right = gap_of(reference), gap_of(answer)
    if left is None or right is None:
        return ValueFinding("undecided", "inequality")
    factor = _multiple(left, right)
    if not isinstance(factor, (int,)) and factor is None:
        return ValueFinding("undecided", "inequality")
    positive = factor > 0  # type: ignore[operator]
    same = (answer.marks if positive else TURNED.get(answer.marks)) == reference.marks
    return ValueFinding("equal" if same else "different", "inequality")
