"""What people decided about chains and reference answers, as runs and releases use it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cotfactory.reviewing.figures import by_item, people_figures
from cotfactory.reviewing.settle import newest, settle
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.people_figures import PeopleFigures
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.review import PEOPLE, Answer, Review
from cotfactory.warehouse.seal import GradeRow
from cotfactory.warehouse.stored_reviews import latest_items, reviews_of
from cotfactory.warehouse.workspace import Workspace

ENOUGH_TO_REFUTE = 2
LATER = timedelta(microseconds=1)


@dataclass(frozen=True)
class PeoplesVerdict:
    """What people decided about a chain: whether its answer is right and, where they were asked, which step is not."""

    candidate_id: str
    problem_id: str
    guidelines_id: str
    answer: Answer
    people: int
    asked_steps: bool
    wrong_step: int | None
    wrong_step_text: str | None

    @property
    def grade_id(self) -> str:
        """The id of its grade: another verdict of theirs is another grade."""
        said = [self.answer, self.asked_steps, self.wrong_step]
        return content_id([self.candidate_id, self.problem_id, PEOPLE, self.guidelines_id, *said])

    def row(self, problem: Problem, candidate: Candidate, machine: Grade) -> GradeRow:
        """Return the grade as the table keeps it, newer than what the machine said just before."""
        at = datetime.now(UTC) + LATER
        return GradeRow(self.grade(problem, candidate, machine), self.grade_id, problem.problem_id, at)

    def grade(self, problem: Problem, candidate: Candidate, machine: Grade) -> Grade:
        """Return it as a grade, with the answer that the machine read.

        A right answer that no machine can read out of the response could not be published: the machine's grade stays.
        """
        answer = machine.extracted_answer or _stated(problem, candidate)
        if self.answer == "yes" and answer is None:
            return machine
        reason, detail = "answer_wrong", f"{self.people} people"
        if self.answer == "yes":
            reason = "steps_right" if self.asked_steps else "answer_right"
        if self.answer == "yes" and self.wrong_step is not None:
            reason, detail = "wrong_step", f"step {self.wrong_step + 1}: {(self.wrong_step_text or '')[:500]}"
        return machine.model_copy(
            update={
                "grader": PEOPLE,
                "grader_version": self.guidelines_id,
                "verdict": "correct" if self.answer == "yes" else "incorrect",
                "reason": reason,
                "extracted_answer": answer,
                "evidence": machine.evidence.model_copy(update={"detail": detail, "weak": False}),
            }
        )


PeoplesVerdicts = Mapping[tuple[str, str], PeoplesVerdict]
"""By the ids of the chain and of the problem that it is held against."""


def reviews_that_count(workspace: Workspace, recipe: Recipe, until: datetime | None = None) -> list[Review]:
    """Return the reviews of a recipe under its present guidelines; none where it asks people nothing.

    Those that came later than `until` are left out.
    """
    if recipe.review is None:
        return []
    return reviews_of(workspace, recipe=recipe.name, guidelines_id=recipe.review.guidelines_id, until=until)


def peoples_verdicts(recipe: Recipe, reviews: Iterable[Review]) -> PeoplesVerdicts:
    """Return what people decided about chains; what is open, and planted items, are left out."""
    found = {}
    for members in by_item(reviews).values():
        about = members[0]
        if recipe.review is None or about.question != "answer_right" or about.kind == "planted":
            continue
        settled = settle(members, recipe.review.per_item)
        if settled.answer is not None and about.candidate_id is not None:
            found[about.candidate_id, about.problem_id] = PeoplesVerdict(
                candidate_id=about.candidate_id,
                problem_id=about.problem_id,
                guidelines_id=about.guidelines_id,
                answer=settled.answer,
                people=len(settled.reviews),
                asked_steps=any(review.steps_asked for review in settled.reviews),
                wrong_step=settled.first_wrong_step,
                wrong_step_text=settled.wrong_step_text,
            )
    return found


def figures_of(workspace: Workspace, recipe: Recipe, reviews: Sequence[Review]) -> PeopleFigures | None:
    """Return what the reviews say of the items that were drawn last; None where there are none."""
    drawn = latest_items(workspace, recipe.name)
    if recipe.review is None or drawn is None:
        return None
    return people_figures(drawn[0], reviews, recipe.review.per_item, drawn[1])


def refuted_references(workspace: Workspace) -> set[str]:
    """Return the problems whose reference answer two people or more, and most of those who tried, found wrong.

    Whichever recipe they reviewed for, and under whichever guidelines: a problem is the same in all of them.
    """
    of_problem: dict[str, list[Review]] = defaultdict(list)
    for review in reviews_of(workspace):
        if review.question == "reference_right":
            of_problem[review.problem_id].append(review)
    refuted = set()
    for problem_id, members in of_problem.items():
        answers = [review.answer for review in newest(members)]
        if answers.count("no") >= ENOUGH_TO_REFUTE and answers.count("no") > answers.count("yes"):
            refuted.add(problem_id)
    return refuted


def _stated(problem: Problem, candidate: Candidate) -> str | None:
    """Return the reference answer where the response says it, word for word."""
    answer = problem.answer.strip()
    is_said = answer and re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", candidate.response)
    return answer if is_said else None
