"""Grades as their table keeps them: with an id, the problem they are held against, and when."""

from collections.abc import Sequence
from datetime import UTC, datetime

from cotfactory.graders.grading import grader_name_and_version
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.ids import grade_id
from cotfactory.schemas.problem import Problem
from cotfactory.warehouse.seal import GradeRow


def grade_row(grade: Grade, problem: Problem, candidate: Candidate) -> GradeRow:
    """Return a grade as the table keeps it: with its id, the problem it is held against, and when."""
    identity = grade_id(candidate.candidate_id, problem, *grader_name_and_version(problem))
    return GradeRow(grade, identity, problem.problem_id, datetime.now(UTC))


def grade_rows(grades: Sequence[Grade], pairs: Sequence[tuple[Problem, Candidate]]) -> list[GradeRow]:
    """Return the rows of a batch of grades."""
    return [grade_row(grade, *pair) for grade, pair in zip(grades, pairs, strict=True)]
