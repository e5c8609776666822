"""Answers: the references of written problems, by programs and by votes, and how often such answers are right.

Known problems, seeds whose answers are hidden, are asked the same way and among the others, in the order of their ids:
nobody who answers can tell which they are.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from cotfactory.flows.grow.drafts import Draft
from cotfactory.flows.teacher_plan import TeacherPlan, teacher_plans
from cotfactory.graders.grader import Tools
from cotfactory.graders.grading import accepts, grade_batch, same_answer, self_test
from cotfactory.graders.votes import Vote, agreed
from cotfactory.reviewing.estimate import UNKNOWN, clopper_pearson
from cotfactory.schemas.grown_facts import AnswerPrecision
from cotfactory.schemas.grown_rules import AnswerFrom, References
from cotfactory.schemas.ids import problem_id, seed_from
from cotfactory.schemas.people_figures import Estimate
from cotfactory.schemas.problem import Problem, Program
from cotfactory.schemas.problem_sources import GrownSource
from cotfactory.schemas.recipe import Attempts, Recipe
from cotfactory.warehouse.wanted import StoredStep, WantedSamples

Answers = dict[str, str]
"""The answers that one origin has, by the ids under which problems are asked with their answers hidden."""


def is_open(draft: Draft) -> bool:
    """Whether a draft is worth finding an answer of."""
    return draft.dropped is None and draft.problem.reference_by == "open"


def hidden(problem: Problem) -> Problem:
    """Return a problem as those are asked it who are to find its answer."""
    fresh = {"answer": "", "answers": (), "solution": None, "reference_by": "open"}
    return problem.model_copy(update={**fresh, "problem_id": _id(problem, "", None)})


def for_a_program(problem: Problem) -> Problem:
    """Return a hidden problem as it is asked of whoever is to write a program that answers it."""
    return problem.model_copy(update={"program": "run", "problem_id": _id(problem, "", "run")})


def answered(problem: Problem, answer: str, origin: AnswerFrom) -> Problem:
    """Return a problem with the answer that was found."""
    return problem.model_copy(
        update={"answer": answer, "reference_by": origin, "problem_id": _id(problem, answer, None)}
    )


def _id(problem: Problem, answer: str, program: Program | None) -> str:
    question, choices, compare = problem.question, problem.choices, problem.text_compare
    return problem_id(question, choices, answer, None, problem.source, text_compare=compare, program=program)


def known_problems(seeds: Sequence[Problem], drafts: Sequence[Draft], share: float, tools: Tools) -> dict[str, Problem]:
    """Return the seeds that are asked with their answers hidden, by the ids under which they are asked.

    Which ones hangs on their ids alone; only such whose own grader accepts the answer that others are held against.
    """
    kinds = {draft.problem.answer_kind for draft in drafts if is_open(draft)}
    wanted = math.ceil(share * sum(map(is_open, drafts)))
    plain = [seed for seed in seeds if seed.answer_kind in kinds and seed.tests is None and seed.program is None]
    known: dict[str, Problem] = {}
    for seed in sorted(plain, key=lambda seed: seed_from("known problem", seed.problem_id)):
        if len(known) == wanted:
            break
        if self_test(seed, tools).verdict == "correct":
            known[hidden(seed).problem_id] = seed
    return known


def voting_plans(recipe: Recipe, source: GrownSource) -> tuple[TeacherPlan, ...]:
    """Return the teachers that vote, each with its part of the votes."""
    voters = {spec.name for spec in recipe.voters(source)}
    plans = [plan for plan in teacher_plans(recipe, {}) if plan.spec.name in voters]
    each, more = divmod(source.references.votes, len(plans))
    return tuple(
        TeacherPlan(place, plan.spec, plan.strategy, Attempts(max=each + (place < more)), None)
        for place, plan in enumerate(plans)
    )


def program_answers(asked: Sequence[Problem], wanted: WantedSamples, name: str) -> Answers:
    """Return what the stored programs gave, twice the same, for the hidden problems that were `asked`."""
    found: Answers = {}
    for group in wanted.groups(name):
        grade = group.steps[-1].grade
        if grade.verdict == "correct" and grade.extracted_answer is not None:
            found[asked[group.position].problem_id] = grade.extracted_answer
    return found


def voted_answers(
    asked: Sequence[Problem],
    plans: Sequence[TeacherPlan],
    wanted: WantedSamples,
    rules: References,
    tools: Tools,
    name: str,
) -> Answers:
    """Return what the stored votes agree on."""
    found: Answers = {}
    for position, chains in _chains(wanted, name):
        votes = [Vote(plans[teacher].spec.name, step.grade.extracted_answer) for teacher, step in chains]
        answer = _agreed(asked[position], votes, rules, tools)
        if answer is not None:
            found[asked[position].problem_id] = answer
    return found


def _agreed(problem: Problem, votes: Sequence[Vote], rules: References, tools: Tools) -> str | None:
    """Return the answer that votes agree on, in the most frequent of its forms that its grader can check."""

    def same(one: str, other: str) -> bool:
        return same_answer(problem, one, other, tools)

    voted = agreed(votes, rules.votes, rules.min_share, rules.teachers, same)
    forms = voted.forms if voted is not None else ()
    checkable = (form for form in forms if self_test(answered(problem, form, "majority"), tools).verdict == "correct")
    return next(checkable, None)


def pass_rates(
    asked: Sequence[Problem], found: Mapping[str, Problem], teacher: int, wanted: WantedSamples, tools: Tools, name: str
) -> dict[str, float]:
    """Return how often a teacher's votes are for the answers that were found, of those that could be graded."""
    rates = {}
    for position, chains in _chains(wanted, name):
        problem = found.get(asked[position].problem_id)
        pairs = [(problem, step.candidate) for voter, step in chains if problem is not None and voter == teacher]
        graded = [grade.verdict == "correct" for grade in grade_batch(pairs, tools) if grade.verdict != "ungraded"]
        if graded:
            rates[asked[position].problem_id] = sum(graded) / len(graded)
    return rates


def _chains(wanted: WantedSamples, name: str) -> Iterator[tuple[int, list[tuple[int, StoredStep]]]]:
    """Yield the stored votes of each problem, with the positions of who gave them; of a sample its last step."""
    for position, groups in groupby(wanted.groups(name), key=lambda group: group.position):
        last = {(group.teacher_position, step.candidate.sample_index): step for group in groups for step in group.steps}
        yield position, [(teacher, step) for (teacher, _), step in last.items()]


def precision_of(
    origin: AnswerFrom, teachers: Sequence[str], known: Mapping[str, Problem], found: Answers, tools: Tools
) -> AnswerPrecision:
    """Return how often an origin's answers to known problems are right."""
    answers = [(problem, found[asked]) for asked, problem in known.items() if asked in found]
    right = sum(accepts(problem, answer, tools) for problem, answer in answers)
    precision = UNKNOWN
    if answers:
        low, high = clopper_pearson(right, len(answers))
        precision = Estimate(value=right / len(answers), low=round(low, 6), high=round(high, 6), n=len(answers))
    return AnswerPrecision(
        origin=origin,
        teachers=tuple(teachers),
        known=len(known),
        answered=len(answers),
        right=right,
        precision=precision,
    )
