"""Problems grown from others whose reference answer is known by construction: nobody has to solve them.

backward          a number is hidden, the answer told, and the number asked for (FOBAR, Jiang et al., 2023):
                  "Ann has 5 boxes of X pens. ... The answer to this question is 15. What is the value of X?"
open_from_choice  the choices are left away where the right one is a whole number (Big-Math, Albalak et al., 2025)

A hidden number is asked for only where the worked solution shows that it is the one that leads to the answer: it is
used once, and everything that follows from it once, so that another number gives another answer.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice

from cotfactory.generators.local_teachers.solution_chain import worked_from_solution
from cotfactory.generators.problems.chains import Equation, Ref, Worked, WorkedChain, evaluate, write_number
from cotfactory.generators.problems.procedural_source import worked_procedural
from cotfactory.schemas.ids import problem_id, seed_from
from cotfactory.schemas.problem import AnswerKind, Problem

NUMBER = re.compile(r"(?<![\w.,/:^\-])\d{1,9}(?:\.\d{1,6})?(?![\w/:^\-%]|[.,]\d)")
ANY_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
UNKNOWN = "X"
COUNTED = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
MEANT = {
    1: "once|single|a|an|each|every|per",
    2: "twice|double|half|halves|pair|couple|both|second",
    3: "triple|third|thrice|yard",
    4: "quarter|fourth",
    5: "fifth",
    7: "week",
    12: "dozen|year|month|inch|foot|feet",
    24: "day|hour",
    30: "thirty|month",
    40: "forty",
    50: "fifty",
    52: "year",
    60: "sixty|hour|minute",
    100: "hundred|percent|dollar|cent",
    365: "year",
    1000: "thousand|kilo|gram|meter|liter",
}
"""Words that say a number without digits: one in the question may be where the solution has its number from."""
LEANS_ON_CHOICES = re.compile(
    r"\b(which|following|these|those|closest|nearest|approximate\w*|estimate\w*|about|could|may|might|can be|possible"
    r"|not|except|above|below|options?|choices?|best|at least|at most|either)\b",
    re.IGNORECASE,
)
WHOLE_NUMBER = re.compile(r"-?\d{1,12}")  # others may be rounded


def backward(seed: Problem) -> Problem | None:
    """Return the problem that asks for one of the seed's numbers; None where none is told by the answer alone."""
    if seed.answer_kind != "math" or seed.answer_tolerance is not None or seed.program is not None:
        return None
    known = worked_procedural(seed) or worked_from_solution(seed)
    if known is None or re.search(rf"\b{UNKNOWN}\b", seed.question):
        return None
    hidden = [found for found in NUMBER.finditer(seed.question) if _is_told_by_the_answer(found, seed, known)]
    if not hidden:
        return None
    found = hidden[seed_from("hidden number", seed.problem_id) % len(hidden)]
    masked = seed.question[: found.start()] + UNKNOWN + seed.question[found.end() :]
    asked = (
        f"{masked}\n\nThe answer to this question is {seed.answer}. What is the value of the unknown number {UNKNOWN}?"
    )
    return grown_problem("backward", seed, asked, write_number(Fraction(found[0])))


def open_from_choice(seed: Problem) -> Problem | None:
    """Return the question without its choices; None where it leans on them, or the right one is no whole number."""
    if seed.answer_kind != "choice" or not seed.choices or LEANS_ON_CHOICES.search(seed.question):
        return None
    position = ord(seed.answer) - ord("A")
    right = seed.choices[position].strip() if 0 <= position < len(seed.choices) else ""
    if not WHOLE_NUMBER.fullmatch(right) or not seed.question.rstrip().endswith("?"):
        return None
    return grown_problem("open_from_choice", seed, seed.question, right)


WAYS: dict[str, Callable[[Problem], Problem | None]] = {"backward": backward, "open_from_choice": open_from_choice}


