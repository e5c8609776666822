"""Math answers: bounds first, then the letter of a choice, then shape and value."""

import re
from functools import lru_cache

from graders.extract import final_answer, unboxed
from graders.grader import Tools
from graders.math.compare_shapes import compare
from graders.math.exact_forms import NoForm
from graders.math.expression_answers import Comparison, Finding
from graders.math.expressions import Unreadable
from graders.math.latex import MAX_ANSWER_CHARS, clean, plain_words
from graders.math.numbers import exact_number
from graders.math.structures import Shape, read_shape
from graders.stated_answers import grade_stated
from graders.worker_pool import WorkerPool
from schemas.candidate import Candidate
from schemas.grade import Grade
from schemas.problem import Problem

MAX_BRACKETS_DEEP = 60

_LETTER = re.compile(r"\(?\s*([A-Z])\s*\)?\.?\Z")
_LETTER_START = re.compile(r"(?:option |choice |answer )?(?:\(\s*([A-Za-z])\s*\)|([A-Za-z])\s*(?:[).:]|\Z))", re.I)
_ASKS_PERCENT = re.compile(r"percent|%", re.IGNORECASE)
_INTEGER = re.compile(r"-?[0-9]{1,400}\Z")


def compare_math(reference: str, answer: str, question: str, algebra: WorkerPool | None) -> Finding:
    r"""Compare an extracted answer with a reference answer, both as written.

    `algebra` None leaves what would need symbolic algebra `undecided`.

    >>> compare_math("0.5", r"\frac{1}{2}", "", None).result
    'equal'
    """
    if _INTEGER.match(reference) and _INTEGER.match(answer):
        return Finding("equal" if int(reference) == int(answer) else "different", "integer")
    if len(answer) > MAX_ANSWER_CHARS:
        return Finding("undecided", "too_large (length)")
    if _depth(answer) > MAX_BRACKETS_DEEP:
        return Finding("undecided", "too_large (nesting)")
    shape = _reference_shape(reference)
    text = clean(unboxed(answer))
    letter = _LETTER.match(plain_words(shape.text))
    if letter:
        stated = _LETTER_START.match(plain_words(text))
        if stated:
            equal = (stated[1] or stated[2]).upper() == letter[1]
            return Finding("equal" if equal else "different", "letter")
    value = exact_number(text) if shape.kind == "value" else None
    if value is not None:
        known = exact_number(shape.text)
        if known is not None:
            return Finding(
                "equal" if known == value else "different", "integer" if known.denominator == 1 else "rational"
            )
    comparison = Comparison(algebra, _ASKS_PERCENT.search(question) is not None, question)
    try:
        return compare(shape, read_shape(text), comparison)
    except (Unreadable, NoForm) as error:
        return Finding("undecided", f"unreadable ({error})")


@lru_cache(maxsize=4_096)
def _reference_shape(reference: str) -> Shape:
    if "\\boxed" in reference:
        reference = final_answer(reference).answer or reference
    return read_shape(clean(reference))


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


MATH_GRADER_VERSION = "1"


def grade_math(problem: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return the grade of one candidate for a `math` problem."""

    def compare_answers(reference: str, answer: str) -> Finding:
        return compare_math(reference, answer, problem.question, tools.algebra)

    return grade_stated(problem, candidate, "math", MATH_GRADER_VERSION, compare_answers)
