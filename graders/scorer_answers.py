"""Answers to reasoning-gym tasks: the task's own scorer decides, and only its full score counts.

The scorers give partial credit (a reference answer inside a longer text earns some), so anything below 1.0 is
`incorrect`. Only `EXACT_TASKS` are scored: their scorers never evaluate what a model wrote.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from cotfactory.graders.extract import ExtractedAnswer
from cotfactory.graders.grader import Tools
from cotfactory.graders.math.expression_answers import ValueFinding
from cotfactory.graders.math.latex import MAX_ANSWER_CHARS, plain_words
from cotfactory.graders.stated_answers import grade_stated
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Evidence, Grade
from cotfactory.schemas.problem import Problem, ScorerTests
from cotfactory.schemas.reasoning_gym_tasks import EXACT_TASKS

Scorer = Callable[[str, dict[str, object]], float]


@lru_cache(maxsize=1)
def reasoning_gym_version() -> str:
    """Return the version of this grader, which ends in the installed package's version: its scorers decide."""
    try:
        return f"1+{version('reasoning-gym')}"
    except PackageNotFoundError:
        return "1+none"


@lru_cache(maxsize=128)
def _scorer(task: str) -> Scorer:
    import reasoning_gym

    scorer: Scorer = reasoning_gym.get_score_answer_fn(task)
    return scorer


def grade_reasoning_gym(problem: Problem, candidate: Candidate, tools: Tools) -> Grade:
    """Return the grade of one candidate for a problem with `ScorerTests`."""
    tests = problem.tests
    assert isinstance(tests, ScorerTests)
    if tests.task not in EXACT_TASKS:
        return _ungraded(candidate, "inexact_task", tests.task)
    try:
        scorer = _scorer(tests.task)
    except ImportError:
        return _ungraded(candidate, "reasoning_gym_missing", "pip install 'cotfactory[reasoning-gym]'")
    entry = json.loads(tests.entry)

    def compare(reference: str, answer: str) -> ValueFinding:
        if reference != problem.answer:  # two statements of one response against each other
            return ValueFinding("equal" if reference.split() == answer.split() else "different", "text")
        if len(answer) > MAX_ANSWER_CHARS:
            return ValueFinding("undecided", "too_large (length)")
        forms = dict.fromkeys((answer.strip(), plain_words(answer), answer.strip().strip("$`\"' ")))
        full = any(scorer(form, entry) == 1.0 for form in forms)
        return ValueFinding("equal" if full else "different", tests.task)

    return grade_stated(problem, candidate, "reasoning_gym", reasoning_gym_version(), compare)


def _ungraded(candidate: Candidate, reason: str, detail: str) -> Grade:
    extraction = ExtractedAnswer(None)
    return Grade(
        candidate_id=candidate.candidate_id,
        grader="reasoning_gym",
        grader_version=reasoning_gym_version(),
        verdict="ungraded",
        reason=reason,
        extracted_answer=extraction.answer,
        evidence=Evidence(detail=detail),
        duration_ms=0.0,
    )