def grow(seeds: Iterator[Problem], ways: tuple[str, ...], count: int | None) -> Iterator[Problem]:
    """Yield what grows of the seeds, in their order, each way of a seed after the other; the first `count` of them."""
    grown = (WAYS[way](seed) for seed in seeds if seed.follows is None for way in ways)
    return islice((problem for problem in grown if problem is not None), count)


def grown_problem(way: str, seed: Problem, question: str, answer: str | None, kind: AnswerKind = "math") -> Problem:
    """Return a problem with licence and lineage of its seed, on whose side of a hold-out it stays.

    The `answer` is known by construction; None is one that is yet to be found.
    """
    source, compare = f"grown/{way}/{seed.source}", seed.text_compare if kind == "text" else "words"
    return Problem(
        problem_id=problem_id(question, None, answer or "", None, source, text_compare=compare),
        source=source,
        source_row_id=seed.source_row_id,
        source_revision=seed.source_revision,
        license=seed.license,
        domain=seed.domain,
        question=question,
        answer=answer or "",
        answer_kind=kind,
        text_compare=compare,
        split_group=seed.split_group,
        parent_id=seed.problem_id,
        reference_by="open" if answer is None else "construction",
    )


def _is_told_by_the_answer(found: re.Match[str], seed: Problem, known: Worked) -> bool:
    """Return whether only this number, in its place, leads to the seed's answer, by the worked solution."""
    value, numbers = Fraction(found[0]), _numbers(seed.question)
    values = evaluate(known.chain)
    if numbers.count(value) != 1 or _is_said_in_words(value, seed.question):
        return False
    if len(set(values)) < len(values) or set(values) & set(numbers):
        return False  # a number in the solution could be this result, or that one
    equations = tuple(known.chain.equations())
    places = [(step, place) for step, equation in enumerate(equations) for place, term in enumerate(equation.terms)
              if isinstance(term, Fraction) and term == value]  # fmt: skip
    if len(places) != 1 or known.conclude(values) != seed.answer:
        return False
    return _leads_once(equations, places[0][0]) and _changes_the_answer(known, places[0], value, seed.answer)


def _numbers(question: str) -> list[Fraction]:
    return [Fraction(number.replace(",", "")) for number in ANY_NUMBER.findall(question)]


def _is_said_in_words(value: Fraction, question: str) -> bool:
    if value.denominator != 1:
        return False
    number = int(value)
    words = "|".join([*COUNTED[number : number + 1], *([MEANT[number]] if number in MEANT else [])])
    return bool(words) and re.search(rf"\b(?:{words})s?\b", question, re.IGNORECASE) is not None


def _leads_once(equations: tuple[Equation, ...], step: int) -> bool:
    """Return whether one way alone leads from a step to the last one: then another number gives another answer."""
    while step < len(equations) - 1:
        uses = [later for later, equation in enumerate(equations) for term in equation.terms if term == Ref(step)]
        if len(uses) != 1:
            return False
        (step,) = uses
    return True


def _changes_the_answer(known: Worked, place: tuple[int, int], value: Fraction, answer: str) -> bool:
    """Return whether other numbers in its place give other answers: `x * 0` would not."""
    step, term = place
    for other in (value + 1, 2 * value + 3):
        try:
            found = known.conclude(evaluate(_with_number(known.chain, step, term, other)))
        except ZeroDivisionError:
            return False
        if found == answer:
            return False
    return True


def _with_number(chain: WorkedChain, step: int, term: int, number: Fraction) -> WorkedChain:
    """Return the chain with another number in one place of one equation."""
    lines, count = [], 0
    for line in chain.lines:
        parts = []
        for part in line:
            if isinstance(part, Equation):
                if count == step:
                    part = replace(part, terms=(*part.terms[:term], number, *part.terms[term + 1 :]))
                count += 1
            parts.append(part)
        lines.append(tuple(parts))
    return WorkedChain(tuple(lines))
