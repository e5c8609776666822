"""TeacherPlan: one teacher of a recipe with its strategy and its rule for attempts."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from cotfactory.generators.ask.policy_strategy import PolicyStrategy
from cotfactory.generators.ask.python_strategy import PythonStrategy
from cotfactory.generators.ask.strategies import Strategy
from cotfactory.generators.local_teachers.recordings import RecordingCounts
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Attempts, Recipe
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.warehouse.stored_rollouts import StoredRollouts, stored_rollouts, written_chains
from cotfactory.warehouse.workspace import Workspace


@dataclass(frozen=True)
class TeacherPlan:
    """A teacher of the recipe, ready to have prompts rendered for it.

    `recorded` counts the completions a replay teacher has, so that none is asked for which does not exist; `stored` are
    the rollouts of a policy, or what people wrote: none of it is ever asked for. `chosen` are the problems that this
    teacher is asked, by id; None: all of them.
    """

    position: int
    spec: TeacherSpec
    strategy: Strategy
    attempts: Attempts
    recorded: RecordingCounts | None
    stored: StoredRollouts | None = None
    chosen: Container[str] | None = None

    @property
    def is_asked_alike(self) -> bool:
        """Whether every problem may be asked as often as `attempts` says."""
        return self.recorded is None and self.stored is None and self.chosen is None

    def request_ids(self, problem: Problem, opening: str, samples: int) -> tuple[tuple[str, ...], ...]:
        """Return the ids of the requests for the first `samples` samples: by sample index, then by step."""
        if self.stored is None:
            return self.strategy.request_ids(problem, opening, samples)
        return tuple((candidate_id,) for candidate_id in self.stored.ids(problem.problem_id, samples))

    def attempts_at(self, problem: Problem) -> Attempts | None:
        """Return the rule for one problem; None when it is not asked, or no completion of it is there."""
        if self.chosen is not None and problem.problem_id not in self.chosen:
            return None
        if self.stored is not None:
            available = min(self.attempts.max, self.stored.count(problem.problem_id))
        elif self.recorded is not None:
            available = min(self.attempts.max, self.recorded.available(problem.question, self.spec.model))
        else:
            return self.attempts
        return self.attempts.model_copy(update={"max": available}) if available else None


def teacher_plans(
    recipe: Recipe,
    recorded: Mapping[str, RecordingCounts],
    workspace: Workspace | None = None,
    chosen: Mapping[str, Container[str]] | None = None,
) -> tuple[TeacherPlan, ...]:
    """Return the teachers that are asked the problems.

    `recorded` holds the counts of those that replay recordings, by name.
    `workspace` is where rollouts are stored; None where the samples that count are known already. `chosen` names the
    problems that each teacher is asked; None: all are asked all.
    """
    return tuple(
        TeacherPlan(
            position,
            spec,
            strategy_of(spec, recipe.policies),
            _rule(recipe, spec),
            recorded.get(spec.name),
            _rollouts(spec, workspace),
            None if chosen is None else chosen[spec.name],
        )
        for position, spec in enumerate(recipe.writers)
    )


def strategy_of(spec: TeacherSpec, policies: Sequence[str]) -> Strategy:
    """Return the strategy of a teacher of a recipe with these policies."""
    if spec.strategy == "python":
        return PythonStrategy(spec)
    return PolicyStrategy(spec, policies) if spec.strategy == "deliberate" else Strategy(spec)


def _rule(recipe: Recipe, spec: TeacherSpec) -> Attempts:
    """Return how many samples are taken of each problem: of what is stored as many as there are, up to the most."""
    return recipe.attempts if spec.stored is None else Attempts(max=recipe.attempts.max)


def _rollouts(spec: TeacherSpec, workspace: Workspace | None) -> StoredRollouts | None:
    if spec.stored is None or workspace is None:
        return None
    return written_chains(workspace) if spec.stored == "written" else stored_rollouts(workspace, spec.model)
