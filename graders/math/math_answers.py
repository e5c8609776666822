"""Math answers: bounds first, then the letter of a choice, then shape and value."""

import re
from functools import lru_cache

from cotfactory.graders.boxes import unboxed
from cotfactory.graders.grader import Tools
from cotfactory.graders.math.comments import without_comment
from cotfactory.graders.math.compare_shapes import compare
from cotfactory.graders.math.evaluation import real_value
from cotfactory.graders.math.expression_answers import (
    Comparison,
    ValueFinding,
    beside_symbol,
    same_value,
    within_tolerance,
)
from cotfactory.graders.math.expressions import Unreadable, parse_expression
from cotfactory.graders.math.latex import MAX_ANSWER_CHARS, clean, plain_words, unescaped
from cotfactory.graders.math.numbers import Tolerance, exact_number, is_float_noise, quantity, split_unit
from cotfactory.graders.math.phrases import spelled_out
from cotfactory.graders.math.polynomials import NoForm
from cotfactory.graders.math.real_sets import real_set, works_out
from cotfactory.graders.math.references import reference_answer
from cotfactory.graders.math.rounding import agrees_when_rounded, declared_rounding
from cotfactory.graders.math.sentences import number_beside_words
from cotfactory.graders.math.structures import Shape, read_shape
from cotfactory.graders.math.units import units_conflict
from cotfactory.graders.stated_answers import grade_stated
from cotfactory.graders.worker_pool import Algebra
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import Problem

MAX_BRACKETS_DEEP = 60

_LETTER = re.compile(r"\(?\s*([A-Z])\s*\)?\.?\Z|\(\s*([a-h])\s*\)\.?\Z")
_LETTER_START = re.compile(r"(?:option |choice |answer )?(?:\(\s*([A-Za-z])\s*\)|([A-Za-z])\s*(?:[).:]|\Z))", re.I)
_INTEGER = re.compile(r"-?[0-9]{1,400}\Z")


def compare_math(
    reference: str, answer: str, question: str, algebra: Algebra | None, tolerance: Tolerance | None = None
) -> ValueFinding:
    r"""Compare an extracted answer with a reference answer, both as written.

    `algebra` None leaves what would need symbolic algebra `undecided`. `tolerance` is how far numbers may be
    apart, None for not at all.

    >>> compare_math("0.5", r"\frac{1}{2}", "", None).result
    'equal'
    """
    if tolerance is None and _INTEGER.match(reference) and _INTEGER.match(answer):
        if int(reference) == int(answer):
            return ValueFinding("equal", "integer")
        if declared_rounding(question) is None:
            return ValueFinding("different", "integer")
    if len(answer) > MAX_ANSWER_CHARS:
        return ValueFinding("undecided", "too_large (length)")
    if _depth(answer) > MAX_BRACKETS_DEEP:
        return ValueFinding("undecided", "too_large (nesting)")
    shape = _reference_shape(reference)
    text = spelled_out(clean(unboxed(unescaped(answer))))
    comparison = Comparison(algebra, question, tolerance)
    found = (_exactly(shape, text) if tolerance is None else None) or _by_shape(shape, text, comparison)
    if found.result in ("equal", "several"):
        return found
    if shape.kind == "value":
        for second_reading in (_within_words, _as_rounded, _beside_symbols):
            if (second := second_reading(shape.text, text, comparison)) is not None:
                return second
    return _beside_comment(shape, text, comparison) or found


def _exactly(reference: Shape, text: str) -> ValueFinding | None:
    """Compare letters and plain numbers, which most answers are; None for everything else."""
    letter = _LETTER.match(plain_words(reference.text))
    if letter:
        stated = _LETTER_START.match(plain_words(text))
        if stated:
            equal = (stated[1] or stated[2]).upper() == (letter[1] or letter[2]).upper()
            return ValueFinding("equal" if equal else "different", "letter")
    value = exact_number(text) if reference.kind == "value" else None
    known = exact_number(reference.text) if value is not None else None
    if known is None:
        return None
    if known != value and "." in text + reference.text and is_float_noise(reference.text, text):
        return ValueFinding("equal", "float_noise")
    return ValueFinding("equal" if known == value else "different", "integer" if known.denominator == 1 else "rational")


