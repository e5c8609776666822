"""What does not work on nodes yet is refused in words before anything is asked, and never done differently."""

from collections.abc import Sequence

from cotfactory.flows.nodes.choice import Nodes
from cotfactory.schemas.errors import InputError
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Recipe


def refuse_on_nodes(recipe: Recipe, nodes: Nodes) -> None:
    """Raise InputError where the recipe wants what nodes cannot do."""
    for spec in recipe.teachers:
        if spec.batch is not None:
            _refuse(f"teacher {spec.name!r} has `batch`: batches are made and fetched by one process")
        if spec.strategy == "python":
            _refuse(f"teacher {spec.name!r} has `strategy: python`: its calls run in the sandbox of one machine")
        has_server_here = spec.start is not None or spec.simulated is not None or spec.recordings is not None
        if has_server_here and not nodes.is_private:
            _refuse(f"teacher {spec.name!r} is served by this machine, at an address that others do not reach")
    if recipe.judge is not None:
        _refuse("the recipe has a `judge`")
    if recipe.rollouts is not None:
        _refuse("the recipe has `rollouts`")
    if recipe.grader is not None:
        _refuse("the recipe has a `grader` of its own, a file of this machine")


def refuse_programs_on_nodes(problems: Sequence[Problem]) -> None:
    """Raise InputError where some problem is graded by running programs."""
    found = next((problem for problem in problems if problem.runs_programs), None)
    if found is not None:
        _refuse(f"problem {found.named} is graded by running programs")


def _refuse(why: str) -> None:
    raise InputError(f"This cannot be asked on nodes yet: {why}", "run it without --nodes and --processes")
