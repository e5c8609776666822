"""Which problems a round asks: the next ones of those to learn from, and all that are held out."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cotfactory.curation.split import split_groups, splits
from cotfactory.flows.settings import hub_access
from cotfactory.generators.problems.load_problems import load_problems
from cotfactory.schemas.curation import HeldOut
from cotfactory.schemas.errors import RecipeError
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Recipe


class RoundProblems(NamedTuple):
    """The ids of a recipe's problems: to learn from, in its order, and held out."""

    to_learn: tuple[str, ...]
    held_out: frozenset[str]

    def of_round(self, number: int, count: int) -> frozenset[str]:
        """Return what round `number` (from 1) learns from: `count` problems that no round asked before."""
        return frozenset(self.to_learn[(number - 1) * count : number * count])


def round_problems(recipe: Recipe, held_out: HeldOut) -> RoundProblems:
    """Load a recipe's problems and hold some out by the hash of their group. Raises RecipeError if a side is empty."""
    problems: Sequence[Problem] = list(load_problems(recipe.problems, Path.cwd(), hub_access()))
    sides = splits(split_groups(problems), held_out)
    to_learn = tuple(problem.problem_id for problem in problems if sides[problem.problem_id] == "train")
    rest = frozenset(sides) - frozenset(to_learn)
    if not to_learn or not rest:
        raise RecipeError(
            f"Of {len(problems)} problems {len(rest)} are held out: expected some on both sides",
            "add problems, or change the share that is held out",
        )
    return RoundProblems(to_learn, rest)