def _by_shape(reference: Shape, text: str, comparison: Comparison) -> ValueFinding:
    try:
        found = compare(reference, read_shape(text), comparison)
    except (Unreadable, NoForm) as error:
        found = ValueFinding("undecided", f"unreadable ({error})")
    if found.result not in ("equal", "several") and (works_out(text) or works_out(reference.text)):
        expected = real_set(reference.text)
        given = None if expected is None else real_set(text)
        if given is not None:
            return ValueFinding("equal" if expected == given else "different", "real_set")
    return found


def _within_words(reference: str, text: str, _: Comparison) -> ValueFinding | None:
    known = exact_number(reference)
    if known is not None and number_beside_words(text) == known:
        return ValueFinding("equal", "number_beside_words")
    return None


def _as_rounded(reference: str, text: str, comparison: Comparison) -> ValueFinding | None:
    """Equal where the question asks for a rounded answer and one number is the other one rounded."""
    rounding = declared_rounding(comparison.question)
    answer = None if rounding is None else quantity(text)
    if rounding is None or answer is None:
        return None
    body, percent, unit = split_unit(reference)
    if percent != answer.percent or (unit and answer.unit and units_conflict(unit, answer.unit)):
        return None
    known = exact_number(body)
    if known is None:
        try:
            known = real_value(parse_expression(body)[0])
        except Unreadable:
            return None
    written = split_unit(text)[0].replace(",", "")
    if known is not None and agrees_when_rounded(known, answer.value, written, rounding):
        return ValueFinding("equal", "rounded_as_asked")
    return None


def _beside_symbols(reference: str, text: str, comparison: Comparison) -> ValueFinding | None:
    """Compare numbers beside unit symbols that could be variables: `50 Hz`, `7.6 m/s`, `12 J`; None for others."""
    pair = [
        side if quantity(side) is not None else beside_symbol(side, comparison.question, side is reference)
        for side in (reference, text)
    ]
    if pair[0] is None or pair[1] is None or pair == [reference, text]:
        return None
    if within_tolerance(pair[0], pair[1], comparison):
        return ValueFinding("equal", "tolerance")
    found = same_value(pair[0], pair[1], comparison)
    return found if found.result == "equal" else _as_rounded(pair[0], pair[1], comparison) or found


def _beside_comment(reference: Shape, text: str, comparison: Comparison) -> ValueFinding | None:
    """Compare what stands before a comment in brackets: "5 km (5000 m)", "(-oo, 3] (all reals up to 3)"."""
    parted = without_comment(text, comparison.question)
    if parted is None:
        return None
    stated, comment = parted
    found = _by_shape(reference, stated, comparison)
    if found.result != "equal":
        found = _within_words(reference.text, stated, comparison) or found
    if found.result == "equal" and comment and _by_shape(read_shape(stated), comment, comparison).result != "equal":
        return ValueFinding("several", "comment")
    return found if found.result == "equal" else None


@lru_cache(maxsize=4_096)
def _reference_shape(reference: str) -> Shape:
    return read_shape(spelled_out(clean(reference_answer(reference))))


def _depth(text: str) -> int:
    deepest = depth = 0
    if text.count("{") + text.count("(") + text.count("[") <= MAX_BRACKETS_DEEP:
        return 0
    for character in text:
        if character in "({[":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")}]":
            depth -= 1
    return deepest


MATH_GRADER_VERSION = "8"


def grade_math(problem: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return the grade of one candidate for a `math` problem."""

    tolerance = Tolerance(*problem.tolerance) if problem.tolerance else None

    def compare_answers(reference: str, answer: str) -> ValueFinding:
        return compare_math(reference, answer, problem.question, tools.algebra, tolerance)

    return grade_stated(problem, candidate, "math", MATH_GRADER_VERSION, compare_answers)
