"""TeacherPlan: one teacher of a recipe with its strategy and its rule for attempts."""

from collections.abc import Mapping
from dataclasses import dataclass

from cotfactory.generators.ask.strategies import Strategy
from cotfactory.generators.local_teachers.recordings import RecordingCounts
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Attempts, Recipe
from cotfactory.schemas.teacher_spec import TeacherSpec


@dataclass(frozen=True)
class TeacherPlan:
    """A teacher of the recipe, ready to have prompts rendered for it.

    `recorded` counts the completions a replay teacher has, so that none is asked for which does not exist.
    """

    position: int
    spec: TeacherSpec
    strategy: Strategy
    attempts: Attempts
    recorded: RecordingCounts | None

    def attempts_at(self, problem: Problem) -> Attempts | None:
        """Return the rule for one problem; None when no completion of it was recorded."""
        if self.recorded is None:
            return self.attempts
        available = min(self.attempts.max, self.recorded.available(problem.question, self.spec.model))
        return self.attempts.model_copy(update={"max": available}) if available else None


def teacher_plans(recipe: Recipe, recorded: Mapping[str, RecordingCounts]) -> tuple[TeacherPlan, ...]:
    """Return the recipe's teachers; `recorded` holds the counts of those that replay recordings, by name."""
    return tuple(
        TeacherPlan(position, spec, Strategy(spec), recipe.attempts, recorded.get(spec.name))
        for position, spec in enumerate(recipe.teachers)
    )
