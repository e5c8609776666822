"""Math answers: bounds first, then the letter of a choice, then shape and value."""

import re
from fractions import Fraction
from functools import lru_cache

from cotfactory.graders.boxes import unboxed
from cotfactory.graders.grader import Tools
from cotfactory.graders.math.compare_shapes import compare
from cotfactory.graders.math.evaluation import real_value
from cotfactory.graders.math.expression_answers import Comparison, ValueFinding
from cotfactory.graders.math.expressions import Unreadable, parse_expression
from cotfactory.graders.math.latex import MAX_ANSWER_CHARS, clean, plain_words, unescaped
from cotfactory.graders.math.numbers import exact_number, quantity, split_unit
from cotfactory.graders.math.polynomials import NoForm
from cotfactory.graders.math.real_sets import real_set, works_out
from cotfactory.graders.math.references import reference_answer
from cotfactory.graders.math.rounding import agrees_when_rounded, declared_step
from cotfactory.graders.math.sentences import number_beside_words
from cotfactory.graders.math.structures import Shape, read_shape
from cotfactory.graders.math.units import units_conflict
from cotfactory.graders.stated_answers import grade_stated
from cotfactory.graders.worker_pool import Algebra
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import Problem

MAX_BRACKETS_DEEP = 60

_LETTER = re.compile(r"\(?\s*([A-Z])\s*\)?\.?\Z")
_LETTER_START = re.compile(r"(?:option |choice |answer )?(?:\(\s*([A-Za-z])\s*\)|([A-Za-z])\s*(?:[).:]|\Z))", re.I)
_ASKS_PERCENT = re.compile(r"percent|%", re.IGNORECASE)
_INTEGER = re.compile(r"-?[0-9]{1,400}\Z")


def compare_math(
    reference: str, answer: str, question: str, algebra: Algebra | None, tolerance: Fraction | None = None
) -> ValueFinding:
    r"""Compare an extracted answer with a reference answer, both as written.

    `algebra` None leaves what would need symbolic algebra `undecided`. `tolerance` is how far numbers may be apart,
    None for not at all.

    >>> compare_math("0.5", r"\frac{1}{2}", "", None).result
    'equal'
    """
    if tolerance is None and _INTEGER.match(reference) and _INTEGER.match(answer):
        return ValueFinding("equal" if int(reference) == int(answer) else "different", "integer")
    if len(answer) > MAX_ANSWER_CHARS:
        return ValueFinding("undecided", "too_large (length)")
    if _depth(answer) > MAX_BRACKETS_DEEP:
        return ValueFinding("undecided", "too_large (nesting)")
    shape = _reference_shape(reference)
    text = clean(unboxed(unescaped(answer)))
    comparison = Comparison(algebra, _ASKS_PERCENT.search(question) is not None, question, tolerance)
    found = (_exactly(shape, text) if tolerance is None else None) or _by_shape(shape, text, comparison)
    if found.result not in ("equal", "several") and shape.kind == "value":
        return _within_words(shape.text, text, question) or _as_rounded(shape.text, text, comparison) or found
    return found


def _exactly(reference: Shape, text: str) -> ValueFinding | None:
    """Compare letters and plain numbers, which most answers are; None for everything else."""
    letter = _LETTER.match(plain_words(reference.text))
    if letter:
        stated = _LETTER_START.match(plain_words(text))
        if stated:
            equal = (stated[1] or stated[2]).upper() == letter[1]
            return ValueFinding("equal" if equal else "different", "letter")
    value = exact_number(text) if reference.kind == "value" else None
    known = exact_number(reference.text) if value is not None else None
    if known is None:
        return None
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


def _within_words(reference: str, text: str, question: str) -> ValueFinding | None:
    known = exact_number(reference)
    if known is not None and number_beside_words(text, question) == known:
        return ValueFinding("equal", "number_beside_words")
    return None


def _as_rounded(reference: str, text: str, comparison: Comparison) -> ValueFinding | None:
    """Equal where the question asks for a rounded answer and one number is the other one rounded."""
    step = declared_step(comparison.question)
    answer = None if step is None else quantity(text)
    if step is None or answer is None:
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
    if known is not None and agrees_when_rounded(known, answer.value, written, step):
        return ValueFinding("equal", "rounded_as_asked")
    return None


@lru_cache(maxsize=4_096)
def _reference_shape(reference: str) -> Shape:
    return read_shape(clean(reference_answer(reference)))


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


MATH_GRADER_VERSION = "4"


def grade_math(problem: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return the grade of one candidate for a `math` problem."""

    tolerance = Fraction(problem.answer_tolerance) if problem.answer_tolerance else None

    def compare_answers(reference: str, answer: str) -> ValueFinding:
        return compare_math(reference, answer, problem.question, tools.algebra, tolerance)

    return grade_stated(problem, candidate, "math", MATH_GRADER_VERSION, compare_answers)
