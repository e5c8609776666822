r"""Mutants of accepted answers: a digit changed, the sign turned, another problem's answer. None may be accepted.

The watch on the graders themselves, run on a sample of what a run has accepted. A mutant is made only where it is
certain to be wrong: not of `0` by its sign, of `x_1` by its index, of an answer by one that has the same value.
"""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from cotfactory.graders.choices import stated_choice
from cotfactory.graders.extract import final_answer
from cotfactory.graders.grader import Tools
from cotfactory.graders.grading import grade_patiently
from cotfactory.graders.math.evaluation import real_value
from cotfactory.graders.math.expressions import Unreadable, parse_expression
from cotfactory.graders.math.latex import clean
from cotfactory.graders.math.numbers import quantity, split_unit
from cotfactory.graders.math.references import reference_answer
from cotfactory.graders.math.resolve_shapes import resolve
from cotfactory.graders.math.rounding import declared_rounding
from cotfactory.graders.math.structures import read_shape
from cotfactory.graders.texts import normalise
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.mutant_check import MutantCheck
from cotfactory.schemas.problem import CHOICE_LETTERS, Problem, ScorerTests

EXAMPLES = 20

Pair = tuple[Problem, Candidate]


def check_mutants(accepted: Sequence[Pair], tools: Tools, most: int = 200) -> MutantCheck:
    """Grade mutants of up to `most` of the accepted chains, the same ones for the same chains in any order.

    Programs, tasks with a scorer of their own and answers with a tolerance have no mutants here: of those none is
    certain to be wrong. A grader of the user's own has those that its file makes.
    """
    stated = [pair for pair in accepted if _has_mutants(pair[0])]
    sample = sorted(stated, key=lambda pair: pair[1].candidate_id)[:most]
    made, fooled = 0, []
    for place, (problem, candidate) in enumerate(sample):
        other = next(
            (another for another, _ in [*sample[place + 1 :], *sample[:place]] if _differ(problem, another)), None
        )
        for how, response in _mutants(problem, candidate, other, tools):
            made += 1
            mutant = candidate.model_copy(update={"response": response})
            if grade_patiently(problem, mutant, tools).verdict == "correct":
                fooled.append(f"{candidate.candidate_id}: {how}: {response[-100:]!r} for {problem.answer[:100]!r}")
    return MutantCheck(chains=len(sample), made=made, accepted=len(fooled), examples=tuple(fooled[:EXAMPLES]))


def answers_with_known_truth(problem: Problem, candidate: Candidate) -> tuple[str, str] | None:
    """Return the response of an accepted chain with the reference answer in it, and with one that is certainly wrong.

    None where there is no such: programs, scorers, tolerances, a grader of the user's own.
    """
    if problem.grader is not None or not _has_mutants(problem):
        return None
    wrong = next((response for _, response in _mutants(problem, candidate, None, None)), None)
    if wrong is None:
        return None
    if problem.answer_kind == "choice":
        return f"The answer is ({problem.answer.strip()}).", wrong
    answer = final_answer(candidate.response).answer
    return None if answer is None else (_restated(candidate.response, answer, _stated(problem)), wrong)


def _has_mutants(problem: Problem) -> bool:
    if problem.grader is not None:
        return True
    has_an_answer = problem.answer_kind not in ("code", "rubric") and not isinstance(problem.tests, ScorerTests)
    return has_an_answer and not problem.answer_tolerance


def _mutants(
    problem: Problem, candidate: Candidate, other: Problem | None, tools: Tools | None
) -> Iterator[tuple[str, str]]:
    if problem.grader is not None:
        made = tools.custom.mutants(problem, candidate.response) if tools and tools.custom else []
        yield from (("a mutant of the grader's file", mutant) for mutant in made)
        return
    if problem.answer_kind == "choice":
        stated = stated_choice(candidate.response, problem.choices or ()).letter
        letters = CHOICE_LETTERS[: len(problem.choices or ())]
        if stated and len(letters) > 1:
            following = letters[(letters.index(stated) + 1) % len(letters)]
            yield "another letter", f"The answer is ({following})."
        return
    answer = final_answer(candidate.response).answer
    if answer is None:
        return
    if (changed := _digit_changed(problem, answer)) is not None:
        yield "digit changed", _restated(candidate.response, answer, changed)
    if problem.answer_kind == "math" and (turned := _sign_turned(answer)) is not None:
        yield "sign turned", _restated(candidate.response, answer, turned)
    if other is not None:
        yield "another problem's answer", _restated(candidate.response, answer, _stated(other))


def _restated(response: str, answer: str, mutant: str) -> str:
    """Put the mutant into the box that held the answer, or state it alone where there was no such box."""
    head, found, tail = response.rpartition(f"\\boxed{{{answer}}}")
    return f"{head}\\boxed{{{mutant}}}{tail}" if found else f"\\boxed{{{mutant}}}"


_NUMBER = re.compile(r"(?:(?<![_0-9.,{])|(?<!_\{)(?<=\{))[0-9][0-9.,]*")
_DIGIT = re.compile(r"[1-9]")
_POWER_OF_NOTHING = re.compile(r"\^\s*\{?\s*0")


def _digit_changed(problem: Problem, answer: str) -> str | None:
    """Change the first digit of the first number; an index (`x_1`) is a name, and 2^0 is 3^0."""
    number = _NUMBER.search(answer)
    match = _DIGIT.search(answer, number.start(), number.end()) if number else None
    if match is None or _POWER_OF_NOTHING.search(answer) or declared_rounding(problem.question) is not None:
        return None
    changed = answer[: match.start()] + str(int(match[0]) % 9 + 1) + answer[match.end() :]
    if problem.answer_kind == "text":
        return None if normalise(changed) in _forms(problem) else changed
    return None if _value(changed) == _value(answer) is not None else changed


def _sign_turned(answer: str) -> str | None:
    text = clean(answer)
    value = _value(text)
    if value is None or value == 0 or read_shape(text).kind != "value":
        return None
    return text[1:].lstrip() if text.startswith("-") and quantity(text) else f"-({text})"


def _stated(problem: Problem) -> str:
    return reference_answer(problem.answer) if problem.answer_kind == "math" else problem.answer


def _forms(problem: Problem) -> set[str]:
    return {normalise(form) for form in problem.accepted_answers}


def _differ(left: Problem, right: Problem) -> bool:
    """Whether the answer of one problem is certainly wrong for the other."""
    if left.answer_kind != right.answer_kind:
        return False
    if left.answer_kind != "math":
        return not _forms(left) & _forms(right)
    values = _value(_stated(left)), _value(_stated(right))
    if values[0] is None or values[1] is None:
        texts = [re.sub(r"[^0-9A-Za-z]", "", _stated(problem)) for problem in (left, right)]
        return values != (None, None) and texts[0] != texts[1]
    # 28 and 0.28 both state 28 %, and 5 m is 500 cm.
    return values[0] != values[1] and values[0] * 100 != values[1] and values[0] != values[1] * 100


def _value(answer: str) -> Fraction | None:
    """Return the number that an answer is, from its digits at a high precision; None for anything else."""
    text = resolve(read_shape(clean(answer))).text  # "K = 8" is 8
    number = quantity(text)
    if number is not None:
        return number.value
    try:
        value = real_value(parse_expression(split_unit(text)[0])[0])
    except Unreadable:
        return None
    return None if value is None else value.limit_denominator(10**30)
